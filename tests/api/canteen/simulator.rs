//! The public simulator: the same prices as everywhere, told to anybody, kept nowhere.

use super::{at, changed, grid, offer, publish};
use crate::support::{Answer, World, told};
use actix_web::{
    App as ActixApp,
    middleware::from_fn,
    test::{TestRequest, call_service, init_service},
    web,
};
use diesel::{Connection, PgConnection};
use passplus::{
    auth::actor::authenticate,
    http::{observe::observe, openapi},
    migrate::Schema,
};
use serde_json::{Value, json};
use std::{
    io::Write,
    sync::{Arc, Mutex},
};

async fn ask(world: &World, changes: Value) -> Answer {
    world.api.post(&at("price-simulations"), question(changes)).await
}

/// A pupil on four days a week, with these values.
fn question(changes: Value) -> Value {
    let mut body = json!({ "diner": "pupil", "days_a_week": 4 });
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn tax(households: &[(u32, f64)]) -> Value {
    let household = |(rfr, parts): &(u32, f64)| json!({ "rfr_euros": rfr, "parts": parts });
    json!({ "kind": "tax", "households": households.iter().map(household).collect::<Vec<_>>() })
}

#[actix_web::test]
async fn anybody_learns_what_a_meal_costs_and_why() {
    let world = World::start().await;
    let second = world.agent("92", "administrator").await;
    offer(&world).await;
    ask(&world, json!({})).await.refused(404, "tariff.none");
    let id = publish(&world, &second, grid()).await;
    let told = ask(&world, json!({ "means": tax(&[(24_000, 2.5)]) })).await.expect(200);
    assert_eq!((told.number("/cents"), told.number("/meal_cents"), told.text("/unit")), (280, 280, "meal".into()));
    assert_eq!(told.at("/grid"), &json!({ "id": id, "version": 1 }));
    assert_eq!(
        told.at("/steps/0/applied"),
        &json!({ "rule": "tax_figures", "households": [{ "rfr_euros": 24_000, "parts": 2.5 }] })
    );
    assert_eq!(
        told.at("/steps/1"),
        &json!({
            "applied": { "rule": "quotient_rate", "quotient_cents": 80_000, "rate": "0.0035" },
            "result_euros": "2.8",
            "sentence": "Prix du repas : 0,0035 × 800,00 € = 2,80 €.",
        })
    );
    for (changes, cents) in [
        (json!({}), 700),
        (json!({ "means": { "kind": "unknown", "because": "partial" } }), 700),
        (json!({ "means": { "kind": "pay_index", "pay_index": 400 } }), 700),
        (json!({ "means": tax(&[(24_000, 2.5), (12_000, 1.5)]) }), 263),
        (json!({ "means": tax(&[(0, 1.0)]) }), 64),
        (json!({ "statuses": ["rsa"] }), 40),
        (json!({ "own_meal": true }), 100),
        (json!({ "walk_in": true, "days_a_week": null, "means": tax(&[(0, 1.0)]) }), 700),
    ] {
        assert_eq!(ask(&world, changes.clone()).await.expect(200).number("/cents"), cents, "{changes}");
    }
    // What the CAF computes is another figure than the one of this tariff.
    let quotient = json!({ "means": { "kind": "quotient", "quotient_cents": 71_000 } });
    let refused = ask(&world, quotient).await.refused(422, "request.invalid");
    assert_eq!(refused.pointers(), ["/means/kind"]);
    ask(&world, json!({ "day": "2026-08-31" })).await.refused(404, "tariff.none");
    ask(&world, json!({ "diner": "guest" })).await.refused(404, "tariff.none");
    // The other department has no canteen.
    let elsewhere = "/v1/departments/78/canteen/price-simulations";
    world.api.post(elsewhere, question(json!({}))).await.refused(409, "canteen.not_offered");
    world.api.post("/v1/departments/35/canteen/price-simulations", question(json!({}))).await.refused(404, "not_found");
}

#[actix_web::test]
async fn a_tariff_by_the_quotient_of_the_caf_reads_no_tax_notice() {
    let world = World::start().await;
    let second = world.agent("92", "administrator").await;
    offer(&world).await;
    publish(&world, &second, changed(json!({ "quotient_from": "family_benefits" }))).await;
    let quotient = json!({ "means": { "kind": "quotient", "quotient_cents": 71_000 } });
    assert_eq!(ask(&world, quotient).await.expect(200).number("/cents"), 249);
    assert_eq!(ask(&world, json!({})).await.expect(200).number("/cents"), 700);
    let refused = ask(&world, json!({ "means": tax(&[(24_000, 2.5)]) })).await.refused(422, "request.invalid");
    assert_eq!(refused.pointers(), ["/means/kind"]);
}

#[actix_web::test]
async fn a_forfait_is_told_for_the_year() {
    let world = World::start().await;
    let second = world.agent("92", "administrator").await;
    offer(&world).await;
    let line = |days: u16| json!({ "days_a_week": days, "days_a_year": 36 * days });
    publish(&world, &second, changed(json!({ "forfait": (1..=5).map(line).collect::<Vec<_>>() }))).await;
    let means = tax(&[(24_000, 2.5)]);
    for days in 1..=5 {
        let told = ask(&world, json!({ "means": means, "days_a_week": days })).await.expect(200);
        assert_eq!((told.number("/cents"), told.text("/unit")), (36 * days * 280, "year".into()));
    }
}

#[actix_web::test]
async fn what_is_not_a_figure_is_never_taken_for_zero() {
    let world = World::start().await;
    let second = world.agent("92", "administrator").await;
    offer(&world).await;
    publish(&world, &second, grid()).await;
    let household = |rfr: Value, parts: Value| json!({ "means": { "kind": "tax", "households": [{ "rfr_euros": rfr, "parts": parts }] } });
    for (changes, pointer) in [
        (household(json!(null), json!(1)), "/means/households/0/rfr_euros"),
        (household(json!(-1), json!(1)), "/means/households/0/rfr_euros"),
        (household(json!("24000"), json!(1)), "/means/households/0/rfr_euros"),
        (household(json!(24_000.5), json!(1)), "/means/households/0/rfr_euros"),
        (household(json!(24_000), json!(0)), "/means/households/0/parts"),
        (household(json!(24_000), json!(2.3)), "/means/households/0/parts"),
        (household(json!(24_000), json!(null)), "/means/households/0/parts"),
        (json!({ "means": { "kind": "tax" } }), "/means/households"),
        (json!({ "means": { "kind": "tax", "households": [] } }), "/means/households"),
        (json!({ "means": { "kind": "tax", "households": [{ "parts": 1 }] } }), "/means/households/0/rfr_euros"),
        (
            json!({ "means": { "kind": "tax", "households": [{ "rfr_euros": 1, "parts": 1, "part": 1 }] } }),
            "/means/households/0/part",
        ),
        (json!({ "means": tax(&[(1, 1.0); 5]) }), "/means/households"),
        (json!({ "means": { "kind": "quotient", "quotient_cents": -1 } }), "/means/quotient_cents"),
        (json!({ "means": { "kind": "quotient", "quotient_cents": null } }), "/means/quotient_cents"),
        (json!({ "means": { "kind": "quotient", "quotient_cents": 1, "pay_index": 1 } }), "/means/pay_index"),
        (json!({ "means": { "kind": "pay_index", "pay_index": -1 } }), "/means/pay_index"),
        (json!({ "means": { "kind": "unknown", "because": "lost" } }), "/means/because"),
        (json!({ "means": { "kind": "unknown" } }), "/means/because"),
        (json!({ "means": { "kind": "rich" } }), "/means/kind"),
        (json!({ "means": { "quotient_cents": 1 } }), "/means/kind"),
        (json!({ "means": { "kind": "tax", "income": 1 } }), "/means/income"),
        (json!({ "means": 24_000 }), "/means"),
        (json!({ "days_a_week": null }), "/days_a_week"),
        (json!({ "days_a_week": 6 }), "/days_a_week"),
        (json!({ "statuses": vec!["rsa"; 21] }), "/statuses"),
        (json!({ "statuses": ["rsa", "autre"] }), "/statuses/1"),
        (json!({ "diner": "teacher" }), "/diner"),
        (json!({ "day": "demain" }), "/day"),
        (json!({ "tax_number": "1234567890123" }), "/tax_number"),
    ] {
        let refused = ask(&world, changes.clone()).await.refused(422, "request.invalid");
        assert_eq!(refused.pointers(), [pointer], "{changes}");
        assert!(!refused.json.to_string().contains("24000") && !refused.json.to_string().contains("1234567890123"));
    }
}

/// What a subscriber would write.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[actix_web::test]
async fn nothing_of_a_simulation_is_kept_or_logged() {
    let world = World::start().await;
    let second = world.agent("92", "administrator").await;
    offer(&world).await;
    publish(&world, &second, grid()).await;
    let rows = || {
        let places =
            [Schema::Directory, Schema::Department("92".parse().unwrap()), Schema::Department("78".parse().unwrap())];
        places.map(|schema| crate::coverage::dump(&mut PgConnection::establish(&world.superuser_url(schema)).unwrap()))
    };
    let before = rows();
    assert!(before[1].len() > 10, "{} rows only", before[1].len());
    // In this thread, so that everything the request says is heard.
    let service = ActixApp::new()
        .app_data(web::Data::new(world.app.clone()))
        .app_data(web::Data::new(openapi::Description::new()))
        .configure(openapi::configure)
        .wrap(from_fn(authenticate))
        .wrap(from_fn(observe));
    let service = init_service(service).await;
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone());
    let guard = tracing::subscriber::set_default(subscriber.finish());
    let mut answers = vec![];
    for changes in [
        json!({ "means": tax(&[(24_681, 7.25)]) }),
        json!({ "means": { "kind": "quotient", "quotient_cents": 86_427 } }),
        json!({ "means": { "kind": "pay_index", "pay_index": 97_531 } }),
        json!({ "means": { "kind": "tax", "households": [{ "rfr_euros": 24_681, "parts": 7.33 }] } }),
        json!({ "statuses": ["rsa"] }),
        json!({ "statuses": ["canari"] }),
    ] {
        let request = TestRequest::post().uri(&at("price-simulations")).set_json(question(changes));
        answers.push(call_service(&service, request.to_request()).await.status().as_u16());
    }
    drop(guard);
    assert_eq!(answers, [200, 422, 200, 422, 200, 422]);
    let lines = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(lines.contains("answered") && lines.contains("price-simulations"), "{lines}");
    for canary in ["24681", "7.25", "86427", "97531", "7.33", "canari", "28369"] {
        assert_eq!(told(&lines, canary), None, "{canary} is logged");
    }
    assert_eq!(before, rows(), "a simulation leaves something behind");
}
