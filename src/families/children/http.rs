//! A family's children.

use super::{Child, Corrections, Identity};
use crate::{
    app::App,
    auth::actor::{By, Guardian},
    db::Tx,
    error::Error,
    families::children,
    http::{
        body::Body,
        page::{Page, PageQuery},
        reply::{Created, Found},
    },
    kernel::{
        department::Department,
        ids::{ChildId, FamilyId},
        text::Name,
    },
};
use actix_web::{get, patch, post, web};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A child, as its civil status says.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddChild {
    pub first_names: Name,
    pub last_name: Name,
    #[schema(example = "2014-03-09")]
    pub birth_date: NaiveDate,
    /// Department where the child lives.
    pub residence: Department,
}

/// What is corrected; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CorrectChild {
    /// `version` of the child as last read.
    #[schema(example = 1)]
    pub version: i32,
    pub first_names: Option<Name>,
    pub last_name: Option<Name>,
    #[schema(example = "2014-03-09")]
    pub birth_date: Option<NaiveDate>,
    /// Department where the child lives.
    pub residence: Option<Department>,
}

/// A child as its family and the department see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChildView {
    pub id: ChildId,
    pub family_id: FamilyId,
    pub first_names: Name,
    pub last_name: Name,
    #[schema(example = "2014-03-09")]
    pub birth_date: NaiveDate,
    /// Department where the child lives.
    pub residence: Department,
    /// To be given back with a correction.
    #[schema(example = 1)]
    pub version: i32,
}

impl From<Child> for ChildView {
    fn from(child: Child) -> Self {
        let Child { id, family_id, first_names, last_name, birth_date, residence, version } = child;
        Self { id, family_id, first_names, last_name, birth_date, residence, version }
    }
}

/// Register a child in a family file.
///
/// Asks for full rights. Fifteen children at most; the same child once.
#[utoipa::path(tag = "families", request_body = AddChild, responses((status = 201, body = ChildView)),
    security(("bearer" = [])))]
#[post("/v1/departments/{department}/families/{family}/children")]
pub async fn add_child(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, FamilyId)>,
    body: Body<AddChild>,
) -> Result<Created<ChildView>, Error> {
    let (department, family) = path.into_inner();
    let AddChild { first_names, last_name, birth_date, residence } = body.0;
    let identity = Identity { first_names, last_name, birth_date, residence };
    let added = app.db.write(department, &by.caller, move |tx| children::add_child(tx, family, &identity)).await?;
    Ok(Created(added.into()))
}

/// Correct a child's identity or residence.
///
/// Asks for full rights and for the version last read. Once an enrolment is sent, only the department corrects.
#[utoipa::path(tag = "families", request_body = CorrectChild, responses((status = 200, body = ChildView)),
    security(("bearer" = [])))]
#[patch("/v1/departments/{department}/children/{child}")]
pub async fn correct_child(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, ChildId)>,
    body: Body<CorrectChild>,
) -> Result<Found<ChildView>, Error> {
    let (department, child) = path.into_inner();
    let CorrectChild { version, first_names, last_name, birth_date, residence } = body.0;
    let corrections = Corrections { first_names, last_name, birth_date, residence };
    let corrected = move |tx: &mut Tx<'_>| children::correct_child(tx, child, version, &corrections);
    app.db.write(department, &by.caller, corrected).await.map(|child| Found(child.into()))
}

/// List the children of a family file.
#[utoipa::path(tag = "families", params(PageQuery), responses((status = 200, body = Page<ChildView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/families/{family}/children")]
pub async fn list_children(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, FamilyId)>,
    query: web::Query<PageQuery>,
) -> Result<Found<Page<ChildView>>, Error> {
    let ((department, family), after, limit) = (path.into_inner(), query.after()?, query.limit()?);
    let listed = move |tx: &mut Tx<'_>| children::list_children(tx, family, after, limit);
    let listed = app.db.read(department, &by.caller, listed).await?;
    query.page(listed.into_iter().map(ChildView::from).collect(), |child| child.id.uuid()).map(Found)
}

/// Show one of my children.
#[utoipa::path(tag = "families", responses((status = 200, body = ChildView)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/children/{child}")]
pub async fn show_child(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, ChildId)>,
) -> Result<Found<ChildView>, Error> {
    let (department, child) = path.into_inner();
    let shown = app.db.read(department, &by.caller, move |tx| children::child(tx, child)).await?;
    Ok(Found(shown.into()))
}
