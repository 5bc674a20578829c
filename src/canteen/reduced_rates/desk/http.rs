//! Requests for a reduced rate, as case workers instruct them.

use super::{Reading, WaitingRequest};
use crate::{
    app::App,
    auth::actor::{By, CaseWorker},
    canteen::{
        rates::Known,
        reduced_rates::{
            desk,
            proofs::Seen,
            state::{NothingReason, RequestState, RequestWay},
            view::RateRequestFileView,
        },
        tariffs::{
            Means, Unknown,
            figures::{QuotientFamilial, TaxHousehold},
        },
    },
    db::Tx,
    error::Error,
    http::{
        body::Body,
        page::{Page, PageQuery},
        reply::Found,
    },
    kernel::{
        department::Department,
        ids::{DocumentId, FamilyId, IncomeRequestId},
        text::{self, Code, Name, Note, SeasonCode},
    },
};
use actix_web::{get, post, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, ops::RangeInclusive};
use utoipa::{IntoParams, ToSchema};

/// A grid names no more.
const STATUSES_MAX: usize = 20;
/// A year outside these is a slip of the keyboard.
const YEARS: RangeInclusive<i16> = 2000..=2199;
/// As many may wait for one child.
const DOCUMENTS_MAX: usize = 10;

/// Which requests, and how many.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct WaitingRateQuery {
    /// Those in that state only.
    #[param(inline, example = "document_needed")]
    pub state: Option<RequestState>,
    /// Only those with a proof of means to read.
    #[serde(default)]
    #[param(example = true)]
    pub with_document: bool,
    /// `next_cursor` of the page before.
    #[param(max_length = 64, example = "AZrX8z4UdqeGZ3nF8l7xYQ")]
    pub cursor: Option<String>,
    /// Number of rows, 1 to 100; 20 when absent.
    #[param(minimum = 1, maximum = 100, example = 20)]
    pub limit: Option<i64>,
}

/// A request that is not decided.
#[derive(Debug, Serialize, ToSchema)]
pub struct WaitingRateRequestView {
    pub id: IncomeRequestId,
    pub family_id: FamilyId,
    #[schema(value_type = String, example = "2026-2027")]
    pub season: SeasonCode,
    pub state: RequestState,
    pub way: RequestWay,
    #[schema(example = "2026-10-15T08:15:00Z")]
    pub requested_at: DateTime<Utc>,
    /// Days since then: the first request of the list has waited longest.
    #[schema(example = 12)]
    pub waiting_days: i64,
    /// First names of the children.
    pub children: Vec<Name>,
    /// Tax notices, and certificates of the CAF or the MSA, that wait to be read.
    pub document_ids: Vec<DocumentId>,
    /// Since when the first of them waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-10-20T17:40:00Z")]
    pub document_received_at: Option<DateTime<Utc>>,
    /// What the family reads about what happens next.
    #[schema(example = "Un justificatif est reçu et attend d'être lu par un agent : vous n'avez rien à faire.")]
    pub next_step: String,
    #[schema(example = 1)]
    pub version: i32,
}

impl From<WaitingRequest> for WaitingRateRequestView {
    fn from(WaitingRequest { row, children, proofs, days }: WaitingRequest) -> Self {
        Self {
            next_step: row.standing(&proofs).next_step(),
            document_ids: proofs.iter().map(|document| document.id).collect(),
            document_received_at: proofs.first().map(|document| document.received_at),
            id: row.id,
            family_id: row.family_id,
            season: row.season,
            state: row.state,
            way: row.way,
            requested_at: row.requested_at,
            waiting_days: days,
            children,
            version: row.version,
        }
    }
}

/// What was read. One of `households`, `quotient_cents` or `nothing`; statuses alone or beside figures. Figures and statuses rest on documents
/// of the file, or on a note that says what was seen elsewhere.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideRateRequest {
    /// The version that was read.
    #[schema(example = 2)]
    pub version: i32,
    /// Of the tax notices: one, or one for each parent.
    #[schema(max_items = 2)]
    pub households: Option<Vec<TaxHousehold>>,
    /// Of the certificate of the CAF or the MSA.
    pub quotient_cents: Option<QuotientFamilial>,
    /// Proven statuses, by their codes in a tariff of the days that remain. What only one to come prices is granted from its first day.
    #[serde(default)]
    #[schema(example = json!([]), max_items = 20)]
    pub statuses: Vec<Code>,
    /// Year of the income of the tax notices: needed with `households`, over, and at most two years before the season.
    #[schema(example = 2025)]
    pub income_year: Option<i16>,
    /// Nothing changes, for that reason.
    pub nothing: Option<NothingReason>,
    /// Proofs of means of the file that were read. They are accepted, and their files deleted.
    #[serde(default)]
    #[schema(example = json!(["0199a8f0-7c3e-7bbd-8000-000000000001"]), max_items = 10)]
    pub document_ids: Vec<DocumentId>,
    /// A sentence for the family, beside what the reason says; or, without a document of the file, what was seen and where. No figure; a number
    /// as long as a tax number is refused.
    #[schema(example = "Avis d'impôt 2025 présenté au guichet.")]
    pub note: Option<Note>,
}

impl DecideRateRequest {
    fn reading(self) -> Result<Reading, Error> {
        let Self { households, quotient_cents, statuses, income_year, nothing, document_ids, note, .. } = self;
        if note.as_ref().is_some_and(|note| text::has_long_number(note.as_str())) {
            return Err(Error::field(
                "/note",
                "un numéro de 13 chiffres ou plus n'a pas sa place ici : la famille lit ce mot",
            ));
        }
        if let Some(reason) = nothing {
            if households.is_some() || quotient_cents.is_some() || !statuses.is_empty() || income_year.is_some() {
                return Err(Error::field("/nothing", "une demande sans suite n'a ni chiffres ni situation"));
            }
            if !document_ids.is_empty() {
                return Err(Error::field("/document_ids", "une demande sans suite ne repose sur aucun document"));
            }
            if reason == NothingReason::Other && note.is_none() {
                return Err(Error::field("/note", "dites à la famille de quoi il s'agit"));
            }
            return Ok(Reading::Nothing { reason, note });
        }
        if statuses.len() > STATUSES_MAX {
            return Err(Error::field("/statuses", format!("{STATUSES_MAX} situations au plus sont admises")));
        }
        if income_year.is_some_and(|year| !YEARS.contains(&year)) {
            return Err(Error::field("/income_year", "une année de revenus est attendue"));
        }
        let means = match (households, quotient_cents) {
            (Some(households), None) if Means::HOUSEHOLDS.contains(&households.len()) => Means::Tax { households },
            (None, Some(quotient_cents)) => Means::Quotient { quotient_cents },
            (None, None) if !statuses.is_empty() => Means::Unknown { because: Unknown::NoProof },
            (None, None) => {
                return Err(Error::field("/households", "des chiffres, une situation ou un motif sont attendus"));
            }
            _ => return Err(Error::field("/households", "un ou deux foyers, ou un quotient familial, sont attendus")),
        };
        if document_ids.is_empty() && note.is_none() {
            return Err(Error::field(
                "/document_ids",
                "un justificatif du dossier, ou un mot qui dit ce qui a été vu, est attendu",
            ));
        }
        let distinct: BTreeSet<&DocumentId> = document_ids.iter().collect();
        if document_ids.len() > DOCUMENTS_MAX || distinct.len() < document_ids.len() {
            return Err(Error::field(
                "/document_ids",
                format!("{DOCUMENTS_MAX} documents différents au plus sont admis"),
            ));
        }
        let seen = Seen { documents: document_ids, note };
        Ok(Reading::Means { known: Known { means, statuses }, income_year, seen })
    }
}

/// List the requests for a reduced rate that are not decided, oldest first.
#[utoipa::path(tag = "agents-desk", params(WaitingRateQuery), responses((status = 200, body = Page<WaitingRateRequestView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/agents-desk/reduced-rate-requests")]
pub async fn list_waiting_rate_requests(
    by: By<CaseWorker>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<WaitingRateQuery>,
) -> Result<Found<Page<WaitingRateRequestView>>, Error> {
    let WaitingRateQuery { state, with_document, cursor, limit } = query.into_inner();
    let query = PageQuery { cursor, limit };
    let list = move |tx: &mut Tx<'_>| desk::list_waiting(tx, (state, with_document), &query);
    Ok(Found(app.db.read(path.0, &by.caller, list).await?.map(WaitingRateRequestView::from)))
}

/// Open a request for a reduced rate.
///
/// With the figures behind each price, as long as they are kept. Each reading is written in the journal.
#[utoipa::path(tag = "agents-desk", responses((status = 200, body = RateRequestFileView)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/agents-desk/reduced-rate-requests/{request}")]
pub async fn inspect_rate_request(
    by: By<CaseWorker>,
    app: web::Data<App>,
    path: web::Path<(Department, IncomeRequestId)>,
) -> Result<Found<RateRequestFileView>, Error> {
    let (department, id) = path.into_inner();
    Ok(Found(app.db.write(department, &by.caller, move |tx| desk::inspect(tx, id)).await?.into()))
}

/// Decide a request for a reduced rate after reading a document.
///
/// Whatever the administration may still answer: its answer changes nothing afterwards. On documents of the file, or on what a note says was
/// seen; with the decision their files are deleted. The family is told the price before and after, and
/// each price to come. Refused once the season is over.
#[utoipa::path(tag = "agents-desk", request_body = DecideRateRequest, responses((status = 200, body = RateRequestFileView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/agents-desk/reduced-rate-requests/{request}/decision")]
pub async fn decide_rate_request(
    by: By<CaseWorker>,
    app: web::Data<App>,
    path: web::Path<(Department, IncomeRequestId)>,
    body: Body<DecideRateRequest>,
) -> Result<Found<RateRequestFileView>, Error> {
    let ((department, id), version, account) = (path.into_inner(), body.version, by.account);
    let reading = body.0.reading()?;
    let decide = move |tx: &mut Tx<'_>| desk::decide_request(tx, account, id, version, &reading);
    Ok(Found(app.db.write(department, &by.caller, decide).await?.into()))
}
