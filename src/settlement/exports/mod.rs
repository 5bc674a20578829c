//! Plans and batches as tables, for those who keep the accounts.

pub mod http;

use super::{
    BatchRow, PayoutRow, db,
    state::PayoutState,
    views::{PlanView, PlannedPayoutView, Prospect},
};
use crate::{
    db::Tx,
    error::Error,
    kernel::{
        ids::{MerchantId, PayoutBatchId},
        text::Siret,
    },
    paper::{Cell, Sheet},
};
use std::collections::BTreeMap;

/// The numbers of merchants, from the directory.
pub type Sirets = BTreeMap<MerchantId, Siret>;

const PLAN: &[&str] = &[
    "SIRET",
    "Organisme",
    "Opérations",
    "Montant des opérations en euros",
    "Report en euros",
    "À verser en euros",
    "Contesté en euros",
    "Prévision",
    "Motif",
];
const PAYOUTS: &[&str] = &[
    "Lot",
    "Référence du virement",
    "SIRET",
    "Organisme",
    "Montant des opérations en euros",
    "Report en euros",
    "Montant en euros",
    "État",
    "Motif",
];

fn siret(sirets: &Sirets, merchant: MerchantId) -> Cell {
    sirets.get(&merchant).map(ToString::to_string).unwrap_or_default().into()
}

const fn prospect(prospect: Prospect) -> &'static str {
    match prospect {
        Prospect::ToPay => "À verser",
        Prospect::Carried => "Reporté",
        Prospect::NoBankAccount => "Sans compte bancaire en vigueur",
        Prospect::OnHold => "Suspendu : compte bancaire refusé par la banque",
        Prospect::Waiting => "En attente",
    }
}

/// Where a payout stands, in words.
pub const fn state(state: PayoutState) -> &'static str {
    match state {
        PayoutState::ToPay => "À verser",
        PayoutState::Carried => "Reporté",
        PayoutState::Accepted => "Versé",
        PayoutState::Rejected => "Rejeté par la banque",
    }
}

/// A plan, merchant by merchant.
pub fn plan_csv(plan: PlanView, sirets: &Sirets) -> Result<Vec<u8>, Error> {
    let mut sheet = Sheet::new(PLAN)?;
    for item in plan.items {
        let PlannedPayoutView { merchant_id, merchant_name, line_count, lines_cents, carried_in_cents, .. } = item;
        sheet.row([
            siret(sirets, merchant_id),
            merchant_name.into(),
            line_count.to_string().into(),
            lines_cents.into(),
            carried_in_cents.into(),
            item.amount_cents.into(),
            item.disputed_cents.into(),
            prospect(item.prospect).into(),
            item.hold_reason.unwrap_or_default().into(),
        ])?;
    }
    sheet.finish()
}

/// The payouts of a batch, all of them.
pub fn batch_payouts(tx: &mut Tx<'_>, id: PayoutBatchId) -> Result<(BatchRow, Vec<PayoutRow>), Error> {
    let batch = db::batch(tx, id)?;
    let mut payouts = db::payouts(tx, id)?;
    payouts.sort_by(|one, other| one.merchant_name.cmp(&other.merchant_name).then(one.id.cmp(&other.id)));
    Ok((batch, payouts))
}

/// The payouts of a batch, merchant by merchant.
pub fn payouts_csv(batch: &BatchRow, payouts: Vec<PayoutRow>, sirets: &Sirets) -> Result<Vec<u8>, Error> {
    let mut sheet = Sheet::new(PAYOUTS)?;
    for payout in payouts {
        sheet.row([
            batch.number.to_string().into(),
            payout.end_to_end_id.into(),
            siret(sirets, payout.merchant_id),
            payout.merchant_name.into(),
            payout.lines.into(),
            payout.carried_in.into(),
            payout.amount.into(),
            state(payout.state).into(),
            payout.reason_code.unwrap_or_default().into(),
        ])?;
    }
    sheet.finish()
}
