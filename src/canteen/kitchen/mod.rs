//! What a kitchen cooks: how many meals, by collège and day, for all who plan them; and, for the operator's own kitchen only, what it has to
//! do today for which child.

mod db;
pub mod http;

pub use db::ForecastRow;

use super::care_plans::open_measures;
use crate::{
    audit,
    db::Tx,
    error::Error,
    kernel::{
        ids::ChildId,
        text::{Note, Uai},
    },
};
use chrono::NaiveDate;
use serde_json::json;

/// Days of one forecast: a month of meals is ordered at a time.
const FORECAST_DAYS_MAX: i64 = 31;

/// What the kitchen does for a child today.
#[derive(Debug)]
pub struct Care {
    pub child: ChildId,
    pub college: Uai,
    pub first_name: String,
    pub initial: String,
    pub own_meal: bool,
    pub measures: Note,
}

/// How many meals there are to cook, by day and collège, in those that the caller may see.
fn forecast_meals(tx: &mut Tx<'_>, from: NaiveDate, until: NaiveDate) -> Result<Vec<ForecastRow>, Error> {
    let days = until.signed_duration_since(from).num_days();
    if !(0..FORECAST_DAYS_MAX).contains(&days) {
        return Err(Error::field("/until", format!("de 1 à {FORECAST_DAYS_MAX} jours sont attendus")));
    }
    db::forecast(tx, from, until)
}

/// What the calling kitchen does today for each child that has a care plan and a meal. Who read what is a line of the journal.
fn list_care(tx: &mut Tx<'_>) -> Result<Vec<Care>, Error> {
    let rows = db::care(tx)?;
    let children: Vec<_> = rows.iter().map(|row| row.child_id.uuid()).collect();
    if !children.is_empty() {
        audit::record_each(tx, "canteen_care_read", "child", &children, &json!({}))?;
    }
    let open = |row: db::CareRow| {
        Ok(Care {
            measures: open_measures(tx.key, row.plan_id, &row.measures_sealed)?,
            child: row.child_id,
            college: row.college_uai,
            first_name: row.first_name,
            initial: row.initial,
            own_meal: row.own_meal,
        })
    };
    rows.into_iter().map(open).collect()
}
