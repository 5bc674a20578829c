//! The list of the day of a gate.

use crate::{
    app::App,
    auth::actor::{By, Gate},
    canteen::gates::list,
    error::Error,
    http::reply::Attachment,
    kernel::department::Department,
};
use actix_web::{get, web};
use serde::Deserialize;
use utoipa::IntoParams;

/// What the list holds.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct GateListQuery {
    /// Whether portraits are in it: about 20 kB each, or 12 MB for a large collège. True when absent.
    #[param(example = true)]
    pub portraits: Option<bool>,
}

/// Take today's list for a gate without network.
///
/// An age file (age-encryption.org) that the gate's own key opens. In it: version (1 byte), department (3), key id (4), issued and last
/// instant (4 each, seconds since 2020-01-01), JSON, and the Ed25519 signature of `passplus-gate-day-v1`, a NUL and all that precedes, with
/// the key that signs the department's cards. The JSON has `day`, `college_uai`, `gate`, `walk_ins` and `diners`: of each `id`, `mark` (the
/// first 8 bytes of the SHA-256 of the ten secret bytes of the card in use, in hexadecimal), `adult` (`commensal` or `guest`, who has no mark and passes by his id), `first_name`, `initial`, `eats`, `reason`, `detail`,
/// `diet`, `own_meal`, `care`, `photo_jpeg_base64`. Each list is written in the journal.
#[utoipa::path(tag = "canteen-gates", params(GateListQuery), responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream")), security(("bearer" = [])))]
#[get("/v1/departments/{department}/canteen/gate-list")]
pub async fn take_gate_list(
    by: By<Gate>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    query: web::Query<GateListQuery>,
) -> Result<Attachment, Error> {
    let (day, bytes) = list::take_gate_list(&app, &by, path.0, query.portraits.unwrap_or(true)).await?;
    Ok(Attachment { media: "application/octet-stream", name: format!("passplus-cantine-{day}.age"), bytes })
}
