//! What comes of asking for an income, and what follows. What is absent, partial or odd is an outcome of its own: never a zero, never a rate.

use super::{
    http_client::{Fault, Pause, Reply},
    impot::Income,
    limits::Health,
    quotient::FamilyQuotient,
};
use chrono::{DateTime, TimeDelta, Utc};

/// Tries of one request, about two days; then an agent decides on a document, which the family may send at any time.
pub const TRIES_MAX: i32 = 14;
/// An answer that cannot be read seldom gets better.
const TRIES_UNREADABLE: i32 = 3;
/// First wait after a failure; it doubles each time, up to `RETRY_MAX`.
const RETRY_FIRST: TimeDelta = TimeDelta::seconds(30);
const RETRY_MAX: TimeDelta = TimeDelta::hours(6);
/// The same question is being answered: it soon will have been.
const RETRY_BUSY: TimeDelta = TimeDelta::seconds(10);
/// A new token is asked for first: nothing to wait for.
const RETRY_TOKEN: TimeDelta = TimeDelta::seconds(1);
/// No honest rest is longer, and each that is asked for is kept a second more.
const PAUSE_MAX: TimeDelta = TimeDelta::days(7);
const PAUSE_MARGIN: TimeDelta = TimeDelta::seconds(1);

/// The figures that an administration told. They are shown nowhere: not even here, to a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    Income(Income),
    Quotient(FamilyQuotient),
}

text_enum! {
    /// What of an answer is absent or odd.
    pub enum Field {
        ReferenceIncome = "reference_income",
        Parts = "parts",
        Situation = "situation",
        Dependants = "dependants",
        Year = "year",
        Month = "month",
        TaxNumber = "tax_number",
        Names = "names",
        Quotient = "quotient",
        Provider = "provider",
        /// The administration does not know the household of the first or second tax number, and the other's alone is no answer.
        FirstHousehold = "first_household",
        SecondHousehold = "second_household",
    }
}

text_enum! {
    /// Why an answer may be another family's, or half of one.
    pub enum Doubt {
        /// The names are of somebody else.
        OtherPerson = "other_person",
        /// One of two households is a couple's: the second is no other household, or not the other parent's.
        JointNotice = "joint_notice",
        /// The last years of two households differ.
        DifferentYears = "different_years",
        /// One tax number was given for two.
        SameTaxpayer = "same_taxpayer",
        /// The administration says that it knows a part of the situation.
        PartialNotice = "partial_notice",
    }
}

text_enum! {
    /// Why there is no answer now.
    pub enum Absence {
        /// The same question is being answered.
        Busy = "busy",
        /// Too many calls.
        Limited = "limited",
        /// The administration or the way to it is down.
        Down = "down",
        /// The token ended before its time; the next call takes a new one.
        TokenEnded = "token_ended",
    }
}

text_enum! {
    /// Why there will be no answer.
    pub enum Because {
        /// The question itself is not accepted.
        Question = "question",
        /// The department's credentials are unknown, ended, or may not ask this: an operator's matter.
        Access = "access",
    }
}

/// What came of a question. Its `Debug` shows no figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Computed(Told),
    /// Something that the rate needs is not told.
    Partial(Field),
    /// Something is told that cannot be.
    Odd(Field),
    NotFound,
    Ambiguous(Doubt),
    /// `after` says until when.
    Unavailable(Absence, Option<Pause>),
    /// Not an answer of the contract.
    Unreadable,
    Refused(Because),
}

impl Outcome {
    /// The word of traces, logs and metrics.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Computed(_) => "computed",
            Self::Partial(_) => "partial",
            Self::Odd(_) => "odd",
            Self::NotFound => "not_found",
            Self::Ambiguous(_) => "ambiguous",
            Self::Unavailable(absence, _) => absence.as_str(),
            Self::Unreadable => "unreadable",
            Self::Refused(Because::Question) => "refused",
            Self::Refused(Because::Access) => "denied",
        }
    }

    /// Which field, which doubt: what an agent is told beside the code.
    #[must_use]
    pub const fn detail(&self) -> Option<&'static str> {
        match self {
            Self::Partial(field) | Self::Odd(field) => Some(field.as_str()),
            Self::Ambiguous(doubt) => Some(doubt.as_str()),
            _ => None,
        }
    }

    /// What it says about the administration.
    #[must_use]
    pub fn health(&self) -> Health {
        match self {
            Self::Unavailable(Absence::Limited, pause) => Health::Limited(*pause),
            Self::Unavailable(Absence::Down, Some(Pause::For(time))) => Health::Failing(Some(*time)),
            Self::Unavailable(Absence::Down, _) | Self::Unreadable => Health::Failing(None),
            Self::Unavailable(Absence::Busy | Absence::TokenEnded, _) => Health::Unchanged,
            Self::Refused(Because::Access) => Health::Denied,
            _ => Health::Good,
        }
    }

    /// Nothing came, or too much.
    pub(super) const fn of_fault(fault: Fault) -> Self {
        match fault {
            Fault::TooLarge => Self::Unreadable,
            _ => Self::Unavailable(Absence::Down, None),
        }
    }

    /// What every administration means by a status that brings no figures.
    pub(super) const fn of_status(reply: &Reply, retry_in: Option<TimeDelta>) -> Self {
        match (reply.status, reply.retry_after) {
            (400 | 422, _) => Self::Refused(Because::Question),
            (401 | 403, _) => Self::Refused(Because::Access),
            (409, _) => Self::Unavailable(Absence::Busy, None),
            // Whoever says when to come back means everybody.
            (429, pause) | (500..=599, pause @ Some(_)) => Self::Unavailable(Absence::Limited, pause),
            (500..=599, None) => Self::Unavailable(
                Absence::Down,
                match retry_in {
                    Some(time) => Some(Pause::For(time)),
                    None => None,
                },
            ),
            // A redirection, another page, a proxy's word.
            _ => Self::Unreadable,
        }
    }
}

/// What follows an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The figures are there: the rate is decided.
    Decide,
    /// The administration is unavailable until then.
    RetryAt(DateTime<Utc>),
    /// The family sends a document and an agent decides.
    GiveUp,
}

/// What follows the outcome of the try number `attempts` (from 1), so that every request ends. `luck`, any byte, spreads the retries over a
/// quarter of their wait, so that what failed together does not come back together.
#[must_use]
pub fn after(outcome: &Outcome, attempts: i32, now: DateTime<Utc>, luck: u8) -> Next {
    let (tries, wait, pause) = match outcome {
        Outcome::Computed(_) => return Next::Decide,
        Outcome::Partial(_)
        | Outcome::Odd(_)
        | Outcome::NotFound
        | Outcome::Ambiguous(_)
        | Outcome::Refused(Because::Question) => return Next::GiveUp,
        Outcome::Unreadable => (TRIES_UNREADABLE, backoff(attempts), None),
        Outcome::Refused(Because::Access) => (TRIES_MAX, backoff(attempts), None),
        Outcome::Unavailable(Absence::Busy, pause) => (TRIES_MAX, RETRY_BUSY, *pause),
        Outcome::Unavailable(Absence::TokenEnded, pause) => (TRIES_MAX, RETRY_TOKEN, *pause),
        Outcome::Unavailable(Absence::Limited | Absence::Down, pause) => (TRIES_MAX, backoff(attempts), *pause),
    };
    if attempts >= tries {
        return Next::GiveUp;
    }
    let rest = match pause {
        None => TimeDelta::zero(),
        Some(Pause::For(time)) => time,
        Some(Pause::Until(instant)) => instant.signed_duration_since(now),
    };
    let rest = rest.clamp(TimeDelta::zero(), PAUSE_MAX);
    let wait = wait.max(rest.checked_add(&PAUSE_MARGIN).unwrap_or(rest));
    let more = wait.num_milliseconds().saturating_mul(luck.into()) / (4 * i64::from(u8::MAX));
    let wait = wait.checked_add(&TimeDelta::milliseconds(more)).unwrap_or(wait);
    Next::RetryAt(now.checked_add_signed(wait).unwrap_or(now))
}

fn backoff(attempts: i32) -> TimeDelta {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(0).min(10);
    RETRY_FIRST.checked_mul(2_i32.saturating_pow(doublings)).unwrap_or(RETRY_MAX).min(RETRY_MAX)
}

#[cfg(test)]
mod tests;
