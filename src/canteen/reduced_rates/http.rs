//! Requests as families make and follow them. Tax numbers go from the body into the memory of this process, and nowhere else.

use super::{
    Held, Ticked, Way,
    beneficiary::Beneficiary,
    inquiries::Place,
    view::{RateRequestView, Shown},
};
use crate::{
    app::App,
    auth::actor::{By, Guardian},
    canteen::reduced_rates::{
        self,
        texts::{self, RequestText},
    },
    db::Tx,
    error::{Error, Refusal},
    fiscal::{
        impot::{Inquiry, Taxpayer, income_year},
        spi::Spi,
    },
    http::{
        body::Body,
        observe::Visitor,
        page::{Page, PageQuery},
        reply::{Created, Found},
    },
    kernel::{
        actor::Caller,
        department::Department,
        ids::{ChildId, IncomeRequestId, InquiryId},
        text::{Code, Name, SeasonCode},
        time::paris_date,
    },
};
use actix_web::{get, post, web};
use chrono::Datelike;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Somebody born before is no parent of a pupil.
const BORN_FROM: i32 = 1900;

/// A parent as his tax notice names him. The number is kept nowhere.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TaxpayerNumber {
    /// Tax number: 13 digits, spaces admitted.
    #[schema(value_type = String, example = "30 01 234 567 890")]
    pub tax_number: Spi,
    /// Birth last name.
    pub last_name: Name,
}

/// A request for a reduced rate. Beside the tick it brings one of three: taxpayers, a beneficiary, or `by_document`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestReducedRate {
    #[schema(value_type = String, example = "2026-2027")]
    pub season: SeasonCode,
    /// 1 to 15, of one file, enrolled in the canteen.
    #[schema(min_items = 1, max_items = 15)]
    pub child_ids: Vec<ChildId>,
    /// The text that the guardian read: the version in force.
    #[schema(value_type = String, example = "2026-06")]
    pub text_version: Code,
    /// The tick itself. Without it nothing is asked of anybody.
    #[schema(example = true)]
    pub accepted: bool,
    /// A tax notice, or a certificate of the CAF or the MSA, will be sent, and no administration is asked.
    #[serde(default)]
    #[schema(example = false)]
    pub by_document: bool,
    /// One when the parents are taxed together or there is one parent, two when each has a tax notice of his own.
    #[schema(example = 1, minimum = 1, maximum = 2)]
    pub tax_households: Option<i16>,
    /// As many as households, where the tariff reads tax notices.
    #[serde(default)]
    #[schema(max_items = 2)]
    pub taxpayers: Vec<TaxpayerNumber>,
    /// Where the tariff reads the quotient of the CAF or the MSA.
    pub beneficiary: Option<Beneficiary>,
}

/// Tax numbers, given again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GiveTaxNumbers {
    /// As in the request.
    #[schema(example = 1, minimum = 1, maximum = 2)]
    pub tax_households: Option<i16>,
    #[schema(min_items = 1, max_items = 2)]
    pub taxpayers: Vec<TaxpayerNumber>,
}

/// One household or two.
type Taxpayers = (Taxpayer, Option<Taxpayer>);

/// As many taxpayers as households, each with a number of his own.
fn taxpayers(households: Option<i16>, given: Vec<TaxpayerNumber>) -> Result<(i16, Taxpayers), Error> {
    let count = i16::try_from(given.len()).unwrap_or(i16::MAX);
    let mut given =
        given.into_iter().map(|TaxpayerNumber { tax_number, last_name }| Taxpayer { spi: tax_number, last_name });
    let (Some(first), second, None) = (given.next(), given.next(), given.next()) else {
        return Err(Error::field("/taxpayers", "un ou deux contribuables sont attendus"));
    };
    if households != Some(count) {
        return Err(Error::field("/tax_households", "le nombre de foyers fiscaux est celui des contribuables donnés"));
    }
    if second.as_ref().is_some_and(|second| second.is_same_as(&first)) {
        return Err(Error::field("/taxpayers/1/tax_number", "le numéro fiscal de l'autre parent est attendu"));
    }
    Ok((count, (first, second)))
}

/// A question in the making: its place in the queue is taken before anything is recorded.
struct Prepared {
    id: InquiryId,
    place: Place,
    taxpayers: Taxpayers,
}

impl Prepared {
    fn new(app: &App, department: Department, taxpayers: Taxpayers) -> Result<Self, Error> {
        let place = app.inquiries.reserve(app.department(department)?)?;
        Ok(Self { id: InquiryId::generate(), place, taxpayers })
    }

    /// Writes the tick down and puts the question into the queue: the one with the other, even if the family's connection is cut meanwhile.
    async fn record(
        self,
        app: &web::Data<App>,
        caller: &Caller,
        department: Department,
        write: impl Fn(&mut Tx<'_>) -> Result<Shown, Error> + Send + 'static,
    ) -> Result<Shown, Error> {
        let (app, caller) = (app.clone(), caller.clone());
        let both = async move {
            let shown = app.db.write(department, &caller, write).await?;
            self.hold(&app, department, &shown)?;
            Ok(shown)
        };
        actix_web::rt::spawn(both).await.map_err(Error::internal)?
    }

    fn hold(self, app: &App, department: Department, shown: &Shown) -> Result<(), Error> {
        let Self { id, place, taxpayers: (first, second) } = self;
        let year = income_year(&shown.row.season).ok_or_else(|| Error::internal("a season without a year"))?;
        let inquiry = Inquiry::new(shown.row.proof(), first, second, year)
            .map_err(|doubt| Error::internal(format!("an inquiry is in doubt: {doubt}")))?;
        let due = app.db.server_now();
        app.inquiries.hold(department, Held { request: shown.row.id, id, inquiry, attempts: 0, due, place });
        Ok(())
    }
}

/// The text to tick, and those before it.
#[derive(Debug, Serialize, ToSchema)]
pub struct RequestTextsView {
    /// The version that a request names today.
    #[schema(example = "2026-06")]
    pub in_force: &'static str,
    /// Every version, in the order of their days.
    pub texts: &'static [RequestText],
}

/// Show the text of the request for a reduced rate.
///
/// What is asked of which administration, why, and how long it is kept; every version that a guardian may have ticked.
#[utoipa::path(tag = "canteen", responses((status = 200, body = RequestTextsView)))]
#[get("/v1/departments/{department}/canteen/reduced-rate-texts")]
pub async fn list_reduced_rate_texts(
    _visitor: Visitor,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
) -> Result<Found<RequestTextsView>, Error> {
    app.department(path.0)?;
    let in_force = texts::in_force(paris_date(app.db.server_now())).version;
    Ok(Found(RequestTextsView { in_force, texts: &texts::TEXTS }))
}

/// Ask for a reduced rate.
///
/// Asks for full rights. Only this tick lets an administration be asked: the tax administration or the CAF and MSA, as the tariff wants. A tax
/// number is never kept: should it be lost before the answer, it is asked for again.
#[utoipa::path(tag = "canteen", request_body = RequestReducedRate, responses((status = 201, body = RateRequestView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/reduced-rate-requests")]
pub async fn request_reduced_rate(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    body: Body<RequestReducedRate>,
) -> Result<Created<RateRequestView>, Error> {
    let department = path.0;
    let RequestReducedRate { season, child_ids, text_version, accepted, .. } = &body.0;
    if !accepted {
        return Err(Error::field("/accepted", "la demande se coche : rien n'est demandé sans cela"));
    }
    let (season, children, text_version) = (season.clone(), child_ids.clone(), text_version.clone());
    let RequestReducedRate { by_document, tax_households, taxpayers: given, beneficiary, .. } = body.0;
    let (way, prepared) = match (by_document, given.is_empty(), beneficiary) {
        (true, true, None) => (Way::Document, None),
        (false, false, None) => {
            let (households, taxpayers) = taxpayers(tax_households, given)?;
            let prepared = Prepared::new(&app, department, taxpayers)?;
            (Way::Tax { households, inquiry: prepared.id }, Some(prepared))
        }
        (false, true, Some(beneficiary)) => {
            beneficiary.question()?;
            let born = beneficiary.birth_date;
            if born.year() < BORN_FROM || born > paris_date(app.db.server_now()) {
                return Err(Error::field("/beneficiary/birth_date", "une date de naissance est attendue"));
            }
            if !app.asking.contains(&department) {
                return Err(Refusal::AuthorityOff.into());
            }
            (Way::Benefits(beneficiary), None)
        }
        _ => {
            let detail = "les numéros fiscaux, l'allocataire ou l'envoi d'un document : l'un des trois est attendu";
            return Err(Error::field("/taxpayers", detail));
        }
    };
    if !matches!(way, Way::Tax { .. }) && tax_households.is_some() {
        return Err(Error::field("/tax_households", "le nombre de foyers va avec les numéros fiscaux"));
    }
    let (ticked, account) = (Ticked { season, children, text_version, way }, by.account);
    let record = move |tx: &mut Tx<'_>| reduced_rates::request_reduced_rate(tx, account, &ticked);
    let shown = match prepared {
        Some(prepared) => prepared.record(&app, &by.caller, department, record).await?,
        None => app.db.write(department, &by.caller, record).await?,
    };
    Ok(Created(shown.into()))
}

/// Give my tax numbers again.
///
/// By the guardian who made the request: when the number was lost with the process that held it, or when nothing was found under it.
#[utoipa::path(tag = "canteen", request_body = GiveTaxNumbers, responses((status = 200, body = RateRequestView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/reduced-rate-requests/{request}/inquiry")]
pub async fn give_tax_numbers(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, IncomeRequestId)>,
    body: Body<GiveTaxNumbers>,
) -> Result<Found<RateRequestView>, Error> {
    let ((department, id), account) = (path.into_inner(), by.account);
    let (households, taxpayers) = taxpayers(body.0.tax_households, body.0.taxpayers)?;
    let prepared = Prepared::new(&app, department, taxpayers)?;
    let given = (households, prepared.id);
    let give = move |tx: &mut Tx<'_>| reduced_rates::give_tax_numbers(tx, account, id, given);
    Ok(Found(prepared.record(&app, &by.caller, department, give).await?.into()))
}

/// Withdraw a request that is not decided.
///
/// Asks for full rights. Nothing more is asked of anybody.
#[utoipa::path(tag = "canteen", responses((status = 200, body = RateRequestView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/reduced-rate-requests/{request}/withdraw")]
pub async fn withdraw_reduced_rate_request(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, IncomeRequestId)>,
) -> Result<Found<RateRequestView>, Error> {
    let (department, id) = path.into_inner();
    let shown = app.db.write(department, &by.caller, move |tx| reduced_rates::withdraw(tx, id)).await?;
    Ok(Found(shown.into()))
}

/// List the requests of my files, the last made first.
#[utoipa::path(tag = "canteen", params(PageQuery), responses((status = 200, body = Page<RateRequestView>)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/canteen/reduced-rate-requests")]
pub async fn list_reduced_rate_requests(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<PageQuery>,
) -> Result<Found<Page<RateRequestView>>, Error> {
    let query = query.into_inner();
    let list = move |tx: &mut Tx<'_>| reduced_rates::list_requests(tx, &query);
    Ok(Found(app.db.read(path.0, &by.caller, list).await?.map(RateRequestView::from)))
}

/// Show where a request stands.
///
/// For the guardians of its file. The figures of an income are shown to the guardian who gave them alone.
#[utoipa::path(tag = "canteen", responses((status = 200, body = RateRequestView)), security(("bearer" = [])))]
#[get("/v1/departments/{department}/canteen/reduced-rate-requests/{request}")]
pub async fn show_reduced_rate_request(
    by: By<Guardian>,
    app: web::Data<App>,
    path: web::Path<(Department, IncomeRequestId)>,
) -> Result<Found<RateRequestView>, Error> {
    let (department, id) = path.into_inner();
    let shown = app.db.read(department, &by.caller, move |tx| reduced_rates::show_request(tx, id)).await?;
    Ok(Found(shown.into()))
}
