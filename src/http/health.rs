//! Probes for whoever watches over the process.

use crate::{
    app::App,
    error::{Error, Refusal},
    http::{observe::Visitor, reply::Found},
};
use actix_web::{get, web};
use serde::Serialize;
use utoipa::ToSchema;

/// What a probe answers when all is well.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    #[schema(example = "ok")]
    pub status: &'static str,
}

/// The process answers.
///
/// Says nothing about databases: a supervisor restarts the process only when this fails.
#[utoipa::path(tag = "health", responses((status = 200, body = Health)))]
#[get("/health/live")]
pub async fn is_live(_visitor: Visitor) -> Found<Health> {
    Found(Health { status: "ok" })
}

/// Every database answers.
///
/// 503 as long as one does not: a load balancer sends no request meanwhile.
#[utoipa::path(tag = "health", responses((status = 200, body = Health)))]
#[get("/health/ready")]
pub async fn is_ready(visitor: Visitor, app: web::Data<App>) -> Result<Found<Health>, Error> {
    if app.db.is_ready(&visitor.caller).await {
        Ok(Found(Health { status: "ok" }))
    } else {
        Err(Error::Later(Refusal::Unavailable, 2))
    }
}
