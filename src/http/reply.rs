//! The shapes of a success.

use actix_web::{HttpRequest, HttpResponse, Responder, body::BoxBody, http::header};
use serde::Serialize;

/// `201` with what was made.
#[derive(Debug)]
pub struct Created<T>(pub T);

impl<T: Serialize> Responder for Created<T> {
    type Body = BoxBody;
    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::Created().json(self.0)
    }
}

/// `200` with what was asked.
#[derive(Debug)]
pub struct Found<T>(pub T);

impl<T: Serialize> Responder for Found<T> {
    type Body = BoxBody;
    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::Ok().json(self.0)
    }
}

/// `204`: done, nothing to tell.
#[derive(Debug)]
pub struct Done;

impl Responder for Done {
    type Body = BoxBody;
    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::NoContent().finish()
    }
}

/// `200` with a file to keep, under a name of ASCII letters, digits, dots and hyphens.
#[derive(Debug)]
pub struct Attachment {
    pub media: &'static str,
    pub name: String,
    pub bytes: Vec<u8>,
}

impl Responder for Attachment {
    type Body = BoxBody;
    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let disposition = format!("attachment; filename=\"{}\"", self.name);
        HttpResponse::Ok()
            .insert_header((header::CONTENT_TYPE, self.media))
            .insert_header((header::CONTENT_DISPOSITION, disposition))
            // Opened in a browser all the same, it runs nothing in the name of the service.
            .insert_header((header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"))
            .body(self.bytes)
    }
}

/// `200` with bytes of a media type.
#[derive(Debug)]
pub struct Media(pub &'static str, pub Vec<u8>);

impl Responder for Media {
    type Body = BoxBody;
    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::Ok().insert_header((header::CONTENT_TYPE, self.0)).body(self.1)
    }
}
