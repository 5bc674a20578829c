//! The question of one family, call by call: each keeps the administration's pace, has a trace of its own, and says how the administration
//! is. What it knows already is kept between the calls, in memory only.

use super::{
    ImpotParticulier,
    notice::{Income, Notice, Reading},
};
use crate::{
    config::ImpotResource,
    fiscal::{
        limits::Health,
        outcome::{Absence, Because, Doubt, Field, Outcome, Told},
        request::IncomeRequest,
        spi::Spi,
    },
    kernel::{
        ids::AuthorityCallId,
        text::{Name, SeasonCode},
    },
};

/// The year whose income decides of the rate of a season: the one before its first.
#[must_use]
pub fn income_year(season: &SeasonCode) -> Option<i32> {
    season.years()?.0.checked_sub(1)
}

/// One of the parents, as his tax notice names him.
pub struct Taxpayer {
    pub spi: Spi,
    pub last_name: Name,
}

impl Taxpayer {
    /// Whether both bear one tax number.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.spi.is(&other.spi)
    }
}

/// What is asked, of one tax household or of the two of unmarried parents, and what is known so far. The tax numbers go with it.
pub struct Inquiry {
    request: IncomeRequest,
    first: Taxpayer,
    second: Option<Taxpayer>,
    asked_year: i32,
    /// The year before, once the administration has said that it knows no other. It is the same for both: incomes of two years are not added.
    pub(super) year: i32,
    first_notice: Option<Notice>,
}

/// What a call did.
pub struct Step {
    pub progress: Progress,
    /// For the administration's limits.
    pub health: Health,
    /// For the trace: the word of the call, the administration's code and its name for the request.
    pub code: &'static str,
    pub error_code: Option<String>,
    pub request_id: Option<String>,
}

/// Where it leaves the question.
pub enum Progress {
    /// Another call is needed.
    More(Inquiry),
    /// Nothing more is asked.
    Ended(Outcome),
    /// Unavailable, unreadable or denied: where `outcome::after` says when to come back, the question goes on from here.
    Interrupted(Outcome, Inquiry),
}

impl Inquiry {
    /// `year`: of the income, see `income_year`. One tax number given for two households is refused as a doubt.
    pub fn new(request: IncomeRequest, first: Taxpayer, second: Option<Taxpayer>, year: i32) -> Result<Self, Doubt> {
        if second.as_ref().is_some_and(|second| second.is_same_as(&first)) {
            return Err(Doubt::SameTaxpayer);
        }
        Ok(Self { request, first, second, asked_year: year, year, first_notice: None })
    }

    /// The request that this is asked for.
    #[must_use]
    pub const fn request(&self) -> &IncomeRequest {
        &self.request
    }

    /// Makes the next call, under the name `call`, which no other call may bear: it leaves as `X-Correlation-ID`.
    pub async fn step(self, client: &ImpotParticulier, call: AuthorityCallId) -> Step {
        let taxpayer = match (&self.first_notice, &self.second) {
            (Some(_), Some(second)) => second,
            _ => &self.first,
        };
        let answer = client.ask(&self.request, taxpayer, self.year, call).await;
        let (code, health) = (answer.reading.code(), answer.reading.health());
        let progress = self.told(answer.reading, client.resource);
        Step { progress, health, code, error_code: answer.error_code, request_id: answer.request_id }
    }

    /// Where an answer leads.
    pub(super) fn told(mut self, reading: Reading, resource: ImpotResource) -> Progress {
        let is_first = self.first_notice.is_none();
        match reading {
            Reading::Notice(notice) => match (self.first_notice.take(), self.second.is_some()) {
                (None, true) if notice.situation.is_couple() => Progress::Ended(Outcome::Ambiguous(Doubt::JointNotice)),
                (None, true) => Progress::More(Self { first_notice: Some(notice), ..self }),
                (first, _) => Progress::Ended(added(first, notice, self.asked_year)),
            },
            Reading::NoResult if resource == ImpotResource::Year && self.year == self.asked_year => {
                Progress::More(Self { year: self.year.saturating_sub(1), first_notice: None, ..self })
            }
            Reading::NoResult | Reading::Other(Outcome::NotFound) => Progress::Ended(match (&self.second, is_first) {
                (None, _) => Outcome::NotFound,
                (Some(_), true) => Outcome::Partial(Field::FirstHousehold),
                (Some(_), false) => Outcome::Partial(Field::SecondHousehold),
            }),
            Reading::Other(outcome) => match outcome {
                Outcome::Unavailable(Absence::Busy | Absence::Limited | Absence::Down | Absence::TokenEnded, _)
                | Outcome::Unreadable
                | Outcome::Refused(Because::Access) => Progress::Interrupted(outcome, self),
                ended => Progress::Ended(ended),
            },
        }
    }
}

/// The income of one household, or of two. A sum that does not fit is no income.
fn added(first: Option<Notice>, last: Notice, asked_year: i32) -> Outcome {
    let Some(first) = first else {
        return Outcome::Computed(Told::Income(Income {
            reference_euros: last.reference_euros,
            quarter_parts: last.quarter_parts,
            situations: vec![last.situation],
            dependants: last.dependants,
            year: last.year,
            asked_year,
        }));
    };
    if first.situation.is_couple() || last.situation.is_couple() {
        return Outcome::Ambiguous(Doubt::JointNotice);
    }
    if first.year != last.year {
        return Outcome::Ambiguous(Doubt::DifferentYears);
    }
    let Some(reference_euros) = first.reference_euros.checked_add(last.reference_euros) else {
        return Outcome::Odd(Field::ReferenceIncome);
    };
    let Some(quarter_parts) = first.quarter_parts.checked_add(last.quarter_parts) else {
        return Outcome::Odd(Field::Parts);
    };
    Outcome::Computed(Told::Income(Income {
        reference_euros,
        quarter_parts,
        situations: vec![first.situation, last.situation],
        dependants: first.dependants.zip(last.dependants).and_then(|(first, last)| first.checked_add(last)),
        year: last.year,
        asked_year,
    }))
}
