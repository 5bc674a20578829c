//! Whatever is sent, the service says what is wrong with it: a problem, never a failure of ours. The client of the harness holds every
//! answer to that: code, instance, headers, and no 500.

use crate::support::{Answer, Api, COLLEGE, PASSWORD, SEASON, Service, World};
use passplus::http::body::JSON_MAX_BYTES;
use reqwest::{Method, header::CONTENT_TYPE};
use serde_json::{Value, json};

const SIGN_UP: &str = "/v1/accounts";

async fn send(api: &Api, media: Option<&str>, body: impl Into<reqwest::Body>) -> Answer {
    let request = api.request(Method::POST, SIGN_UP).body(body);
    let request = if let Some(media) = media { request.header(CONTENT_TYPE, media) } else { request };
    api.send(request).await
}

/// Texts that broke somebody's system once.
fn hostile_texts() -> Vec<String> {
    let mut texts: Vec<String> = [
        "' or '1'='1",
        "'; drop table accounts; --",
        "$1 $$ %s %n %x {0} {{7*7}} ${jndi:ldap://x}",
        "\\u0000 \\x00 %00",
        "<script>alert(1)</script>",
        "../../etc/passwd",
        "👩‍👩‍👧‍👦🏴‍☠️",
        "שלום עולם",
        "مرحبا",
        "\u{202e}gnp.exe",
        "\u{200b}\u{feff}",
        "Z̸̧̛͓͉̈́̋a̵̢͌l̴̙̈́g̸̺̈o̷̠͆",
        "ﷺ",
        "NULL",
        "NaN",
        "-1",
        "1e999",
        "\r\nBcc: tous@example.fr",
        "a\u{0}b",
        "\u{0}",
        "\u{7f}\u{85}\u{9f}",
        "",
        " ",
        "\u{a0}",
        "\u{10ffff}",
    ]
    .map(str::to_owned)
    .to_vec();
    texts.push("é".repeat(10_000));
    texts.push("a@".repeat(200));
    texts.push(format!("{}@example.fr", "a".repeat(64)));
    texts
}

#[actix_web::test]
async fn a_body_that_cannot_be_read_is_told_apart_from_one_that_is_wrong() {
    let service = Service::start().await;
    let api = &service.api;
    let json_type = Some("application/json");
    let right = r#"{"email":"a@example.fr"}"#;
    let utf16: Vec<u8> = right.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let deep = format!("{}{}", r#"{"email":"#.repeat(5000), "}".repeat(5000));
    let deep_list = format!(r#"{{"email":{}1{}}}"#, "[".repeat(20_000), "]".repeat(20_000));
    let malformed: Vec<Vec<u8>> = vec![
        b"".to_vec(),
        b"{".to_vec(),
        b"nul".to_vec(),
        br#"{"email":"a@example.fr"} {}"#.to_vec(),
        br#"{"email":"a@example.fr",}"#.to_vec(),
        br"{'email':'a@example.fr'}".to_vec(),
        br#"{"email":"a@example.fr"#.to_vec(),
        br#"{"email":"\ud800"}"#.to_vec(),
        b"\xef\xbb\xbf{\"email\":\"a@example.fr\"}".to_vec(),
        b"{\"email\":\"caf\xe9@example.fr\"}".to_vec(),
        b"email=a%40example.fr".to_vec(),
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00".to_vec(),
        vec![0; 100],
        utf16,
    ];
    for body in malformed {
        let shown = String::from_utf8_lossy(&body).into_owned();
        let answer = send(api, json_type, body).await;
        assert_eq!((answer.status, answer.json["code"].as_str()), (400, Some("request.malformed")), "{shown}");
    }
    for body in [deep, deep_list] {
        let answer = send(api, json_type, body).await;
        assert!(matches!(answer.status, 400 | 422), "{}", answer.json);
    }

    for media in [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("application/problem+json")]
    {
        send(api, media, right).await.refused(415, "request.media_type");
    }
    send(api, Some("Application/JSON; charset=utf-8"), right).await.expect(202);

    let padded = |length: usize| format!("{}{right}", " ".repeat(length - right.len()));
    send(api, json_type, padded(JSON_MAX_BYTES)).await.expect(202);
    send(api, json_type, padded(JSON_MAX_BYTES + 1)).await.refused(413, "request.too_large");
    send(api, json_type, padded(8 * JSON_MAX_BYTES)).await.refused(413, "request.too_large");
    // A caller who may not write is not even read.
    let request = api.request(Method::POST, "/v1/departments/92/families").body(padded(8 * JSON_MAX_BYTES));
    api.send(request.header(CONTENT_TYPE, "application/json")).await.refused(401, "auth.required");
}

#[actix_web::test]
async fn every_wrong_field_is_named_by_its_pointer() {
    let service = Service::start().await;
    for (body, pointer) in [
        (r#"{"email":"a@example.fr","admin":true}"#, "/admin"),
        (r#"{"email":"a@example.fr","a/b~c":1}"#, "/a~1b~0c"),
        (r#"{"email":7}"#, "/email"),
        (r#"{"email":null}"#, "/email"),
        (r#"{"email":["a@example.fr"]}"#, "/email"),
        (r#"{"email":{"a":1}}"#, "/email"),
        (r#"{"email":"a"}"#, "/email"),
        (r#"{"email":"a\u0000@example.fr"}"#, "/email"),
        (r#"{"email":"a@example.fr","email":"b@example.fr"}"#, "/email"),
        ("{}", "/email"),
        ("[]", ""),
        ("7", ""),
        ("null", ""),
        (r#""a@example.fr""#, ""),
    ] {
        let refused = send(&service.api, Some("application/json"), body).await.refused(422, "request.invalid");
        assert_eq!(refused.text("/errors/0/pointer"), pointer, "{body}");
        let detail = refused.text("/errors/0/detail");
        assert!(!detail.contains("expected") && !detail.contains("line "), "said in French: {detail}");
    }
    assert!(service.letters_to("a@example.fr").await.is_empty(), "nothing of it was done");
}

#[actix_web::test]
async fn a_wrong_address_is_not_found_and_a_wrong_question_is_explained() {
    let world = World::start().await;
    let family = world.family("92").await;
    let admin = &world.administrator;
    for path in [
        "/v1/departments/92/families/not-a-uuid",
        "/v1/departments/92/families/%00",
        "/v1/departments/92/families/%FF%FE",
        "/v1/departments/92/families/' or 1=1",
        "/v1/departments/93/families/01890000-0000-7000-8000-000000000000",
        "/v1/departments/999/families/01890000-0000-7000-8000-000000000000",
        "/v1/departments/%00/families/01890000-0000-7000-8000-000000000000",
        "/v1/departments/92/families/01890000-0000-7000-8000-000000000000",
        "/v1/departments/92/families/01890000-0000-7000-8000-000000000000/",
        "/v1/departments//92/families",
        "/v1/../etc/passwd",
        "/v1/colleges/0920001A",
        "/v1/colleges/%00",
        "/V1/me",
        "/",
        "/.env",
    ] {
        family.get(path).await.refused(404, "not_found");
    }
    family.get(&format!("/v1/{}", "a".repeat(8000))).await.refused(404, "not_found");

    for (api, list) in [
        (&admin.api, "/v1/departments/92/staff"),
        (&admin.api, "/v1/departments/92/journal"),
        (&family.api, "/v1/colleges"),
    ] {
        for query in [
            "limit=0",
            "limit=101",
            "limit=-1",
            "limit=x",
            "limit=",
            "limit=99999999999999999999",
            "limit=1.5",
            "cursor=",
            "cursor=*",
            "cursor=AAAA",
            "cursor=%00",
            "cursor=%FF",
            "limit=1&limit=2",
            "page=2",
        ] {
            let refused = api.get(&format!("{list}?{query}")).await;
            assert_eq!((refused.status, refused.json["code"].as_str()), (400, Some("request.query")), "{list}?{query}");
        }
        for query in ["limit=1", "limit=100", ""] {
            api.get(&format!("{list}?{query}")).await.expect(200);
        }
    }
    for query in ["name=a%00b", "name=%00%00", "name=a", "department=%00", "department=1000"] {
        family.get(&format!("/v1/colleges?{query}")).await.refused(400, "request.query");
    }
}

#[actix_web::test]
async fn head_answers_like_get_without_a_body_and_options_name_the_methods() {
    let service = Service::start().await;
    let api = service.sign_up("tete@example.fr").await;
    for (path, status) in [
        ("/health/live", 200),
        ("/health/ready", 200),
        ("/v1/me", 200),
        ("/openapi.json", 200),
        ("/v1/nothing", 404),
        ("/v1/accounts", 405),
    ] {
        let got = api.get(path).await.expect(status);
        let head = api.send(api.request(Method::HEAD, path)).await.expect(status);
        assert!(head.bytes.is_empty(), "{path}");
        assert_eq!(head.headers.get("content-type"), got.headers.get("content-type"), "{path}");
        assert_eq!(head.headers.get("content-length"), got.headers.get("content-length"), "{path}");
    }
    service.api.send(service.api.request(Method::HEAD, "/v1/me")).await.expect(401);
    for (method, path, allow) in [
        (Method::OPTIONS, "/v1/sessions", "POST, DELETE"),
        (Method::TRACE, "/v1/accounts", "POST"),
        (Method::PUT, "/v1/me", "GET"),
        (Method::from_bytes(b"PROPFIND").unwrap(), "/v1/me", "GET"),
    ] {
        let refused = api.send(api.request(method, path)).await.refused(405, "method_not_allowed");
        assert_eq!(refused.headers["allow"], allow);
    }
}

#[actix_web::test]
async fn only_the_configured_web_site_may_call_from_a_browser() {
    let service = Service::start().await;
    let ask = async |origin: &str, method: &str, headers: &str| {
        let request = service.api.request(Method::OPTIONS, "/v1/sessions").header("origin", origin);
        let request = request.header("access-control-request-method", method);
        service.api.send(request.header("access-control-request-headers", headers)).await
    };
    let ours = "https://familles.example";
    let allowed = ask(ours, "POST", "content-type, authorization, idempotency-key").await.expect(200);
    assert_eq!(allowed.headers["access-control-allow-origin"], ours);
    let methods = allowed.headers["access-control-allow-methods"].to_str().unwrap();
    assert!(["GET", "POST", "PUT", "PATCH", "DELETE"].iter().all(|method| methods.contains(method)), "{methods}");
    assert!(!allowed.headers.contains_key("access-control-allow-credentials"), "no cookie is ever used");
    for (origin, method, headers) in [
        ("https://voleur.example", "POST", "content-type"),
        ("https://familles.example.voleur.example", "POST", "content-type"),
        ("http://familles.example", "POST", "content-type"),
        ("null", "POST", "content-type"),
        (ours, "TRACE", "content-type"),
        (ours, "POST", "x-other"),
    ] {
        let refused = ask(origin, method, headers).await.expect(400);
        assert!(!refused.headers.contains_key("access-control-allow-origin"), "{origin} {method} {headers}");
    }

    // The browser hides an answer from a page that is not named in it, errors too must name ours.
    let call = async |origin: &str| {
        let request = service.api.request(Method::POST, SIGN_UP).header("origin", origin).json(&json!({}));
        service.api.send(request).await.expect(422)
    };
    let answered = call(ours).await;
    assert_eq!(answered.headers["access-control-allow-origin"], ours);
    let exposed = answered.headers["access-control-expose-headers"].to_str().unwrap();
    assert!(
        ["x-request-id", "retry-after", "idempotency-replayed"].iter().all(|name| exposed.contains(name)),
        "{exposed}"
    );
    assert!(!call("https://voleur.example").await.headers.contains_key("access-control-allow-origin"));
}

#[actix_web::test]
async fn hostile_texts_are_kept_or_refused_and_break_nothing() {
    let world = World::start().await;
    let family = world.family("92").await;
    let children = family.path(&format!("families/{}/children", family.id));
    let child = family.add_child("Lou", "2015-03-14").await;
    let enrolments = family.path(&format!("children/{child}/enrolments"));
    let file = json!({ "first_names": "Camille", "last_name": "Martin", "phone": "0612345678",
        "postal_address": "12 rue des Écoles, 92000 Nanterre" });
    let kid = json!({ "first_names": "Noé", "last_name": "Martin", "birth_date": "2014-03-14", "residence": "92" });
    let request = json!({ "season": SEASON, "college_uai": COLLEGE, "level": "6e", "formula": "culture",
        "declares_scholarship": false });
    let guardian = json!({ "first_names": "Alix", "last_name": "Petit", "email": "alix@example.fr", "rights": "full" });
    let forms = [
        (&world.api, SIGN_UP.to_owned(), json!({ "email": "a@example.fr" })),
        (&world.api, "/v1/password-resets".to_owned(), json!({ "email": "a@example.fr" })),
        (&world.api, "/v1/accounts/confirm".to_owned(), json!({ "token": "x", "password": PASSWORD })),
        (&world.api, "/v1/sessions".to_owned(), json!({ "email": "a@b.fr", "password": "x", "second_factor": "1" })),
        (&world.api, "/v1/sessions/refresh".to_owned(), json!({ "refresh_token": "x" })),
        (&family.api, family.path("families"), file),
        (&family.api, children, kid),
        (&family.api, family.path(&format!("families/{}/guardians", family.id)), guardian),
        (&family.api, enrolments, request),
    ];
    let mut refused = 0;
    for (api, path, form) in forms {
        for field in form.as_object().unwrap().keys() {
            for text in hostile_texts() {
                let mut body = form.clone();
                body[field] = Value::String(text.clone());
                let answer = api.post(&path, body).await;
                assert!(answer.status < 500, "{path} {field} {text:?}: {}", answer.json);
                assert_ne!(answer.status, 400, "{path} {field} {text:?} is JSON: {}", answer.json);
                refused += usize::from(answer.status >= 400);
            }
        }
    }
    assert!(refused > 500, "{refused}");
    world.api.get("/health/ready").await.expect(200);
    world.sign_up("apres@example.fr").await;
}
