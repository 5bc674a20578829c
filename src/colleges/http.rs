//! The collèges that families choose from, and their import by an administrator.

use crate::{
    app::App,
    auth::actor::{Administrator, By},
    colleges::{
        self, College, Filter,
        annuaire::{MAX_BYTES, RowProblem},
        import::{self, Outcome},
    },
    error::{Error, Refusal},
    http::{
        body,
        observe::Visitor,
        page::{Page, PageQuery},
        reply::Found,
    },
    kernel::{
        department::Department,
        text::{Label, Uai},
        words::SchoolKind,
    },
};
use actix_web::{HttpMessage, HttpRequest, get, post, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// One letter finds everything; no name of a collège is longer.
const NAME_PART: std::ops::RangeInclusive<usize> = 2..=80;
/// A file with more problems is not the right file: the first ones tell why.
const PROBLEMS_TOLD: usize = 100;

/// Which collèges to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct CollegeQuery {
    /// Where the collège is.
    #[param(example = "92")]
    pub department: Option<Department>,
    /// Part of the name, whatever its case and accents.
    #[param(min_length = 2, max_length = 80, example = "cassin")]
    pub name: Option<String>,
    /// `next_cursor` of the page before.
    #[param(max_length = 64, example = "MDkyMDE0OU0")]
    pub cursor: Option<String>,
    /// Number of rows, 1 to 100; 20 when absent.
    #[param(minimum = 1, maximum = 100, example = 20)]
    pub limit: Option<i64>,
}

impl CollegeQuery {
    fn split(self) -> Result<(Filter, PageQuery), Error> {
        let name = self.name.map(|part| {
            let checked = part.parse::<Label>().ok().map(String::from);
            checked.filter(|part| NAME_PART.contains(&part.chars().count())).ok_or_else(|| {
                let (min, max) = (NAME_PART.start(), NAME_PART.end());
                let because = format!("« name » est une partie du nom, de {min} à {max} caractères.");
                Error::RefusedBecause(Refusal::MalformedQuery, because)
            })
        });
        let filter = Filter { department: self.department, name: name.transpose()? };
        Ok((filter, PageQuery { cursor: self.cursor, limit: self.limit }))
    }
}

/// A collège.
#[derive(Debug, Serialize, ToSchema)]
pub struct CollegeView {
    pub uai: Uai,
    #[schema(example = "Collège René Cassin")]
    pub name: Label,
    #[schema(example = "public")]
    pub kind: SchoolKind,
    pub department: Department,
    #[schema(example = "Nanterre")]
    pub city: Label,
    #[schema(example = "92000")]
    pub postal_code: String,
    /// A closed collège takes no new pupil.
    #[schema(example = true)]
    pub open: bool,
}

impl From<College> for CollegeView {
    fn from(college: College) -> Self {
        let College { uai, name, kind, department, city, postal_code, open } = college;
        Self { uai, name, kind, department, city, postal_code, open }
    }
}

/// What an import did.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportView {
    #[schema(example = 2)]
    pub created: usize,
    #[schema(example = 1)]
    pub updated: usize,
    #[schema(example = 113)]
    pub unchanged: usize,
    /// Collèges that are no longer in the file.
    #[schema(example = 1)]
    pub closed: usize,
    /// Rows of another department, or of other schools.
    #[schema(example = 0)]
    pub ignored: usize,
    /// Rows left out, the first hundred.
    #[schema(max_items = 100)]
    pub problems: Vec<RowProblem>,
}

impl From<Outcome> for ImportView {
    fn from(outcome: Outcome) -> Self {
        let Outcome { created, updated, unchanged, closed, ignored, mut problems } = outcome;
        problems.truncate(PROBLEMS_TOLD);
        Self { created, updated, unchanged, closed, ignored, problems }
    }
}

/// List the open collèges.
///
/// In the order of their national codes (UAI).
#[utoipa::path(tag = "colleges", params(CollegeQuery), responses((status = 200, body = Page<CollegeView>)))]
#[get("/v1/colleges")]
pub async fn list_colleges(
    visitor: Visitor,
    app: web::Data<App>,
    query: web::Query<CollegeQuery>,
) -> Result<Found<Page<CollegeView>>, Error> {
    let (filter, page) = query.into_inner().split()?;
    let (after, rows) = (page.after::<Uai>()?, page.limit()?.saturating_add(1));
    let list =
        app.db.directory_read(&visitor.caller, move |tx| colleges::list_colleges(tx, &filter, after.as_ref(), rows));
    let items = list.await?.into_iter().map(CollegeView::from).collect();
    page.page(items, |view| view.uai.clone()).map(Found)
}

/// Show a collège.
///
/// Also one that has closed.
#[utoipa::path(tag = "colleges", responses((status = 200, body = CollegeView)))]
#[get("/v1/colleges/{uai}")]
pub async fn show_college(
    visitor: Visitor,
    app: web::Data<App>,
    path: web::Path<(Uai,)>,
) -> Result<Found<CollegeView>, Error> {
    let (uai,) = path.into_inner();
    let college = app.db.directory_read(&visitor.caller, move |tx| colleges::show_college(tx, &uai)).await?;
    Ok(Found(college.into()))
}

/// Whose collèges a file brings.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ImportQuery {
    /// Another department, which does not run this service: its schools can then be named in requests that agents decide.
    #[param(value_type = Option<String>, example = "35")]
    pub of: Option<Department>,
}

/// Import the collèges of the department, or of a neighbour.
///
/// The file is the CSV export of the national directory (*Annuaire de l'éducation*): UTF-8, separated by semicolons, 20 MB at
/// most. Only the department's own collèges are taken from it; those that are no longer in it are closed. The same file again
/// changes nothing.
#[utoipa::path(tag = "colleges", params(ImportQuery),
    request_body(content = String, content_type = "text/csv", example = json!("Identifiant_de_l_etablissement;Nom_etablissement;…")),
    responses((status = 200, body = ImportView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/colleges/import")]
pub async fn import_colleges(
    by: By<Administrator>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<ImportQuery>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<Found<ImportView>, Error> {
    if !request.content_type().eq_ignore_ascii_case("text/csv") {
        return Err(Refusal::UnsupportedMediaType.into());
    }
    let own = app.department(path.0)?;
    let department = query.of.unwrap_or(own);
    if department != own && app.departments.contains_key(&department) {
        // It has administrators of its own.
        return Err(Refusal::Forbidden.into());
    }
    let file = body::read(payload, MAX_BYTES).await?;
    let outcome = import::import_colleges(&app, &by.caller, department, file).await?;
    Ok(Found(outcome.into()))
}
