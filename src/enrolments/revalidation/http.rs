//! The yearly revalidation on one screen and in one call.

use super::{Answer, ChildAnswer};
use crate::{
    app::App,
    auth::actor::{By, Guardian},
    db::Tx,
    enrolments::{
        Request,
        db::EnrolmentRow,
        http::{EnrolmentView, school},
        revalidation,
    },
    error::Error,
    families::{
        self,
        consents::{Choice, ConsentPurpose},
        guardians::Contact,
    },
    fiscal::schooling::CivilSex,
    http::{body::Body, reply::Found},
    kernel::{
        department::Department,
        ids::{EnrolmentId, FamilyId},
        text::{Code, Uai},
        words::Level,
    },
};
use actix_web::{get, post, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Children of one call: no file has more.
const CHILDREN_MAX: usize = 15;

/// A request that waits for its family.
#[derive(Debug, Serialize, ToSchema)]
pub struct WaitingEnrolmentView {
    pub enrolment: EnrolmentView,
    /// The collège has confirmed this pupil at this level: the rights open as soon as the family confirms.
    #[schema(example = true)]
    pub known_to_college: bool,
}

impl From<(EnrolmentRow, bool)> for WaitingEnrolmentView {
    fn from((row, known_to_college): (EnrolmentRow, bool)) -> Self {
        Self { enrolment: row.into(), known_to_college }
    }
}

/// What a family has to confirm.
#[derive(Debug, Serialize, ToSchema)]
pub struct RevalidationView {
    pub enrolments: Vec<WaitingEnrolmentView>,
}

/// One child's request, as it stands or changed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevalidateChild {
    pub enrolment_id: EnrolmentId,
    /// The version that was read.
    #[schema(example = 1)]
    pub version: i32,
    pub college_uai: Uai,
    #[schema(example = "5e")]
    pub level: Level,
    pub formula: Code,
    /// Said anew each year.
    #[schema(example = false)]
    pub declares_scholarship: bool,
    #[serde(default)]
    #[schema(example = false)]
    pub ase: bool,
    /// Sex as in the civil register: with it the department may ask the State about schooling and scholarship. It is not kept.
    #[schema(example = "F")]
    pub civil_sex: Option<CivilSex>,
}

/// A family's word for the year.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Revalidate {
    /// The caller's contact record; absent: it is right as it is.
    pub contact: Option<Contact>,
    /// One choice a purpose at most; what is left out stays as it was.
    #[serde(default)]
    #[schema(max_items = 3)]
    pub consents: Vec<Choice>,
    #[schema(min_items = 1, max_items = 15)]
    pub children: Vec<RevalidateChild>,
}

/// Show what a family has to confirm for the season that opens.
///
/// Its children as they were carried over, and whether their collège knows them already.
#[utoipa::path(tag = "enrolments", responses((status = 200, body = RevalidationView)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/families/{family}/revalidation")]
pub async fn show_revalidation(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, FamilyId)>,
) -> Result<Found<RevalidationView>, Error> {
    let (department, family) = path.into_inner();
    let read = move |tx: &mut Tx<'_>| {
        families::require_sight(tx, family)?;
        revalidation::show_revalidation(tx, family)
    };
    let rows = app.db.read(department, &by.caller, read).await?;
    Ok(Found(RevalidationView { enrolments: rows.into_iter().map(WaitingEnrolmentView::from).collect() }))
}

/// Confirm contact, consents and the children's requests in one call.
///
/// Asks for full rights. Each request is submitted as by itself; where the collège has confirmed the pupil already, the rights open at
/// once. All of it is done, or nothing: a refusal says about which child it is.
#[utoipa::path(tag = "enrolments", request_body = Revalidate, responses((status = 200, body = Vec<EnrolmentView>)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/families/{family}/revalidation")]
pub async fn revalidate_family(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, FamilyId)>,
    body: Body<Revalidate>,
) -> Result<Found<Vec<EnrolmentView>>, Error> {
    let ((department, family), account) = (path.into_inner(), by.account);
    let Revalidate { contact, consents, children: asked } = body.0;
    if asked.is_empty() || asked.len() > CHILDREN_MAX {
        return Err(Error::field("/children", format!("de 1 à {CHILDREN_MAX} enfants sont attendus")));
    }
    let said_once = |purpose: &ConsentPurpose| consents.iter().filter(|said| said.purpose == *purpose).count() <= 1;
    if !ConsentPurpose::ALL.iter().all(said_once) {
        return Err(Error::field("/consents", "un seul choix par finalité est attendu"));
    }
    let mut children = Vec::with_capacity(asked.len());
    for child in asked {
        let RevalidateChild {
            enrolment_id,
            version,
            college_uai,
            level,
            formula,
            declares_scholarship,
            ase,
            civil_sex,
        } = child;
        let school = school(&app, &by.caller, college_uai).await?;
        let request = Request { school, level, formula, declares_scholarship, ase };
        let civil_sex = civil_sex.filter(|_| app.asking.contains(&department));
        children.push(ChildAnswer { enrolment: enrolment_id, version, request, civil_sex });
    }
    let answer = Answer { contact, consents, children };
    let revalidated = move |tx: &mut Tx<'_>| revalidation::revalidate(tx, family, account, &answer);
    let rows = app.db.write(department, &by.caller, revalidated).await?;
    Ok(Found(rows.into_iter().map(EnrolmentView::from).collect()))
}
