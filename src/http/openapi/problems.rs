//! Which problems each operation answers: those that its shape makes possible, and those that it declares in `refusals.rs`.

use super::refusals::{OF_CANTEEN, OF_OPERATIONS};
use crate::error::{Problem, Refusal};
use actix_web::http::StatusCode;
use std::collections::BTreeMap;
use utoipa::{
    Modify, ToSchema,
    openapi::{
        ContentBuilder, Header, Object, Ref, RefOr, Response, ResponseBuilder, Type,
        extensions::Extensions,
        path::{Operation, ParameterIn},
        schema::SchemaType,
    },
};

/// Adds to every operation its 4xx and 5xx, each with its codes (`x-codes`).
pub struct Problems;

impl Modify for Problems {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        for (path, item) in &mut document.paths.paths {
            let in_path = path.contains('{');
            let all = [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
            for operation in all.into_iter().flatten() {
                add_problems(operation, in_path);
            }
        }
    }
}

/// All that an operation may refuse.
fn refusals(operation: &Operation, in_path: bool) -> Vec<Refusal> {
    use Refusal as R;
    let secured = operation.security.as_ref().is_some_and(|needs| !needs.is_empty());
    let parameters = operation.parameters.iter().flatten();
    let (mut queried, mut keyed) = (false, false);
    for parameter in parameters {
        if let RefOr::T(parameter) = parameter {
            queried |= parameter.parameter_in == ParameterIn::Query;
            keyed |= parameter.name == "Idempotency-Key";
        }
    }
    let shapes: [(bool, &[Refusal]); 6] = [
        (true, &[R::Internal, R::Busy, R::Unavailable, R::StorageFull]),
        (secured, &[R::Unauthenticated, R::InvalidToken, R::Forbidden]),
        (in_path, &[R::NotFound]),
        (queried, &[R::MalformedQuery]),
        (
            operation.request_body.is_some(),
            &[R::MalformedBody, R::BodyTooLarge, R::UnsupportedMediaType, R::InvalidFields],
        ),
        (keyed, &[R::IdempotencyKeyMissing, R::IdempotencyKeyMalformed, R::IdempotencyKeyReused]),
    ];
    let own = OF_OPERATIONS.iter().chain(OF_CANTEEN).find(|(id, _)| Some(*id) == operation.operation_id.as_deref());
    let by_shape = shapes.iter().filter(|(has, _)| *has).flat_map(|(_, codes)| codes.iter());
    by_shape.chain(own.iter().flat_map(|(_, codes)| codes.iter())).copied().collect()
}

fn add_problems(operation: &mut Operation, in_path: bool) {
    let mut codes: BTreeMap<u16, Vec<&'static str>> = BTreeMap::new();
    for refusal in refusals(operation, in_path) {
        let codes = codes.entry(refusal.status()).or_default();
        if !codes.contains(&refusal.code()) {
            codes.push(refusal.code());
        }
    }
    for (status, codes) in codes {
        let response = operation.responses.responses.entry(status.to_string());
        if let RefOr::T(response) = response.or_insert_with(|| RefOr::T(problem(status))) {
            let listed = codes.iter().map(|code| format!("`{code}`")).collect::<Vec<_>>().join(", ");
            let separator = if response.description.is_empty() { "" } else { ": " };
            response.description = format!("{}{separator}{listed}", response.description);
            response.extensions = Some(Extensions::from_iter([("x-codes", codes)]));
        }
    }
    // The standard asks for a description of every answer: its reason phrase, where nothing else was said.
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && response.description.is_empty()
        {
            response.description = status.parse().map(reason).unwrap_or_default();
        }
    }
}

fn problem(status: u16) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).build();
    let response = ResponseBuilder::new().description(reason(status)).content("application/problem+json", content);
    if matches!(status, 429 | 503) { response.header("Retry-After", seconds()).build() } else { response.build() }
}

fn reason(status: u16) -> String {
    let status = StatusCode::from_u16(status).ok();
    status.and_then(|status| status.canonical_reason()).unwrap_or_default().to_owned()
}

/// `Retry-After`, as this service writes it.
fn seconds() -> Header {
    let mut header = Header::new(Object::with_type(SchemaType::new(Type::Integer)));
    header.description = Some("Seconds to wait before asking again".to_owned());
    header
}
