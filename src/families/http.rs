//! Files: opened and read by their guardians, inspected by the department.

use super::{
    children::http::ChildView,
    guardians::{
        Contact, Person,
        http::{DeskGuardianView, GuardianView},
    },
};
use crate::{
    app::App,
    auth::{
        actor::{By, CaseWorker, Guardian},
        sessions,
    },
    db::Tx,
    error::Error,
    families::{self, DeskFamily, FamilyLine, OwnFamily, guardians::GuardianRights},
    http::{
        body::Body,
        page::{Page, PageQuery},
        reply::{Created, Found},
    },
    kernel::{
        department::Department,
        ids::FamilyId,
        text::{Name, Phone, PostalAddress},
    },
};
use actix_web::{get, patch, post, web};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The first guardian says who he is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenFamily {
    pub first_names: Name,
    pub last_name: Name,
    pub phone: Option<Phone>,
    pub postal_address: Option<PostalAddress>,
}

/// A file as its guardian sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct FamilyView {
    pub id: FamilyId,
    #[schema(example = "2026-06-01T08:00:00Z")]
    pub opened_at: DateTime<Utc>,
    /// Whether each debit and refund brings a letter.
    #[schema(example = false)]
    pub debit_notices: bool,
    pub guardians: Vec<GuardianView>,
    pub children: Vec<ChildView>,
}

impl From<OwnFamily> for FamilyView {
    fn from(family: OwnFamily) -> Self {
        let OwnFamily { id, opened_at, debit_notices, me, contact, guardians, children } = family;
        let guardians = guardians.into_iter().map(|guardian| GuardianView::new(guardian, me, &contact)).collect();
        let children = children.into_iter().map(ChildView::from).collect();
        Self { id, opened_at, debit_notices, guardians, children }
    }
}

/// One of my files, and what I may do in it.
#[derive(Debug, Serialize, ToSchema)]
pub struct FamilyLineView {
    pub id: FamilyId,
    #[schema(example = "2026-06-01T08:00:00Z")]
    pub opened_at: DateTime<Utc>,
    pub rights: GuardianRights,
    /// Last day of these rights; absent when they have no end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2028-03-14")]
    pub rights_until: Option<NaiveDate>,
}

impl From<FamilyLine> for FamilyLineView {
    fn from(line: FamilyLine) -> Self {
        let FamilyLine { id, opened_at, rights, rights_until } = line;
        Self { id, opened_at, rights, rights_until }
    }
}

/// A file as the department sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeskFamilyView {
    pub id: FamilyId,
    #[schema(example = "2026-06-01T08:00:00Z")]
    pub opened_at: DateTime<Utc>,
    pub guardians: Vec<DeskGuardianView>,
    pub children: Vec<ChildView>,
}

impl From<DeskFamily> for DeskFamilyView {
    fn from(family: DeskFamily) -> Self {
        let DeskFamily { id, opened_at, guardians, children } = family;
        let guardians = guardians.into_iter().map(|(guardian, contact)| DeskGuardianView::new(guardian, contact));
        Self {
            id,
            opened_at,
            guardians: guardians.collect(),
            children: children.into_iter().map(ChildView::from).collect(),
        }
    }
}

/// Open my family file in a department.
///
/// The caller becomes its first guardian, with full rights from today; he is written to at the address of his account until he
/// changes his contact record. An account opens one file a department; it may be invited into others.
#[utoipa::path(tag = "families",
    request_body = OpenFamily, responses((status = 201, body = FamilyView)),
    security(("bearer" = [])))]
#[post("/v1/departments/{department}/families")]
pub async fn open_family(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    body: Body<OpenFamily>,
) -> Result<Created<FamilyView>, Error> {
    let account = by.account;
    let email = app.db.directory_read(&by.caller, move |tx| sessions::email_of(tx, account)).await?;
    let OpenFamily { first_names, last_name, phone, postal_address } = body.0;
    let (person, contact) = (Person { first_names, last_name }, Contact { email, phone, postal_address });
    let opened = move |tx: &mut Tx<'_>| families::open_family(tx, account, &person, &contact);
    app.db.write(path.0, &by.caller, opened).await.map(FamilyView::from).map(Created)
}

/// List my family files in a department.
#[utoipa::path(tag = "families", params(PageQuery),
    responses((status = 200, body = Page<FamilyLineView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/families")]
pub async fn list_families(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<PageQuery>,
) -> Result<Found<Page<FamilyLineView>>, Error> {
    let (account, after, limit) = (by.account, query.after()?, query.limit()?);
    let listed = app.db.read(path.0, &by.caller, move |tx| families::list_families(tx, account, after, limit)).await?;
    let lines = listed.into_iter().map(FamilyLineView::from).collect();
    query.page(lines, |line| line.id.uuid()).map(Found)
}

/// Show one of my family files.
///
/// Of the other guardians it tells names and rights, never how to reach them.
#[utoipa::path(tag = "families", responses((status = 200, body = FamilyView)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/families/{family}")]
pub async fn show_family(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, FamilyId)>,
) -> Result<Found<FamilyView>, Error> {
    let ((department, family), account) = (path.into_inner(), by.account);
    let shown = app.db.read(department, &by.caller, move |tx| families::show_family(tx, family, account)).await?;
    Ok(Found(shown.into()))
}

/// What may be changed of a file.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeFamily {
    /// A letter to every guardian at each debit and refund.
    #[schema(example = true)]
    pub debit_notices: bool,
}

/// Change one of my family files: whether each debit brings a letter.
///
/// Asks for full rights.
#[utoipa::path(tag = "families", request_body = ChangeFamily, responses((status = 200, body = FamilyView)), security(("bearer" = [])))]
#[patch("/v1/departments/{department}/families/{family}")]
pub async fn change_family(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, FamilyId)>,
    body: Body<ChangeFamily>,
) -> Result<Found<FamilyView>, Error> {
    let ((department, family), account, wanted) = (path.into_inner(), by.account, body.debit_notices);
    let changed = move |tx: &mut Tx<'_>| families::change_family(tx, family, account, wanted);
    Ok(Found(app.db.write(department, &by.caller, changed).await?.into()))
}

/// Inspect a family file as the department.
///
/// With the contact record of every guardian. Each reading is written in the journal.
#[utoipa::path(tag = "agents-desk", responses((status = 200, body = DeskFamilyView)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/agents-desk/families/{family}")]
pub async fn inspect_family(
    by: By<CaseWorker>,
    app: web::Data<App>,
    path: web::Path<(Department, FamilyId)>,
) -> Result<Found<DeskFamilyView>, Error> {
    let (department, family) = path.into_inner();
    let inspected = app.db.write(department, &by.caller, move |tx| families::inspect_family(tx, family)).await?;
    Ok(Found(inspected.into()))
}
