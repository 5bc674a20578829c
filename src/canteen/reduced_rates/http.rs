//! Requests as families make and follow them. Tax numbers go from the body into the memory of this process, and nowhere else.

use super::{
    Held, Ticked, Way,
    inquiries::Place,
    view::{RateRequestView, Shown},
};
use crate::{
    app::App,
    auth::actor::{By, Guardian},
    canteen::reduced_rates,
    db::Tx,
    error::{Error, Refusal},
    fiscal::{
        impot::{Inquiry, Taxpayer, income_year},
        quotient::{BirthPlace, Question},
        schooling::CivilSex,
        spi::Spi,
    },
    http::{
        body::Body,
        page::{Page, PageQuery},
        reply::{Created, Found},
    },
    kernel::{
        department::Department,
        ids::{ChildId, IncomeRequestId, InquiryId},
        text::{Code, InseeCode, Label, Name, SeasonCode},
        time::paris_date,
    },
};
use actix_web::{get, post, web};
use chrono::{Datelike, NaiveDate};
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

/// Where somebody was born: the code of a commune, its name and department, or the code of a country.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BirthPlaceCodes {
    pub commune_code: Option<InseeCode>,
    #[schema(example = "Nanterre")]
    pub commune_name: Option<Label>,
    #[schema(value_type = Option<String>, example = "92")]
    pub department: Option<Department>,
    pub country_code: Option<InseeCode>,
}

/// Who receives the family's benefits, as the CAF or the MSA knows him.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Beneficiary {
    /// Birth last name.
    pub last_name: Name,
    /// Only when it is not the birth name.
    pub usage_name: Option<Name>,
    pub first_names: Name,
    #[schema(example = "F")]
    pub civil_sex: CivilSex,
    #[schema(example = "1986-04-03")]
    pub birth_date: NaiveDate,
    pub birth_place: BirthPlaceCodes,
}

impl Beneficiary {
    /// The question about the present quotient.
    pub(super) fn question(&self) -> Result<Question, Error> {
        let BirthPlaceCodes { commune_code, commune_name, department, country_code } = self.birth_place.clone();
        let birth_place = match (commune_code, commune_name, department, country_code) {
            (Some(code), None, None, None) => BirthPlace::Commune(code),
            (None, Some(name), Some(department), None) => BirthPlace::Named(name, department),
            (None, None, None, Some(code)) => BirthPlace::Country(code),
            _ => {
                let detail = "une commune par son code, une commune par son nom et son département, ou un pays";
                return Err(Error::field("/beneficiary/birth_place", detail));
            }
        };
        Ok(Question {
            last_name: self.last_name.clone(),
            usage_name: self.usage_name.clone(),
            first_names: self.first_names.clone(),
            sex: self.civil_sex,
            birth_date: self.birth_date,
            birth_place,
            month: None,
        })
    }
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
    /// The text that the guardian read.
    #[schema(value_type = String, example = "2026-06")]
    pub text_version: Code,
    /// The tick itself. Without it nothing is asked of anybody.
    #[schema(example = true)]
    pub accepted: bool,
    /// The tax notice will be sent, and no administration is asked.
    #[serde(default)]
    #[schema(example = false)]
    pub by_document: bool,
    /// One when the parents are taxed together or there is one parent, two when each has a notice of his own.
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

    /// Puts the question into the queue, with the tick that was recorded.
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
    let shown = app.db.write(department, &by.caller, record).await?;
    if let Some(prepared) = prepared {
        prepared.hold(&app, department, &shown)?;
    }
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
    let shown = app.db.write(department, &by.caller, give).await?;
    prepared.hold(&app, department, &shown)?;
    Ok(Found(shown.into()))
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
