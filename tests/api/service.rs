//! The service itself: health, description, unknown addresses, the page for developers.

use crate::support::Service;
use serde_json::Value;

#[actix_web::test]
async fn it_says_that_it_lives_and_is_ready() {
    let service = Service::start().await;
    service.api.get("/health/live").await.expect(200);
    service.api.get("/health/ready").await.expect(200);
}

#[actix_web::test]
async fn an_unknown_address_is_a_problem_and_a_wrong_method_names_the_right_ones() {
    let service = Service::start().await;
    service.api.get("/v1/nothing").await.refused(404, "not_found");
    let answer = service.api.delete("/v1/accounts").await.refused(405, "method_not_allowed");
    assert_eq!(answer.headers.get("allow").and_then(|value| value.to_str().ok()), Some("POST"));
}

#[actix_web::test]
async fn the_description_is_served_as_json_and_as_the_yaml_of_the_repository() {
    let service = Service::start().await;
    let json = service.api.get("/openapi.json").await.expect(200);
    assert!(json.text("/openapi").starts_with("3.1."), "{}", json.text("/openapi"));
    assert_eq!(json.headers["content-type"], "application/json");
    let yaml = service.api.get("/openapi.yaml").await.expect(200);
    assert_eq!(yaml.headers["content-type"], "application/yaml");
    assert_eq!(String::from_utf8(yaml.bytes).unwrap(), passplus::http::openapi::document_yaml().unwrap());
    assert_eq!(json.json, serde_json::to_value(passplus::http::openapi::document()).unwrap());
    // Whoever reads it finds every refusal of a path described by the same schema.
    let described: Vec<&Value> = json.at("/paths").as_object().unwrap().values().collect();
    assert!(described.len() > 50, "{}", described.len());
}

#[actix_web::test]
async fn the_page_for_developers_asks_nothing_of_other_sites() {
    let service = Service::start().await;
    let page = service.api.get("/docs/").await.expect(200);
    let html = String::from_utf8(page.bytes).unwrap();
    let assets: Vec<&str> = html
        .split(&['<', '>'])
        .filter(|tag| tag.starts_with("script") || tag.starts_with("link"))
        .flat_map(|tag| tag.split(' '))
        .filter_map(|attribute| attribute.strip_prefix("src=").or(attribute.strip_prefix("href=")))
        .map(|address| address.trim_matches(&['"', '/'][..]))
        .collect();
    assert!(assets.len() >= 4, "{html}");
    let mut initialiser = String::new();
    for asset in assets {
        assert!(!asset.contains("//"), "{asset} comes from elsewhere");
        let served = service.api.get(&format!("/docs/{}", asset.trim_start_matches("./"))).await.expect(200);
        assert!(!served.bytes.is_empty(), "{asset}");
        let text = String::from_utf8_lossy(&served.bytes).into_owned();
        assert!(!text.contains("url(http"), "{asset} loads from elsewhere");
        if asset.ends_with("initializer.js") {
            initialiser = text;
        }
    }
    // The configuration: our description, and no validator that would be sent its address.
    assert!(initialiser.contains("/openapi.json") && !initialiser.contains("://"), "{initialiser}");
    let compact: String = initialiser.split_whitespace().collect();
    assert!(compact.contains(r#""validatorUrl":"none""#), "{initialiser}");
}
