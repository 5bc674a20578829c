//! What payers are told of a refund, composed when the letter leaves.

use super::{PaymentMeans, db};
use crate::{
    billing::{Payer, bills::notices, bills::paper},
    db::Tx,
    error::Error,
    kernel::ids::PaymentId,
    mail::Letter,
};

/// The letters about a refund, or about one that was undone.
pub fn refund_notice(tx: &mut Tx<'_>, id: PaymentId) -> Result<Vec<Letter>, Error> {
    let row = db::payment(tx, id)?;
    let (subject, told) = if let Some(undone) = row.undoes {
        let on = paper::french(db::payment(tx, undone)?.paid_on);
        let told = format!(
            "Le remboursement de {} du {on} est annulé : cette somme est de nouveau portée au crédit de votre compte.",
            row.amount
        );
        (format!("Cantine : un remboursement de {} annulé", row.amount), told)
    } else {
        let (amount, on) = (paper::positive(row.amount), paper::french(row.paid_on));
        let means = match row.means {
            PaymentMeans::Cheque => "par chèque",
            _ => "par virement",
        };
        let told = format!(
            "Le comptable public vous a remboursé {amount} {means} le {on}, pris sur le crédit de votre compte."
        );
        (format!("Cantine : un remboursement de {amount}"), told)
    };
    let body = format!("Bonjour,\n\n{told}\n\nPass+");
    notices::letters(tx, Payer::of(row.family_id, row.adult_id), &subject, &body)
}
