//! A stand-in for the tax administration, with one household: the demonstration asks nobody in earnest.

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, dev::ServerHandle, http::Method, web};
use serde_json::json;
use std::net::TcpListener;

/// Where the published service has its resources, below its gateway.
const RESOURCES: &str = "/impotparticulier/1.0/spi/";
/// The household's number, of the form of a tax number.
pub const TAX_NUMBER: &str = "0070812345670";
/// The name on its notice.
pub const LAST_NAME: &str = "Lefèvre";
const TOKEN: &str = "demonstration";

/// Answers on a port of its own until it is stopped: its address, and what stops it.
pub fn start() -> anyhow::Result<(String, ServerHandle)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    let server = HttpServer::new(|| App::new().default_service(web::to(answer))).listen(listener)?;
    let server = server.workers(1).disable_signals().run();
    let handle = server.handle();
    tokio::spawn(server);
    Ok((url, handle))
}

/// As the contract of API Impôt Particulier says: a token for credentials, the assessment of a household, or an error with its code.
async fn answer(request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let asked = request.path().strip_prefix(RESOURCES);
    match (request.method(), asked.and_then(|rest| rest.split('/').next())) {
        (&Method::POST, None) if request.path() == "/token" => {
            let form = String::from_utf8_lossy(&body);
            let scope = form.split_once("scope=").map_or("", |(_, scope)| scope);
            HttpResponse::Ok()
                .json(json!({ "access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600, "scope": scope }))
        }
        (&Method::GET, Some(TAX_NUMBER)) => {
            HttpResponse::Ok().json(json!({ "rfr": 24_000, "nbPart": 2.5, "sitFam": "M", "nmNaiDec1": "LEFEVRE" }))
        }
        _ => HttpResponse::NotFound().json(json!({ "erreur": { "code": 4102, "message": "Usager inconnu" } })),
    }
}
