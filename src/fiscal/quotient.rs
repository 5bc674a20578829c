//! `GET /v3/dss/quotient_familial/identite` of API Particulier: the quotient that a family's CAF or MSA has computed, where the department's
//! grid wants that one. Any key outside the token's scopes is absent, so any field may be.

use super::{
    Particulier,
    limits::Health,
    names::alike,
    outcome::{Doubt, Field, Outcome, Told},
    problem::{Problem, plain_code},
    request::IncomeRequest,
    schooling::CivilSex,
};
use crate::{
    fiscal::http_client::Reply,
    kernel::{
        department::Department,
        text::{InseeCode, Label, Name},
    },
};
use chrono::{Datelike, NaiveDate};
use serde_json::{Map, Value};
use std::fmt;

const PATH: &str = "/v3/dss/quotient_familial/identite";
/// First names that the service takes.
const FIRST_NAMES_MAX: usize = 3;
const FRANCE: &str = "99100";
/// The providers' words for a family that they do not know.
const NOT_KNOWN: [&str; 3] = ["10003", "23003", "37003"];
/// Their word for that, and for an error of theirs: only its title tells which.
const NOT_KNOWN_OR_ERROR: &str = "35003";
const NOT_KNOWN_TITLE: &str = "Allocataire non référencé";
/// Beyond any quotient that is computed.
const VALUE_MAX_EUROS: i64 = 10_000_000;

text_enum! {
    /// Who computed a quotient.
    pub enum Provider { Caf = "CNAF", Msa = "MSA" }
}

/// Where somebody was born, as the service must know.
pub enum BirthPlace {
    Commune(InseeCode),
    /// A commune by its name, in that department.
    Named(Label, Department),
    Country(InseeCode),
}

/// Who receives the family's benefits, as the question names him. It is never shown.
pub struct Question {
    pub last_name: Name,
    /// Only when it is not the last name.
    pub usage_name: Option<Name>,
    pub first_names: Name,
    pub sex: CivilSex,
    pub birth_date: NaiveDate,
    pub birth_place: BirthPlace,
    /// Year and month of the quotient; none: the present ones.
    pub month: Option<(i32, u32)>,
}

/// A quotient and the month that it is for, which the caller judges when it asked for none. Its `Debug` shows no figure.
#[derive(Clone, PartialEq, Eq)]
pub struct FamilyQuotient {
    pub value_euros: i64,
    pub year: i32,
    pub month: u32,
    pub provider: Option<Provider>,
}

impl fmt::Debug for FamilyQuotient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FamilyQuotient").field("year", &self.year).field("month", &self.month).finish_non_exhaustive()
    }
}

/// An outcome with what the trace, the log and the limits keep of it.
pub struct Answer {
    pub outcome: Outcome,
    pub health: Health,
    pub error_code: Option<String>,
    pub request_id: Option<String>,
}

impl Answer {
    fn new(outcome: Outcome, error_code: Option<String>, request_id: Option<String>) -> Self {
        Self { health: outcome.health(), outcome, error_code, request_id }
    }
}

/// Asks once, for a family that ticked the request. Everything that can go wrong is an outcome.
pub async fn ask(particulier: &Particulier, _proof: &IncomeRequest, question: &Question) -> Answer {
    let Particulier { client, token, recipient } = particulier;
    match client.get(PATH, &params(question, recipient.as_str()), token).await {
        Ok(reply) => read(&reply, question),
        Err(fault) => Answer::new(Outcome::of_fault(fault), Some(fault.as_str().to_owned()), None),
    }
}

fn params(question: &Question, recipient: &str) -> Vec<(&'static str, String)> {
    let Question { last_name, usage_name, first_names, sex, birth_date, birth_place, month } = question;
    let mut params = vec![("recipient", recipient.to_owned()), ("nomNaissance", last_name.to_string())];
    params.extend(usage_name.iter().map(|name| ("nomUsage", name.to_string())));
    let first_names = first_names.as_str().split([' ', ',']).filter(|name| !name.is_empty());
    params.extend(first_names.take(FIRST_NAMES_MAX).map(|name| ("prenoms[]", name.to_owned())));
    params.extend([
        ("anneeDateNaissance", birth_date.year().to_string()),
        ("moisDateNaissance", birth_date.month().to_string()),
        ("jourDateNaissance", birth_date.day().to_string()),
        ("sexeEtatCivil", sex.to_string()),
    ]);
    let country = match birth_place {
        BirthPlace::Country(code) => code.as_str(),
        BirthPlace::Commune(code) => {
            params.push(("codeCogInseeCommuneNaissance", code.to_string()));
            FRANCE
        }
        BirthPlace::Named(name, department) => {
            let named = [
                ("nomCommuneNaissance", name.to_string()),
                ("codeCogInseeDepartementNaissance", department.to_string()),
            ];
            params.extend(named);
            FRANCE
        }
    };
    params.push(("codeCogInseePaysNaissance", country.to_owned()));
    if let Some((year, month)) = month {
        params.extend([("annee", year.to_string()), ("mois", month.to_string())]);
    }
    params
}

/// What an answer means for this question.
#[must_use]
pub fn read(reply: &Reply, question: &Question) -> Answer {
    let problem = Problem::read(&reply.body);
    let code = problem.as_ref().map(|problem| problem.code.as_str());
    let title = problem.as_ref().and_then(|problem| problem.title.as_deref());
    let outcome = match (reply.status, code) {
        (200, _) => told(&reply.body, question),
        (404, Some(code)) if NOT_KNOWN.contains(&code) => Outcome::NotFound,
        (404, Some(NOT_KNOWN_OR_ERROR)) if title == Some(NOT_KNOWN_TITLE) => Outcome::NotFound,
        _ => Outcome::of_status(reply, problem.as_ref().and_then(Problem::retry_in)),
    };
    Answer::new(outcome, code.and_then(plain_code), reply.request_id.clone())
}

fn told(body: &[u8], question: &Question) -> Outcome {
    let Some(Value::Object(data)) =
        serde_json::from_slice(body).ok().and_then(|mut whole: Map<_, _>| whole.remove("data"))
    else {
        return Outcome::Unreadable;
    };
    judge(&data, question).map_or_else(|outcome| outcome, |quotient| Outcome::Computed(Told::Quotient(quotient)))
}

fn judge(data: &Map<String, Value>, question: &Question) -> Result<FamilyQuotient, Outcome> {
    check_recipients(data.get("allocataires"), question)?;
    let quotient = match data.get("quotient_familial") {
        None | Some(Value::Null) => return Err(Outcome::Partial(Field::Quotient)),
        Some(quotient) => quotient.as_object().ok_or(Outcome::Odd(Field::Quotient))?,
    };
    let number = |key: &str, field: Field, from: i64, to: i64| match quotient.get(key) {
        None | Some(Value::Null) => Err(Outcome::Partial(field)),
        Some(told) => told.as_i64().filter(|told| (from..=to).contains(told)).ok_or(Outcome::Odd(field)),
    };
    let value_euros = number("valeur", Field::Quotient, 0, VALUE_MAX_EUROS)?;
    let year = number("annee", Field::Year, 2000, 2999)?.try_into().map_err(|_| Outcome::Odd(Field::Year))?;
    let month = number("mois", Field::Month, 1, 12)?.try_into().map_err(|_| Outcome::Odd(Field::Month))?;
    if let Some((asked_year, asked_month)) = question.month {
        if year != asked_year {
            return Err(Outcome::Odd(Field::Year));
        }
        if month != asked_month {
            return Err(Outcome::Odd(Field::Month));
        }
    }
    let provider = match quotient.get("fournisseur") {
        None | Some(Value::Null) => None,
        Some(told) => Some(told.as_str().and_then(|told| told.parse().ok()).ok_or(Outcome::Odd(Field::Provider))?),
    };
    Ok(FamilyQuotient { value_euros, year, month, provider })
}

/// Whom the quotient is for may be outside the token's scopes; where it is told, one of them is whom the question names: by a name of his, or,
/// since registers differ on names, by his birth date.
fn check_recipients(told: Option<&Value>, question: &Question) -> Result<(), Outcome> {
    let recipients = match told {
        None | Some(Value::Null) => return Ok(()),
        Some(told) => told.as_array().ok_or(Outcome::Odd(Field::Names))?,
    };
    let names = [Some(&question.last_name), question.usage_name.as_ref()];
    let is_named = |told: &str| names.iter().flatten().any(|name| alike(name.as_str(), told));
    let is_asked = |recipient: &Value| {
        let text = |key: &str| recipient.get(key).and_then(Value::as_str);
        let is_born = text("date_naissance").and_then(|date| date.parse().ok()) == Some(question.birth_date);
        is_born || [text("nom_naissance"), text("nom_usage")].into_iter().flatten().any(is_named)
    };
    if recipients.iter().any(is_asked) { Ok(()) } else { Err(Outcome::Ambiguous(Doubt::OtherPerson)) }
}

#[cfg(test)]
mod tests;
