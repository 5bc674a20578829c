//! One error for the whole service. What the domain refuses is a line of the table below; callers get it as a problem (RFC 9457)
//! with a stable `code` and a French `detail`, and never learn more than that line says.

use actix_web::{HttpResponse, ResponseError, http::StatusCode, http::header};
use diesel::result::Error as DieselError;
use serde::Serialize;
use std::{error::Error as StdError, fmt};
use utoipa::ToSchema;

/// Marks an answer that was given before under the same idempotency key.
pub const REPLAYED_HEADER: &str = "Idempotency-Replayed";

/// One field of the body that cannot be taken, by JSON pointer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    #[schema(example = "/amount_cents")]
    pub pointer: String,
    #[schema(example = "un montant entre 1 et 100000 centimes est attendu")]
    pub detail: String,
}

/// What every failed request answers, as `application/problem+json`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: `code` tells the kind.
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    pub kind: &'static str,
    #[schema(example = "Conflict")]
    pub title: &'static str,
    #[schema(example = 409)]
    pub status: u16,
    /// Stable word for programs.
    #[schema(value_type = Refusal, example = "debit.refused")]
    pub code: &'static str,
    /// French sentence for people.
    #[schema(example = "Le paiement est refusé : demandez un autre moyen de paiement à la famille.")]
    pub detail: String,
    /// The request's id, also in the `X-Request-Id` header and in the logs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "0199a8f0-7c3e-7bbd-8000-000000000001")]
    pub instance: Option<String>,
    /// The fields at fault, if any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

/// Why something was not done. Nothing half done remains: the transaction rolled back.
#[derive(Debug)]
pub enum Error {
    /// A line of the table.
    Refused(Refusal),
    /// A line of the table with more to say: which rule, which day.
    RefusedBecause(Refusal, String),
    /// Fields at fault.
    Fields(Refusal, Vec<FieldError>),
    /// A line of the table, told before under the same idempotency key.
    Replayed(Refusal),
    /// Come back after that many seconds.
    Later(Refusal, u64),
    /// PostgreSQL asks to try the transaction again; callers never see it unless tries run out.
    Retry(DieselError),
    /// Ours. Logged once, said to nobody.
    Internal(Box<dyn StdError + Send + Sync>),
}

impl Error {
    /// An internal error from anything that explains itself.
    pub fn internal(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }

    /// One field at fault.
    pub fn field(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Fields(Refusal::InvalidFields, vec![FieldError { pointer: pointer.into(), detail: detail.into() }])
    }

    #[must_use]
    pub const fn refusal(&self) -> Refusal {
        match self {
            Self::Refused(refusal)
            | Self::Replayed(refusal)
            | Self::RefusedBecause(refusal, _)
            | Self::Fields(refusal, _)
            | Self::Later(refusal, _) => *refusal,
            Self::Retry(_) => Refusal::Busy,
            Self::Internal(_) => Refusal::Internal,
        }
    }

    /// The answer to the caller. The request's id is added on the way out.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let refusal = self.refusal();
        let (detail, errors) = match self {
            Self::RefusedBecause(_, because) => (because.clone(), vec![]),
            Self::Fields(_, errors) => (refusal.sentence().to_owned(), errors.clone()),
            _ => (refusal.sentence().to_owned(), vec![]),
        };
        let title = self.status_code().canonical_reason().unwrap_or_default();
        Problem {
            kind: "about:blank",
            title,
            status: refusal.status(),
            code: refusal.code(),
            detail,
            instance: None,
            errors,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retry(cause) => write!(f, "the database asks to retry: {cause}"),
            Self::Internal(cause) => write!(f, "{cause}"),
            _ => f.write_str(self.refusal().code()),
        }
    }
}

impl StdError for Error {}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.refusal().status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        match self {
            Self::Internal(cause) => tracing::error!(error = %cause, "request failed on our side"),
            Self::Retry(cause) => tracing::warn!(error = %cause, "request gave up retrying"),
            _ => {}
        }
        let mut response = HttpResponse::build(self.status_code());
        response.content_type("application/problem+json");
        if self.refusal().status() == 503 || matches!(self, Self::Later(..)) {
            let seconds = if let Self::Later(_, seconds) = self { *seconds } else { 1 };
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        if self.refusal().status() == 401 {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        if matches!(self, Self::Replayed(_)) {
            response.insert_header((REPLAYED_HEADER, "true"));
        }
        let body = serde_json::to_string(&self.problem()).unwrap_or_default();
        response.body(body)
    }
}

mod database;
mod described;
mod refusals;

pub use refusals::Refusal;

#[cfg(test)]
mod tests;
