//! Payments refused to a child's cards, as its family and the department may read them: a till is never told
//! why, the family always.

mod db;
pub mod http;

use super::{Declined, db::merchant_names};
use crate::{
    db::Tx,
    error::Error,
    families,
    http::page::{Page, PageQuery},
    kernel::ids::ChildId,
};
use chrono::{DateTime, Utc};
use db::RefusedRow;
use uuid::Uuid;

text_enum! {
    /// Why a payment with a card was refused.
    pub enum RefusedReason {
        /// Not active yet, or no longer.
        CardNotActive = "card_not_active",
        CardBlocked = "card_blocked",
        CardExpired = "card_expired",
        InsufficientFunds = "insufficient_funds",
        /// The season is over, or the enrolment suspended.
        NoOpenWallet = "no_open_wallet",
        AboveDayCap = "above_day_cap",
        AbovePaymentCap = "above_payment_cap",
        TillBusy = "till_busy",
        PaidWithOtherWallet = "paid_with_other_wallet",
        MerchantNotAffiliated = "merchant_not_affiliated",
        Other = "other",
    }
}

impl RefusedReason {
    /// The sentence that people read.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::CardNotActive => "La carte n'est pas encore active, ou a été remplacée.",
            Self::CardBlocked => "La carte était bloquée.",
            Self::CardExpired => "La carte n'était plus valable.",
            Self::InsufficientFunds => "Le solde disponible ne couvrait pas le montant.",
            Self::NoOpenWallet => "Aucun porte-monnaie n'était ouvert : saison terminée ou inscription suspendue.",
            Self::AboveDayCap => "Le montant dépassait le plafond de dépense par jour.",
            Self::AbovePaymentCap => "Le montant dépassait le plafond par paiement.",
            Self::TillBusy => "La caisse avait atteint le nombre de paiements admis par minute.",
            Self::PaidWithOtherWallet => "Cette activité était déjà payée avec l'autre porte-monnaie.",
            Self::MerchantNotAffiliated => "L'organisme n'avait pas de convention en cours pour ce porte-monnaie.",
            Self::Other => "Le paiement n'a pas pu être accepté.",
        }
    }
}

impl From<Declined> for RefusedReason {
    fn from(declined: Declined) -> Self {
        match declined {
            Declined::CardOrdered | Declined::CardPrinted | Declined::CardPosted | Declined::CardReplaced => {
                Self::CardNotActive
            }
            Declined::CardBlocked => Self::CardBlocked,
            Declined::CardExpired => Self::CardExpired,
            Declined::InsufficientFunds => Self::InsufficientFunds,
            Declined::NoOpenWallet => Self::NoOpenWallet,
            Declined::AboveCardCap => Self::AboveDayCap,
            Declined::AboveDebitCap => Self::AbovePaymentCap,
            Declined::AboveTillCap => Self::TillBusy,
            Declined::PaidWithOtherWallet => Self::PaidWithOtherWallet,
            Declined::NotAffiliated => Self::MerchantNotAffiliated,
            _ => Self::Other,
        }
    }
}

/// A refused payment.
#[derive(Debug)]
pub struct Refused {
    pub row: RefusedRow,
    pub merchant_name: Option<String>,
}

/// What was refused to the cards of a child the caller may see, newest first.
pub fn list_refused_payments(tx: &mut Tx<'_>, child: ChildId, query: &PageQuery) -> Result<Page<Refused>, Error> {
    families::child(tx, child)?;
    let before: Option<(i64, Uuid)> = query.after()?;
    let before = before.and_then(|(micros, key)| DateTime::<Utc>::from_timestamp_micros(micros).zip(Some(key)));
    let rows = db::refused(tx, child, before, query.limit()?.saturating_add(1))?;
    let names = merchant_names(tx, rows.iter().filter_map(|row| row.merchant_id))?;
    let refused = rows.into_iter().map(|row| {
        let merchant_name = row.merchant_id.and_then(|id| names.get(&id).cloned());
        Refused { row, merchant_name }
    });
    query.page(refused.collect(), |refused| (refused.row.at.timestamp_micros(), refused.row.key))
}
