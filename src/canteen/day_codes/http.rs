//! A code for a forgotten card.

use super::Issued;
use crate::{
    app::App,
    auth::actor::{By, ChildHelper},
    canteen::day_codes,
    db::Tx,
    error::Error,
    http::reply::Created,
    kernel::{department::Department, ids::ChildId, text::Uai},
};
use actix_web::{post, web};
use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

/// A one-day code.
#[derive(Debug, Serialize, ToSchema)]
pub struct DayCodeView {
    /// Typed at the gate in the place of the card. It is shown here and never again.
    #[schema(example = "7K2M-0XQ4")]
    pub code: String,
    /// Where it serves.
    pub college_uai: Uai,
    /// The only day on which it does: today.
    #[schema(example = "2026-10-15")]
    pub day: NaiveDate,
}

impl From<Issued> for DayCodeView {
    fn from(Issued { code, college, day }: Issued) -> Self {
        Self { code: code.to_string(), college_uai: college, day }
    }
}

/// Give a child a code for its forgotten card, for today.
///
/// By its family, the secretary of its collège, or an agent; five a day at most.
#[utoipa::path(tag = "canteen", responses((status = 201, body = DayCodeView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/canteen/children/{child}/day-codes")]
pub async fn issue_day_code(
    by: By<ChildHelper>,
    app: web::Data<App>,
    path: web::Path<(Department, ChildId)>,
) -> Result<Created<DayCodeView>, Error> {
    let ((department, child), account) = (path.into_inner(), by.account);
    let issued = move |tx: &mut Tx<'_>| day_codes::issue_day_code(tx, account, child);
    Ok(Created(app.db.write(department, &by.caller, issued).await?.into()))
}
