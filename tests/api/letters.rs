//! Letters: by SMTP, after the commit, again until they are gone.

use crate::support::Service;
use chrono::TimeDelta;
use diesel::{Connection, PgConnection, RunQueryDsl, connection::SimpleConnection};
use passplus::{mail::Mailer, migrate::Schema, worker};
use serde_json::json;
use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    sync::mpsc,
};

/// A mail server that takes `count` letters and hands over what it read.
fn smtp_server(count: usize) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    let (sender, letters) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().take(count) {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut letter, mut in_data) = (String::new(), false);
            stream.write_all(b"220 mail\r\n").unwrap();
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap() == 0 {
                    break;
                }
                letter.push_str(&line);
                let answer: &[u8] = match line.as_str() {
                    ".\r\n" => {
                        in_data = false;
                        b"250 taken\r\n"
                    }
                    _ if in_data => continue,
                    "DATA\r\n" => {
                        in_data = true;
                        b"354 go on\r\n"
                    }
                    "QUIT\r\n" => b"221 bye\r\n",
                    _ => b"250 mail\r\n",
                };
                stream.write_all(answer).unwrap();
                if answer.starts_with(b"250 taken") {
                    break;
                }
            }
            sender.send(letter).unwrap();
        }
    });
    (url, letters)
}

const FROM: &str = "Pass+ <ne-pas-repondre@passplus.example>";

#[actix_web::test]
async fn a_letter_waits_for_the_mail_server_and_goes_once() {
    let service = Service::start().await;
    let db = &service.app.db;
    service.api.post("/v1/accounts", json!({ "email": "camille@example.fr" })).await.expect(202);

    // Nobody listens there: the letter stays, and is not tried again at once.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nowhere = Mailer::smtp(&format!("smtp://{closed}"), FROM).unwrap();
    assert_eq!(worker::work_off(db, &nowhere).await, 1);
    let (url, letters) = smtp_server(1);
    let mailer = Mailer::smtp(&url, FROM).unwrap();
    assert_eq!(worker::work_off(db, &mailer).await, 0);

    service.advance(TimeDelta::minutes(2));
    assert_eq!(worker::work_off(db, &mailer).await, 1);
    let letter = letters.recv_timeout(std::time::Duration::from_secs(5)).unwrap();
    assert!(
        letter.contains("RCPT TO:<camille@example.fr>")
            && letter.contains("MAIL FROM:<ne-pas-repondre@passplus.example>")
    );

    service.advance(TimeDelta::days(1));
    assert_eq!(worker::work_off(db, &mailer).await, 0, "a letter that went is forgotten");
}

#[actix_web::test]
async fn two_workers_never_send_the_same_letter() {
    let service = Service::start().await;
    for name in ["a", "b", "c", "d", "e", "f"] {
        service.api.post("/v1/accounts", json!({ "email": format!("{name}@example.fr") })).await.expect(202);
    }
    let mailer = Mailer::folder(service.letters.clone()).unwrap();
    let worker = async || {
        let mut taken = 0;
        loop {
            match worker::work_off(&service.app.db, &mailer).await {
                0 => break taken,
                jobs => taken += jobs,
            }
        }
    };
    let (one, other) = tokio::join!(worker(), worker());
    assert_eq!(one + other, 6);
    assert_eq!(std::fs::read_dir(&service.letters).unwrap().count(), 6);
}

#[actix_web::test]
async fn a_job_that_does_not_open_holds_up_no_other_and_is_given_up_in_the_end() {
    let service = Service::start().await;
    let mut directory = PgConnection::establish(&service.superuser_url(Schema::Directory)).unwrap();
    directory
        .batch_execute(
            "insert into jobs (id, kind, payload, created_at, run_at)
             values (gen_random_uuid(), 'mail', '{\"sealed\": \"AAAA\"}', '2020-01-01', '2020-01-01')",
        )
        .unwrap();
    service.api.post("/v1/accounts", json!({ "email": "camille@example.fr" })).await.expect(202);
    assert_eq!(service.letters_to("camille@example.fr").await.len(), 1);

    let mut left = || -> i64 {
        let count = diesel::sql_query("select count(*) as count from jobs");
        count.get_result::<Count>(&mut directory).unwrap().count
    };
    assert_eq!(left(), 1);
    for _ in 0..20 {
        service.advance(TimeDelta::hours(7));
        service.work_off().await;
    }
    assert_eq!(left(), 0);
}

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}
