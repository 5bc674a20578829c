//! The service itself: health, description, unknown addresses, headers.

use crate::support::Service;

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
