//! What a season's end took back, for a spreadsheet.

use super::LostRow;
use crate::{
    error::Error,
    kernel::text::SeasonCode,
    paper::{Cell, Sheet},
};

/// A line a wallet kind, for those who keep the accounts.
pub fn csv(season: &SeasonCode, rows: &[LostRow]) -> Result<Vec<u8>, Error> {
    let titles =
        ["Saison", "Porte-monnaie", "Nombre de porte-monnaie", "Crédits perdus en euros", "Rendus depuis en euros"];
    let mut sheet = Sheet::new(&titles)?;
    for row in rows {
        let texts = [season.to_string(), row.kind.to_string(), row.wallets.to_string()].map(Cell::from);
        sheet.row(texts.into_iter().chain([row.lost, row.undone].map(Cell::from)))?;
    }
    sheet.finish()
}
