//! What payers are told of a refund, and of what is undone, composed when the letter leaves.

use super::{PaymentMeans, db};
use crate::{
    billing::{Payer, bills::notices, bills::paper},
    db::Tx,
    error::Error,
    kernel::ids::PaymentId,
    mail::Letter,
};

/// The letters about a refund, or about a payment or a refund that was undone.
pub fn refund_notice(tx: &mut Tx<'_>, id: PaymentId) -> Result<Vec<Letter>, Error> {
    let row = db::payment(tx, id)?;
    let (subject, told) = if let Some(undone) = row.undoes {
        let on = paper::french(db::payment(tx, undone)?.paid_on);
        let (what, subject, amount, then) = if row.is_refund {
            ("Le remboursement", "remboursement", row.amount, "Cette somme compte de nouveau en votre faveur.")
        } else {
            ("Le paiement", "paiement", paper::positive(row.amount), "Cette somme ne compte plus en votre faveur.")
        };
        let told = format!(
            "{what} de {amount} du {on}, que nous avions enregistré, est annulé : il a été noté par erreur, ou l'argent n'est pas arrivé. {then}"
        );
        (format!("Cantine : un {subject} de {amount} annulé"), told)
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
