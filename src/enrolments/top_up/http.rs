//! The top-up of a scholarship holder, as a case worker grants it.

use super::TopUpEvidence;
use crate::{
    app::App,
    auth::actor::{By, CaseWorker},
    db::Tx,
    enrolments::{http::EnrolmentView, top_up},
    error::{Error, Refusal},
    http::{body::Body, reply::Found},
    kernel::{department::Department, ids::EnrolmentId},
};
use actix_web::{post, web};
use serde::Deserialize;
use utoipa::ToSchema;

/// A proof accepted.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TopUpEnrolment {
    pub evidence: TopUpEvidence,
    /// The one last read: an enrolment that changed since is not topped up.
    #[schema(example = 4)]
    pub version: i32,
}

/// Credit what a scholarship holder receives besides.
///
/// Once an enrolment, in both wallets, by the amounts of its formula under the rules in force when the family submitted. The family is told.
#[utoipa::path(tag = "desk", request_body = TopUpEnrolment, responses((status = 200, body = EnrolmentView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/enrolments/{enrolment}/top-up")]
pub async fn top_up_enrolment(
    by: By<CaseWorker>,
    app: web::Data<App>,
    path: web::Path<(Department, EnrolmentId)>,
    body: Body<TopUpEnrolment>,
) -> Result<Found<EnrolmentView>, Error> {
    let ((department, id), TopUpEnrolment { evidence, version }) = (path.into_inner(), body.0);
    // What the State answered is accepted where it stands, never claimed.
    if evidence == TopUpEvidence::StateService {
        return Err(Refusal::NoScholarshipTold.into());
    }
    let step = move |tx: &mut Tx<'_>| top_up::top_up(tx, id, version, evidence);
    Ok(Found(app.db.write(department, &by.caller, step).await?.into()))
}
