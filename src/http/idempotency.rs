//! The caller's key on a money movement. It names the movement for ever: the same key answers the same, another body is refused.

use crate::{
    error::{Error, REPLAYED_HEADER, Refusal},
    kernel::crypto::sha256,
};
use actix_web::{FromRequest, HttpRequest, HttpResponse, Responder, body::BoxBody, dev::Payload, http::StatusCode};
use serde::Serialize;
use serde_json::json;
use std::future::{Ready, ready};
use utoipa::{
    IntoParams,
    openapi::{
        KnownFormat, ObjectBuilder, Required, SchemaFormat,
        path::{Parameter, ParameterBuilder, ParameterIn},
        schema::Type,
    },
};
use uuid::Uuid;

/// Header that carries the key.
pub const KEY_HEADER: &str = "Idempotency-Key";

/// Length of a UUID as it is printed: braced, or without its dashes, it is not the name that the caller will look for.
const KEY_LENGTH: usize = 36;

/// The key of this request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdempotencyKey(pub Uuid);

impl IdempotencyKey {
    /// The key that a header or a path names. One of zeros is none: the links of the ledger's chain write an absent key so.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let key = Uuid::try_parse(text).ok().filter(|key| text.len() == KEY_LENGTH && !key.is_nil());
        key.map(Self).ok_or(Refusal::IdempotencyKeyMalformed.into())
    }
}

impl IntoParams for IdempotencyKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "The caller's own name for this movement: sent again under the same key, the same request moves \
                           nothing more and gets the same answer, marked `Idempotency-Replayed`.";
        let uuid =
            ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)));
        let key = ParameterBuilder::new()
            .name(KEY_HEADER)
            .parameter_in(ParameterIn::Header)
            .required(Required::True)
            .description(Some(description))
            .schema(Some(uuid))
            .example(Some(json!("7f0d5b1e-3f5a-4d6a-9f0e-0c6a3c1b2d4e")));
        vec![key.build()]
    }
}

impl FromRequest for IdempotencyKey {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(match request.headers().get(KEY_HEADER) {
            Some(value) => Self::parse(value.to_str().unwrap_or_default()),
            None => Err(Refusal::IdempotencyKeyMissing.into()),
        })
    }
}

/// What a key stands for: the operation, its object and the checked body. Spaces or order of fields make no other request.
pub fn fingerprint(operation: &str, object: &str, body: &impl Serialize) -> Result<Vec<u8>, Error> {
    let body = serde_json::to_string(body).map_err(Error::internal)?;
    Ok(sha256(format!("{operation}\n{object}\n{body}").as_bytes()))
}

/// `201` with what was made now, or made before under the same key.
#[derive(Debug)]
pub struct Moved<T> {
    pub view: T,
    pub replayed: bool,
}

impl<T: Serialize> Responder for Moved<T> {
    type Body = BoxBody;
    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let mut response = HttpResponse::build(StatusCode::CREATED);
        if self.replayed {
            response.insert_header((REPLAYED_HEADER, "true"));
        }
        response.json(self.view)
    }
}
