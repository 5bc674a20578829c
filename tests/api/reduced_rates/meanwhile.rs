//! An answer, right or wrong, that comes when its request is elsewhere already: it changes nothing, tells nobody anything, and leaves the way
//! on from there open. Every fault of every question in every state that a request may have reached meanwhile.

use super::{
    MARTIN, NOBODY, SEEN, Scene, ask, benefits_grid, body, decide,
    faults::{begin_anew, faults, goes_on, merged},
    inquiry, middle, okafor, request, requests, taxes,
};
use crate::support::Answer;
use passplus::{canteen::reduced_rates, fiscal::Administrations};
use serde_json::{Value, json};

/// What is asked, of whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// A tax notice.
    Notice,
    /// The token before it.
    Token,
    /// The CAF or the MSA.
    Quotient,
}

impl Asks {
    pub const fn path(self) -> &'static str {
        match self {
            Self::Notice => "/impotparticulier",
            Self::Token => "/token",
            Self::Quotient => "/v3",
        }
    }

    /// Where a fault leaves a request that is in progress, from what it does to one about a notice.
    pub fn left(self, left: &'static str) -> &'static str {
        match (self, left) {
            (Self::Token, _) | (Self::Quotient, "partial") => "in_progress",
            (_, "partial") => "document_needed",
            _ => left,
        }
    }

    /// What an agent reads instead: 800 € a month, 2.80 €.
    pub fn middle(self) -> Value {
        if self == Self::Quotient { json!({ "quotient_cents": 80_000, "note": SEEN }) } else { middle() }
    }

    /// A request under way; its id.
    pub async fn requested(self, scene: &Scene) -> String {
        let fields = if self == Self::Quotient { okafor() } else { taxes(&[MARTIN]) };
        scene.family.post(&requests(), body(&[&scene.child], fields)).await.expect(201).text("/id")
    }

    /// Asks what is due, with a new token where it is about the token.
    pub async fn ask(self, scene: &Scene) -> usize {
        if self == Self::Token {
            let administrations = Administrations::new(&scene.world.config).unwrap();
            return ask(&scene.world.app, &administrations).await;
        }
        scene.ask().await
    }

    /// Sends the request to an agent, whoever is asking.
    pub async fn send_on(self, scene: &Scene) {
        if self == Self::Quotient {
            // It stays unanswered too long.
            scene.execute("update canteen_rate_requests set requested_at = requested_at - interval '8 days'");
            assert_eq!(scene.world.repeat(reduced_rates::send_on_lost).await, 1);
        } else {
            // The process is lost, the family gives a wrong number again, and it is asked for elsewhere.
            lose(scene).await;
            let id = scene.value("select to_jsonb(id) from canteen_rate_requests");
            let fields = taxes(&[NOBODY]);
            scene.family.post(&inquiry(id.as_str().unwrap()), fields).await.expect(200);
            scene.execute(
                "update canteen_rate_requests set state = 'document_needed', inquiry_id = null, held_until = null, answer = 'not_found'",
            );
        }
    }
}

/// The lease of the question ends.
pub async fn lose(scene: &Scene) {
    scene.execute("update canteen_rate_requests set held_until = 'epoch'");
    assert_eq!(scene.world.repeat(reduced_rates::send_on_lost).await, 1);
}

pub async fn withdraw(scene: &Scene, id: &str) -> Answer {
    scene.family.post(&format!("{}/withdraw", request(id)), json!({})).await
}

/// The request's season ends.
fn end_season(scene: &Scene) {
    scene.execute(
        "update canteen_rate_requests set season = '2025-2026'; update canteen_rate_request_children set season = '2025-2026'",
    );
}

/// Everything that an answer could change, letters included.
fn everything(scene: &Scene) -> Value {
    scene.value(
        "select jsonb_build_object(
             'requests', (select jsonb_agg(to_jsonb(r)) from canteen_rate_requests r),
             'children', (select jsonb_agg(to_jsonb(c)) from canteen_rate_request_children c),
             'steps', (select jsonb_agg(to_jsonb(s) order by id) from canteen_rate_request_steps s),
             'means', (select count(*) from canteen_means), 'rates', (select jsonb_agg(id) from canteen_rates),
             'letters', (select count(*) from jobs))",
    )
}

/// Lets each question hang, moves its request to that state, and lets the answer come.
async fn answers_come_in(scene: &Scene, asks: Asks, state: &str) {
    let right = (json!({}), "decided");
    for (fault, _) in std::iter::once(right).chain(faults()) {
        begin_anew(scene);
        scene.authorities.fault(Value::Null);
        let id = asks.requested(scene).await;
        // An answer that is late is one that never comes.
        let is_late = fault.get("delay_ms").is_some();
        let mut held = if is_late { json!({ "path": asks.path() }) } else { merged(&fault, asks.path()) };
        held["held"] = json!(true);
        scene.authorities.fault(held);
        let moved = async {
            scene.authorities.held().await;
            match state {
                "withdrawn" => drop(withdraw(scene, &id).await.expect(200)),
                "decided" => drop(decide(&scene.worker, &id, asks.middle()).await.expect(200)),
                "number_needed" => lose(scene).await,
                "document_needed" => asks.send_on(scene).await,
                _ => {
                    end_season(scene);
                    assert_eq!(scene.world.repeat(reduced_rates::close_past).await, 1);
                }
            }
            let before = everything(scene);
            assert_eq!(before["requests"][0]["state"], state, "{fault}");
            assert!(scene.authorities.is_holding(), "{fault}: it is answered already");
            scene.authorities.fault(Value::Null);
            if !is_late {
                scene.authorities.release();
            }
            before
        };
        let (_, before) = tokio::join!(asks.ask(scene), moved);
        assert_eq!(everything(scene), before, "{fault} of {asks:?} in {state} changes something");
        assert_eq!(scene.value("select count(*) from authority_calls where outcome is null"), json!(0), "{fault}");
        assert_eq!(scene.paid(), if state == "decided" { json!(280) } else { Value::Null }, "{fault}");
        // Nobody is asked any more, however well the administration is again; and the family or an agent goes on.
        scene.forget_failures();
        scene.authorities.calls();
        assert_eq!(scene.ask().await, 0, "{fault}");
        assert!(scene.authorities.calls().is_empty(), "{fault}");
        match state {
            "number_needed" => {
                scene.family.post(&inquiry(&id), taxes(&[MARTIN])).await.expect(200);
                asks.ask(scene).await;
                goes_on(scene, &id, &fault, 64).await;
            }
            "document_needed" => {
                decide(&scene.worker, &id, asks.middle()).await.expect(200);
                assert_eq!(scene.paid(), json!(280), "{fault}");
            }
            _ => {
                let id = asks.requested(scene).await;
                asks.ask(scene).await;
                goes_on(scene, &id, &fault, 64).await;
            }
        }
    }
}

macro_rules! every_fault_meets {
    ($($name:ident: $state:literal, $asks:ident;)*) => { $(
        #[actix_web::test]
        async fn $name() {
            let scene = match Asks::$asks {
                Asks::Quotient => Scene::with(benefits_grid()).await,
                _ => Scene::start().await,
            };
            answers_come_in(&scene, Asks::$asks, $state).await;
        }
    )* };
}

every_fault_meets! {
    a_notice_for_a_request_withdrawn_meanwhile: "withdrawn", Notice;
    a_notice_for_a_request_decided_meanwhile: "decided", Notice;
    a_notice_for_a_request_whose_number_is_needed_again: "number_needed", Notice;
    a_notice_for_a_request_that_waits_for_a_document: "document_needed", Notice;
    a_notice_for_a_request_of_a_past_season: "expired", Notice;
    a_token_for_a_request_withdrawn_meanwhile: "withdrawn", Token;
    a_token_for_a_request_decided_meanwhile: "decided", Token;
    a_token_for_a_request_whose_number_is_needed_again: "number_needed", Token;
    a_token_for_a_request_that_waits_for_a_document: "document_needed", Token;
    a_token_for_a_request_of_a_past_season: "expired", Token;
    a_quotient_for_a_request_withdrawn_meanwhile: "withdrawn", Quotient;
    a_quotient_for_a_request_decided_meanwhile: "decided", Quotient;
    a_quotient_for_a_request_that_waits_for_a_document: "document_needed", Quotient;
    a_quotient_for_a_request_of_a_past_season: "expired", Quotient;
}

#[actix_web::test]
async fn an_answer_that_comes_when_the_season_has_just_ended_closes_the_request() {
    for (asks, grid) in [(Asks::Notice, crate::canteen::grid()), (Asks::Quotient, benefits_grid())] {
        let scene = Scene::with(grid).await;
        for fault in [json!({}), json!({ "status": 502 }), json!({ "status": 422 })] {
            begin_anew(&scene);
            scene.authorities.fault(Value::Null);
            let id = asks.requested(&scene).await;
            let mut held = merged(&fault, asks.path());
            held["held"] = json!(true);
            scene.authorities.fault(held);
            let ending = async {
                scene.authorities.held().await;
                end_season(&scene);
                scene.authorities.release();
            };
            tokio::join!(scene.ask(), ending);
            assert_eq!(scene.show(&id).await.text("/state"), "expired", "{fault}");
            assert_eq!(scene.value("select count(*) from canteen_means"), json!(0), "{fault}");
            assert_eq!(scene.world.repeat(reduced_rates::close_past).await, 0, "{fault}");
        }
    }
}
