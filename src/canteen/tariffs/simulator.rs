//! The public simulator: what a meal would cost, without signing in. What is told stays in the memory of one request: the database is
//! asked for the tariff of a day and of a sort of diners, and learns nothing else.

use super::{
    Attendance, Explained, Means, Situation, Unknown,
    figures::{DaysAWeek, QuotientFamilial, TaxHousehold},
    price,
};
use crate::{
    app::App,
    canteen::{Diner, services, tariffs},
    db::Tx,
    error::Error,
    http::{body::Body, observe::Visitor, reply::Found},
    kernel::{department::Department, text::Code, time::paris_date},
};
use actix_web::{post, web};
use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::ToSchema;

/// A grid names no more.
const STATUSES_MAX: usize = 20;

/// Who eats, and what is known of his means.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SimulatePrice {
    #[schema(example = "pupil")]
    pub diner: Diner,
    /// Today when absent.
    #[schema(example = "2026-10-15")]
    pub day: Option<NaiveDate>,
    /// Absent: the price without any request for a reduced rate.
    #[schema(value_type = Option<Means>)]
    pub means: Option<ToldMeans>,
    /// Statuses that the grid of that day prices, such as `rsa`; another is refused.
    #[serde(default)]
    #[schema(example = json!([]), max_items = 20)]
    pub statuses: Vec<Code>,
    /// Needed unless the meal is taken without enrolment.
    pub days_a_week: Option<DaysAWeek>,
    /// A meal without enrolment.
    #[serde(default)]
    #[schema(example = false)]
    pub walk_in: bool,
    /// The family brings the meal, by an individual care plan (PAI).
    #[serde(default)]
    #[schema(example = false)]
    pub own_meal: bool,
}

text_enum! {
    /// The kinds of [`Means`].
    pub enum MeansKind { Unknown = "unknown", Tax = "tax", Quotient = "quotient", PayIndex = "pay_index" }
}

/// [`Means`] as somebody tells them: read field by field, so that a wrong one is named by its own place.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToldMeans {
    kind: MeansKind,
    because: Option<Unknown>,
    households: Option<Vec<TaxHousehold>>,
    quotient_cents: Option<QuotientFamilial>,
    pay_index: Option<u32>,
}

impl ToldMeans {
    fn means(self) -> Result<Means, Error> {
        let Self { kind, because, households, quotient_cents, pay_index } = self;
        let at = |field: &str, detail: &str| Error::field(format!("/means/{field}"), detail);
        let missing = |field: &str| at(field, "champ obligatoire");
        for (field, of, is_told) in [
            ("because", MeansKind::Unknown, because.is_some()),
            ("households", MeansKind::Tax, households.is_some()),
            ("quotient_cents", MeansKind::Quotient, quotient_cents.is_some()),
            ("pay_index", MeansKind::PayIndex, pay_index.is_some()),
        ] {
            if is_told && of != kind {
                return Err(at(field, "champ d'une autre sorte de ressources"));
            }
        }
        match kind {
            MeansKind::Unknown => Ok(Means::Unknown { because: because.ok_or_else(|| missing("because"))? }),
            MeansKind::Tax => {
                let households = households.ok_or_else(|| missing("households"))?;
                check_households(&households)?;
                Ok(Means::Tax { households })
            }
            MeansKind::Quotient => {
                Ok(Means::Quotient { quotient_cents: quotient_cents.ok_or_else(|| missing("quotient_cents"))? })
            }
            MeansKind::PayIndex => Ok(Means::PayIndex { pay_index: pay_index.ok_or_else(|| missing("pay_index"))? }),
        }
    }
}

impl SimulatePrice {
    fn situation(self) -> Result<Situation, Error> {
        let Self { means, statuses, days_a_week, walk_in, own_meal, .. } = self;
        let attendance = match days_a_week {
            _ if walk_in => Attendance::WalkIn,
            Some(days_a_week) => Attendance::Enrolled { days_a_week },
            None => return Err(Error::field("/days_a_week", "un nombre de jours de 1 à 5 est attendu")),
        };
        if statuses.len() > STATUSES_MAX {
            return Err(Error::field("/statuses", format!("{STATUSES_MAX} situations au plus sont admises")));
        }
        let unasked = Means::Unknown { because: Unknown::NotRequested };
        let means = means.map_or(Ok(unasked), ToldMeans::means)?;
        Ok(Situation { means, statuses, attendance, own_meal })
    }
}

fn check_households(households: &[TaxHousehold]) -> Result<(), Error> {
    if Means::HOUSEHOLDS.contains(&households.len()) {
        return Ok(());
    }
    Err(Error::field("/means/households", "un ou deux foyers fiscaux sont attendus"))
}

/// Simulate what a meal costs.
///
/// By the tariff of a day, with every step of the calculation. Nothing of the request is kept. A quotient of the CAF or the MSA is refused
/// where the tariff reads tax notices, and tax notices where it reads that quotient: they are different figures.
#[utoipa::path(tag = "canteen", request_body = SimulatePrice, responses((status = 200, body = Explained)))]
#[post("/v1/departments/{department}/canteen/price-simulations")]
pub async fn simulate_price(
    visitor: Visitor,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    body: Body<SimulatePrice>,
) -> Result<Found<Explained>, Error> {
    let (diner, day) = (body.diner, body.day);
    let situation = body.0.situation()?;
    let tariff = move |tx: &mut Tx<'_>| {
        services::require_canteen(tx)?;
        let today = paris_date(tx.now()?);
        tariffs::tariff_on(tx, diner, day.unwrap_or(today))
    };
    let tariff = app.db.read(path.0, &visitor.caller, tariff).await?;
    if situation.means.clone().read_by(tariff.grid()) != situation.means {
        return Err(Error::field("/means/kind", tariff.grid().quotient_from.asked()));
    }
    tariff.grid().require_statuses(&situation.statuses)?;
    Ok(Found(price(&tariff, &situation)))
}
