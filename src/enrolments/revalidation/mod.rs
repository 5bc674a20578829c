//! The yearly revalidation: a family confirms in one step how it is reached, what it consents to, and the requests of its children, as they
//! were carried over or changed. All of it or nothing.

pub mod http;

use super::{
    Request,
    db::{self, EnrolmentRow},
};
use crate::{
    db::Tx,
    error::{Error, FieldError, Refusal},
    families::{
        consents::{self, Choice},
        guardians::{self, Contact},
    },
    fiscal::schooling::CivilSex,
    kernel::ids::{AccountId, EnrolmentId, FamilyId},
};

/// What a family says of one child.
#[derive(Debug, Clone)]
pub struct ChildAnswer {
    pub enrolment: EnrolmentId,
    /// The version that was read.
    pub version: i32,
    pub request: Request,
    /// What the State is asked with; `None`: it is not.
    pub civil_sex: Option<CivilSex>,
}

/// What a family says for the year.
#[derive(Debug, Clone)]
pub struct Answer {
    /// `None`: the record is right as it is.
    pub contact: Option<Contact>,
    pub consents: Vec<Choice>,
    pub children: Vec<ChildAnswer>,
}

/// The family's requests that wait for its word, with whether the collège has spoken already.
pub fn show_revalidation(tx: &mut Tx<'_>, family: FamilyId) -> Result<Vec<(EnrolmentRow, bool)>, Error> {
    let rows = db::to_confirm(tx, family)?;
    rows.into_iter()
        .map(|row| {
            let attested = db::is_attested(tx, &row)?;
            Ok((row, attested))
        })
        .collect()
}

/// Records contact and consents, and submits each child's request, rewritten where it changed. Those whose collège has spoken become active.
pub fn revalidate(
    tx: &mut Tx<'_>,
    family: FamilyId,
    account: AccountId,
    answer: &Answer,
) -> Result<Vec<EnrolmentRow>, Error> {
    if let Some(contact) = &answer.contact {
        guardians::change_contact(tx, family, account, contact)?;
    }
    for choice in &answer.consents {
        consents::record_consent(tx, family, account, choice)?;
    }
    let submit = |(rank, child): (usize, &ChildAnswer)| {
        submit(tx, family, child).map_err(|error| about(&format!("/children/{rank}"), error))
    };
    answer.children.iter().enumerate().map(submit).collect()
}

fn submit(tx: &mut Tx<'_>, family: FamilyId, child: &ChildAnswer) -> Result<EnrolmentRow, Error> {
    let row = db::enrolment(tx, child.enrolment)?;
    if row.family_id != family {
        return Err(Refusal::NotFound.into());
    }
    let version = if asks_the_same(&row, &child.request) {
        child.version
    } else {
        super::edit(tx, child.enrolment, child.version, &child.request)?.version
    };
    super::submit(tx, child.enrolment, version, &child.request.school, child.civil_sex)
}

fn asks_the_same(row: &EnrolmentRow, request: &Request) -> bool {
    row.college_uai == request.school.college.uai
        && row.level == request.level
        && row.formula == request.formula
        && row.declares_scholarship == request.declares_scholarship
        && row.ase == request.ase
}

/// The same refusal, saying about which child.
fn about(pointer: &str, error: Error) -> Error {
    match error {
        Error::Refused(_) | Error::RefusedBecause(..) => {
            let detail = error.problem().detail;
            Error::Fields(error.refusal(), vec![FieldError { pointer: pointer.to_owned(), detail }])
        }
        error => error,
    }
}
