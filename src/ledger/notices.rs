//! A word to the families that asked for one, at each debit and refund; to any, when a merchant lets go what it had set aside.
//! The steps leave it as a job in their own transaction; the letter is composed when it is sent.

use super::{TransferKind, db, reversals, tickets};
use crate::{
    db::Tx,
    error::Error,
    families,
    kernel::ids::{HoldId, TransferId},
    mail::Letter,
};

/// The letters about a debit or a refund, one for each guardian with present rights.
pub fn debit_notice(tx: &mut Tx<'_>, transfer: TransferId) -> Result<Vec<Letter>, Error> {
    let moved = reversals::moved(tx, transfer)?;
    let names = db::merchant_names(tx, moved.merchant_id.into_iter())?;
    let merchant = names.into_values().next().unwrap_or_default();
    let label = moved.activity_label.as_ref().map(|label| format!(", pour « {label} »")).unwrap_or_default();
    let child = moved.holder_first_name.unwrap_or_default();
    let (subject, what) = match moved.kind {
        TransferKind::Refund => ("Remboursement sur un porte-monnaie", "a remboursé"),
        _ => ("Paiement avec un porte-monnaie", "a encaissé"),
    };
    let body = format!(
        "Bonjour,\n\n{merchant} {what} {} sur le porte-monnaie {} de {child}{label}.\n\
         Votre relevé le montre. Si vous n'en savez rien, bloquez la carte et contestez ce paiement dans votre espace.\n\nPass+",
        moved.amount, moved.wallet_kind
    );
    families::letters(tx, moved.family_id, subject, &body)
}

/// The letters about money that a family set aside and that its merchant declined or let go. None for what a till set aside by itself.
pub fn hold_notice(tx: &mut Tx<'_>, hold: HoldId) -> Result<Vec<Letter>, Error> {
    let Some((ticket, family)) = tickets::of_family(tx, hold)? else { return Ok(vec![]) };
    let row = &ticket.row;
    let merchant = ticket.merchant_name.unwrap_or_default();
    let label = row.activity_label.as_ref().map(|label| format!(", pour « {label} »")).unwrap_or_default();
    let body = format!(
        "Bonjour,\n\n{merchant} n'a pas retenu les {} que vous lui destiniez sur le porte-monnaie {} de {}{label}. Rien n'est \
         encaissé : si la dernière date de dépense de la saison n'est pas passée, la somme est de nouveau disponible.\n\nPass+",
        row.amount, row.wallet_kind, row.holder_first_name
    );
    families::letters(tx, family, "Somme réservée rendue", &body)
}
