//! The answer that never arrives: a till that hangs up, a line that breaks after the commit. What the key finds is what happened, once.

use crate::support::{self, Answer, Books, Scene, debit, key};
use diesel::connection::SimpleConnection;
use serde_json::{Value, json};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A keyed request as it goes over the wire; the connection ends with its answer.
fn wire(scene: &Scene, path: &str, key: &str, body: &Value) -> Vec<u8> {
    let (token, body) = (scene.till.api.token.as_deref().unwrap(), body.to_string());
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: passplus\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nIdempotency-Key: {key}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    request.into_bytes()
}

fn address(scene: &Scene) -> SocketAddr {
    scene.till.api.base.strip_prefix("http://").unwrap().parse().unwrap()
}

/// A line that carries one request and swallows its answer. Gives back what the service said.
async fn broken_line(scene: &Scene) -> (SocketAddr, tokio::task::JoinHandle<Vec<u8>>) {
    let (listener, service) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), address(scene));
    let here = listener.local_addr().unwrap();
    let carrying = tokio::spawn(async move {
        let (mut till, _) = listener.accept().await.unwrap();
        let mut line = TcpStream::connect(service).await.unwrap();
        let (mut request, mut answer) = (vec![0; 16_384], vec![]);
        let length = till.read(&mut request).await.unwrap();
        line.write_all(&request[..length]).await.unwrap();
        line.read_to_end(&mut answer).await.unwrap();
        answer
    });
    (here, carrying)
}

async fn by_key(scene: &Scene, key: &str) -> Answer {
    scene.till.get(&format!("/v1/debits/by-key/{key}")).await
}

/// Debits and refunds whose answer is swallowed after the commit. The first promise found broken, if any.
async fn swallowed_answers(scene: &Scene) -> Result<(), String> {
    let mut balance = 6_000;
    for round in 0..6 {
        let (one, two) = (key(), key());
        let debit = debit(&scene.pupil.card_code, "culture", 500);
        let moved = cut(scene, "/v1/debits", &one, &debit).await?;
        let refunds = format!("/v1/departments/92/debits/{moved}/refunds");
        cut(scene, &refunds, &two, &json!({ "amount_cents": 100 + round })).await?;
        balance -= 400 - round;
        let books = Books::read(&scene.world);
        if books.balance(&scene.pupil.culture) != balance {
            return Err(format!("{} cents are left, not {balance}", books.balance(&scene.pupil.culture)));
        }
        books.prove()?;
    }
    Ok(())
}

/// One request whose answer is swallowed; found by its key, and sent again twice. Its movement.
async fn cut(scene: &Scene, path: &str, key: &str, body: &Value) -> Result<String, String> {
    let (line, carrying) = broken_line(scene).await;
    let mut till = TcpStream::connect(line).await.unwrap();
    till.write_all(&wire(scene, path, key, body)).await.unwrap();
    let mut nothing = vec![];
    till.read_to_end(&mut nothing).await.ok();
    assert!(nothing.is_empty(), "the answer was to be lost");
    let said = String::from_utf8(carrying.await.unwrap()).unwrap();
    assert!(said.starts_with("HTTP/1.1 201"), "{said}");
    let found = by_key(scene, key).await.expect(200).text("/operations/0/id");
    assert!(said.contains(&found), "{said}");
    for _ in 0..2 {
        let again = scene.till.post_keyed(path, key, body.clone()).await.expect(201);
        if again.text("/id") != found || !again.headers.contains_key("idempotency-replayed") {
            return Err(format!("key {key} moved {found}, sent again {}", again.text("/id")));
        }
    }
    Ok(found)
}

#[actix_web::test]
async fn an_answer_lost_after_the_commit_is_found_by_its_key() {
    let scene = Scene::set().await;
    assert_eq!(swallowed_answers(&scene).await, Ok(()));
}

#[actix_web::test]
async fn the_same_lines_find_out_keys_that_are_not_kept_with_their_movement() {
    let scene = Scene::set().await;
    let mut superuser = scene.world.superuser("92");
    let forgetful = [("begin\n    perform pg_advisory", "begin\n    return null;\n    perform pg_advisory")];
    support::sabotage(&mut superuser, "ledger_replay", &forgetful);
    superuser.batch_execute("drop index transfers_key_unique").unwrap();
    let found = swallowed_answers(&scene).await;
    assert!(found.as_ref().is_err_and(|flaw| flaw.contains("sent again")), "{found:?}");
    assert_eq!(Books::read(&scene.world).balance(&scene.pupil.culture), 5_000, "the till paid twice");
}

/// Whether the service saw the request before the till hung up is a matter of luck; what its key says later is not.
#[actix_web::test]
async fn a_till_that_hangs_up_at_once_pays_once() {
    let scene = Scene::set().await;
    let mut dice = fastrand::Rng::with_seed(92);
    for round in 1..=20_i64 {
        let (one, body) = (key(), debit(&scene.pupil.card_code, "culture", 100));
        let mut till = TcpStream::connect(address(&scene)).await.unwrap();
        till.write_all(&wire(&scene, "/v1/debits", &one, &body)).await.unwrap();
        tokio::time::sleep(Duration::from_micros(dice.u64(..8_000))).await;
        drop(till);
        // Sent again beside what may still be under way.
        let sent = scene.till.post_keyed("/v1/debits", &one, body.clone()).await.expect(201);
        let again = scene.till.post_keyed("/v1/debits", &one, body).await.expect(201);
        assert_eq!(again.headers["idempotency-replayed"], "true");
        assert_eq!(again.json, sent.json);
        assert_eq!(by_key(&scene, &one).await.expect(200).text("/operations/0/id"), sent.text("/id"));
        let books = Books::read(&scene.world);
        assert_eq!((books.balance(&scene.pupil.culture), books.prove()), (6_000 - 100 * round, Ok(())));
    }
}
