//! The description that is made of the list of endpoints, and what is answered where the list has nothing.

use super::Endpoints;
use crate::{
    error::{Error, Refusal},
    http::observe::Visitor,
};
use actix_web::{HttpRequest, HttpResponse, dev::ResourceDef, get, http::header, web};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        Components,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

/// The description of every endpoint (OpenAPI 3.1).
pub fn document() -> utoipa::openapi::OpenApi {
    Endpoints::openapi()
}

/// The description as the repository keeps it.
pub fn document_yaml() -> Result<String, Error> {
    document().to_yaml().map_err(Error::internal)
}

/// The same description as YAML, for generators of clients.
#[get("/openapi.yaml")]
pub async fn serve_description(_visitor: Visitor) -> Result<HttpResponse, Error> {
    Ok(HttpResponse::Ok().content_type("application/yaml").body(document_yaml()?))
}

pub struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        document
            .components
            .get_or_insert_with(Components::new)
            .add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// Which methods each path takes: what an unmatched request is answered from.
pub struct Description(Vec<(ResourceDef, Vec<&'static str>)>);

impl Description {
    #[must_use]
    pub fn new() -> Self {
        let document = document();
        let methods = |item: &utoipa::openapi::PathItem| {
            let all = [
                ("GET", item.get.is_some()),
                ("POST", item.post.is_some()),
                ("PUT", item.put.is_some()),
                ("PATCH", item.patch.is_some()),
                ("DELETE", item.delete.is_some()),
            ];
            all.into_iter().filter(|(_, present)| *present).map(|(name, _)| name).collect()
        };
        let paths = document.paths.paths.iter();
        Self(paths.map(|(path, item)| (ResourceDef::new(path.as_str()), methods(item))).collect())
    }
}

impl Default for Description {
    fn default() -> Self {
        Self::new()
    }
}

/// 405 with `Allow` where the path exists for another method, 404 where it does not.
pub async fn no_such_route(request: HttpRequest, description: web::Data<Description>) -> Result<HttpResponse, Error> {
    let allowed: Vec<&str> = description
        .0
        .iter()
        .filter(|(path, _)| path.is_match(request.path()))
        .flat_map(|(_, methods)| methods.clone())
        .collect();
    if allowed.is_empty() {
        return Err(Refusal::NotFound.into());
    }
    Ok(HttpResponse::MethodNotAllowed().insert_header((header::ALLOW, allowed.join(", "))).finish())
}
