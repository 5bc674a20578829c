//! Which web front-ends may call, from configuration; none by default.

use actix_cors::Cors;
use actix_web::http::header;

/// Browsers keep a preflight's answer that long.
const PREFLIGHT_SECONDS: usize = 3600;

/// Allows these origins, with bearer tokens (no cookie is ever used).
pub fn cors(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods(["GET", "POST", "PUT", "PATCH", "DELETE"])
        .allowed_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::HeaderName::from_static("idempotency-key"),
        ])
        .expose_headers(["x-request-id", "idempotency-replayed", "retry-after"])
        .max_age(PREFLIGHT_SECONDS);
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}
