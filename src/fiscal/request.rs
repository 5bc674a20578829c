//! What must exist before a family's income is asked of anybody: the request that its guardian ticked.

use crate::kernel::{ids::IncomeRequestId, text::Code};
use chrono::NaiveDate;

/// Proof that a guardian ticked the request. Every question about an income takes one, so that none can be put without it:
///
/// ```compile_fail
/// use passplus::fiscal::{impot::{Inquiry, Taxpayer}, request::IncomeRequest};
/// fn ask_anyway(taxpayer: Taxpayer) -> Inquiry {
///     Inquiry::new(IncomeRequest {}, taxpayer, None, 2025).unwrap()
/// }
/// ```
#[derive(Debug)]
pub struct IncomeRequest {
    id: IncomeRequestId,
    text_version: Code,
    ticked_on: NaiveDate,
}

impl IncomeRequest {
    /// The request as it was recorded: to be made from its row alone, in one place.
    #[must_use]
    pub const fn recorded(id: IncomeRequestId, text_version: Code, ticked_on: NaiveDate) -> Self {
        Self { id, text_version, ticked_on }
    }

    #[must_use]
    pub const fn id(&self) -> IncomeRequestId {
        self.id
    }

    /// The text that the guardian read.
    #[must_use]
    pub const fn text_version(&self) -> &Code {
        &self.text_version
    }

    #[must_use]
    pub const fn ticked_on(&self) -> NaiveDate {
        self.ticked_on
    }
}
