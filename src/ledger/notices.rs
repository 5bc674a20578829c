//! A word to the families that asked for one, at each debit and refund. The ledger's steps leave it as a job in their own transaction; the
//! letter is composed when it is sent.

use super::{TransferKind, db, reversals};
use crate::{db::Tx, error::Error, families, kernel::ids::TransferId, mail::Letter};

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
    let letter = |to| Letter { to, subject: subject.to_owned(), body: body.clone() };
    Ok(families::recipients(tx, moved.family_id)?.into_iter().map(letter).collect())
}
