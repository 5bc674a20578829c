//! `GET /v4/men/scolarites/identite` of API Particulier: is this pupil at this school, and does he hold a scholarship? Any key outside the
//! token's scopes is absent, so any field may be; what is there must be what the contract says, or nothing of the answer is believed.

use super::{
    Particulier,
    http_client::{Fault, Pause, Reply},
    limits::Health,
    problem::{Problem, plain_code},
};
use crate::kernel::text::{Name, SeasonCode, Uai};
use chrono::{Datelike, NaiveDate, TimeDelta};
use serde::Deserialize;

const PATH: &str = "/v4/men/scolarites/identite";
/// First names that the service takes.
const FIRST_NAMES_MAX: usize = 3;
/// The provider's word for a pupil it does not know; any other 404 is about something else.
const NOT_KNOWN: &str = "30003";

text_enum! {
    /// Sex as in the civil register.
    pub enum CivilSex { Female = "F", Male = "M" }
}

/// A pupil, as the question names him. It is never shown.
pub struct Question {
    pub last_name: Name,
    pub first_names: Name,
    pub sex: CivilSex,
    pub birth_date: NaiveDate,
    pub college_uai: Uai,
    pub season: SeasonCode,
}

/// What the State told of a pupil it knows. `None`: not told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schooling {
    pub is_enrolled: Option<bool>,
    pub college_uai: Option<String>,
    pub is_scholar: Option<bool>,
    pub echelon: Option<i16>,
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Found(Schooling),
    NotFound,
    /// The same question is being answered.
    Busy,
    /// Too many calls with this token.
    Limited(Option<Pause>),
    /// The administration or the way to it is down.
    Down(Option<TimeDelta>),
    /// The token is unknown, expired, or may not ask this.
    Denied,
    /// The question itself is not accepted.
    Refused,
    /// An answer that is not of the contract, or not about this pupil.
    Malformed,
}

/// An outcome with what the trace and the log keep of it.
pub struct Answer {
    pub outcome: Outcome,
    pub error_code: Option<String>,
    pub request_id: Option<String>,
}

impl Outcome {
    /// The word of the trace.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Found(_) => "found",
            Self::NotFound => "not_found",
            Self::Busy => "busy",
            Self::Limited(_) => "limited",
            Self::Down(_) => "down",
            Self::Denied => "denied",
            Self::Refused => "refused",
            Self::Malformed => "malformed",
        }
    }

    /// What it says about the administration.
    #[must_use]
    pub const fn health(&self) -> Health {
        match self {
            Self::Found(_) | Self::NotFound | Self::Refused => Health::Good,
            Self::Busy => Health::Unchanged,
            Self::Limited(pause) => Health::Limited(*pause),
            Self::Down(retry_in) => Health::Failing(*retry_in),
            Self::Denied => Health::Denied,
            Self::Malformed => Health::Failing(None),
        }
    }
}

/// The day from which "holds no scholarship" and "not known" can be believed: until then the State's lists of the year are not complete.
#[must_use]
pub fn lists_complete_on(season: &SeasonCode) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(season.years()?.0, 10, 15)
}

/// Asks once. Everything that can go wrong is an outcome.
pub async fn ask(particulier: &Particulier, question: &Question) -> Answer {
    let Particulier { client, token, recipient } = particulier;
    match client.get(PATH, &params(question, recipient.as_str()), token).await {
        Ok(reply) => read(&reply, question),
        Err(fault) => {
            let outcome = if fault == Fault::TooLarge { Outcome::Malformed } else { Outcome::Down(None) };
            Answer { outcome, error_code: Some(fault.as_str().to_owned()), request_id: None }
        }
    }
}

fn params(question: &Question, recipient: &str) -> Vec<(&'static str, String)> {
    let Question { last_name, first_names, sex, birth_date, college_uai, season } = question;
    let mut params = vec![("recipient", recipient.to_owned()), ("nomNaissance", last_name.to_string())];
    let first_names = first_names.as_str().split([' ', ',']).filter(|name| !name.is_empty());
    params.extend(first_names.take(FIRST_NAMES_MAX).map(|name| ("prenoms[]", name.to_owned())));
    params.extend([
        ("sexeEtatCivil", sex.to_string()),
        ("anneeDateNaissance", birth_date.year().to_string()),
        ("moisDateNaissance", birth_date.month().to_string()),
        ("jourDateNaissance", birth_date.day().to_string()),
        ("codeEtablissement", college_uai.to_string()),
        ("anneeScolaire", season.to_string()),
    ]);
    params
}

#[derive(Deserialize)]
struct Found {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    identite: Option<Identity>,
    etablissement: Option<School>,
    annee_scolaire: Option<String>,
    est_scolarise: Option<bool>,
    est_boursier: Option<bool>,
    echelon_bourse: Option<i16>,
}

#[derive(Deserialize)]
struct Identity {
    nom: Option<String>,
    date_naissance: Option<NaiveDate>,
}

#[derive(Deserialize)]
struct School {
    code_uai: Option<String>,
}

/// What an answer means for this question.
#[must_use]
pub fn read(reply: &Reply, question: &Question) -> Answer {
    let problem = Problem::read(&reply.body);
    let code = problem.as_ref().map(|problem| problem.code.as_str());
    let outcome = match reply.status {
        200 => serde_json::from_slice::<Found>(&reply.body)
            .ok()
            .and_then(|found| believed(found.data, question))
            .map_or(Outcome::Malformed, Outcome::Found),
        404 if code == Some(NOT_KNOWN) => Outcome::NotFound,
        401 | 403 => Outcome::Denied,
        409 => Outcome::Busy,
        429 => Outcome::Limited(reply.retry_after),
        // Whoever says when to come back means everybody.
        500..=599 if reply.retry_after.is_some() => Outcome::Limited(reply.retry_after),
        500..=599 => Outcome::Down(problem.as_ref().and_then(Problem::retry_in)),
        400 | 422 => Outcome::Refused,
        // A redirection, another page, a proxy's word.
        _ => Outcome::Malformed,
    };
    Answer { outcome, error_code: code.and_then(plain_code), request_id: reply.request_id.clone() }
}

/// The answer, if it is about the pupil and the year that were asked for and does not contradict itself.
fn believed(data: Data, question: &Question) -> Option<Schooling> {
    let Data { identite, etablissement, annee_scolaire, est_scolarise, est_boursier, echelon_bourse } = data;
    let identity = identite.unwrap_or(Identity { nom: None, date_naissance: None });
    let season = question.season.as_str();
    let same_pupil = identity.nom.is_none_or(|name| folded(&name) == folded(question.last_name.as_str()))
        && identity.date_naissance.is_none_or(|date| date == question.birth_date);
    let same_year = annee_scolaire.is_none_or(|year| year == season || season.get(..4) == Some(year.as_str()));
    let college_uai = etablissement.and_then(|school| school.code_uai).map(|uai| uai.trim().to_uppercase());
    let well_formed = college_uai.as_deref().is_none_or(is_uai)
        && echelon_bourse.is_none_or(|echelon| (1..=6).contains(&echelon) && est_boursier != Some(false));
    (same_pupil && same_year && well_formed).then_some(Schooling {
        is_enrolled: est_scolarise,
        college_uai,
        // Each key has a scope of its own: whoever has an echelon holds a scholarship.
        is_scholar: est_boursier.or(echelon_bourse.map(|_| true)),
        echelon: echelon_bourse,
    })
}

impl Schooling {
    /// The scholarship as it may be told on that day: an early "no" is no answer.
    #[must_use]
    pub fn scholarship(&self, season: &SeasonCode, today: NaiveDate) -> Option<bool> {
        let early = lists_complete_on(season).is_none_or(|day| today < day);
        self.is_scholar.filter(|is_scholar| *is_scholar || !early)
    }
}

/// The contract's form of a school's code; its control letter is not ours to judge.
fn is_uai(text: &str) -> bool {
    text.len() == 8
        && text.bytes().take(7).all(|b| b.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

fn folded(name: &str) -> String {
    deunicode::deunicode(name).to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect()
}

#[cfg(test)]
mod tests;
