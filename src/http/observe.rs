//! Around every request: its id, one log line, two metrics, the headers every answer has, and problems made complete.

use crate::{
    app::App,
    error::{Error, Refusal},
    kernel::{
        actor::{Actor, Caller},
        ids::RequestId,
    },
};
use actix_web::{
    FromRequest, HttpMessage, HttpRequest, HttpResponse, ResponseError,
    body::{BoxBody, MessageBody},
    dev::{Payload, ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{self, HeaderName, HeaderValue},
    },
    middleware::Next,
    web,
};
use std::{
    future::{Ready, ready},
    net::IpAddr,
    time::Instant,
};
use tracing::Instrument as _;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

#[derive(Debug, Clone, Copy)]
struct Origin {
    request: RequestId,
    address: Option<IpAddr>,
}

/// Anyone, signed in or not: the first argument of public endpoints.
#[derive(Debug, Clone)]
pub struct Visitor {
    pub caller: Caller,
}

impl FromRequest for Visitor {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self { caller: caller(request, Actor::Anonymous) }))
    }
}

/// The caller of this request, once its actor is known.
pub fn caller(request: &HttpRequest, actor: Actor) -> Caller {
    let origin = request.extensions().get::<Origin>().copied();
    let origin = origin.unwrap_or_else(|| Origin { request: RequestId::generate(), address: None });
    Caller { actor, request: origin.request, address: origin.address }
}

/// The middleware itself, outermost: what CORS refuses is a problem too.
pub async fn observe(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let started = Instant::now();
    let origin = Origin { request: RequestId::generate(), address: address(&request) };
    request.extensions_mut().insert(origin);
    let method = known(request.method());
    if request.method() == Method::HEAD {
        // The same answer; the connection, which read the request itself, leaves the body out.
        request.head_mut().method = Method::GET;
    }
    let span = tracing::info_span!("request", id = %origin.request, method, route = tracing::field::Empty);
    let mut response = match next.call(request).instrument(span.clone()).await {
        Ok(response) => response.map_into_boxed_body(),
        // Errors of the middlewares below carry no request to answer to; those of handlers are answers already.
        Err(error) => return Err(error),
    };
    let _entered = span.enter();
    let route = response.request().match_pattern().unwrap_or_else(|| "unmatched".to_owned());
    span.record("route", &route);
    if response.status().is_client_error() || response.status().is_server_error() {
        response = complete_problem(response, origin.request);
    }
    let status = response.status().as_u16();
    let seconds = started.elapsed().as_secs_f64();
    tracing::info!(status, duration_ms = started.elapsed().as_millis(), "answered");
    let labels = [("method", method.to_owned()), ("route", route), ("status", status.to_string())];
    metrics::counter!("http_requests_total", &labels).increment(1);
    metrics::histogram!("http_request_duration_seconds", &labels).record(seconds);

    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&origin.request.to_string()) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    Ok(response)
}

/// A method's name for logs and metrics: a caller may invent any number of others.
fn known(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"];
    KNOWN.into_iter().find(|name| *name == method.as_str()).unwrap_or("other")
}

/// Answers of actix itself become problems too, and every problem names its request.
fn complete_problem(response: ServiceResponse, request: RequestId) -> ServiceResponse {
    let own = response.response().error().and_then(|error| error.as_error::<Error>());
    let mut problem = own.map_or_else(
        || {
            let refusal = match response.status().as_u16() {
                404 => Refusal::NotFound,
                405 => Refusal::MethodNotAllowed,
                413 => Refusal::BodyTooLarge,
                415 => Refusal::UnsupportedMediaType,
                400..500 => Refusal::MalformedBody,
                _ => Refusal::Internal,
            };
            Error::Refused(refusal).problem()
        },
        Error::problem,
    );
    problem.instance = Some(request.to_string());
    let status = Error::status_code(&Error::Refused(Refusal::Internal));
    let status = actix_web::http::StatusCode::from_u16(problem.status).unwrap_or(status);
    let mut answer = HttpResponse::build(status);
    for (name, value) in response.headers() {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            answer.append_header((name, value));
        }
    }
    let answer =
        answer.content_type("application/problem+json").body(serde_json::to_string(&problem).unwrap_or_default());
    let (request, _) = response.into_parts();
    ServiceResponse::new(request, answer)
}

/// The client's address: the peer's, or what a trusted proxy says it is.
fn address(request: &ServiceRequest) -> Option<IpAddr> {
    let peer = request.peer_addr().map(|peer| peer.ip())?;
    let app = request.app_data::<web::Data<App>>()?;
    if !app.trusted_proxies.contains(&peer) {
        return Some(peer);
    }
    let forwarded = request.headers().get("x-forwarded-for").and_then(|value| value.to_str().ok()).unwrap_or_default();
    // The last address was written by our proxy; those before it by whoever called.
    forwarded.rsplit(',').find_map(|item| item.trim().parse().ok()).or(Some(peer))
}
