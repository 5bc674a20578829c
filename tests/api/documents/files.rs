//! What is taken, how it lies, who reads it, and what is refused.

use super::{desk, file, files_at_rest, has, inspect, jpeg, listed, pdf, pdf_with, send, send_as};
use crate::support::Family;
use diesel::{RunQueryDsl, connection::SimpleConnection};
use flate2::{Compression, write::ZlibEncoder};
use image::{ImageFormat, RgbImage};
use passplus::{
    admin,
    app::App,
    documents,
    kernel::{actor::Caller, crypto::MasterKey},
};
use reqwest::Method;
use serde_json::json;
use std::io::Write as _;

fn packed(plain: &[u8]) -> Vec<u8> {
    let mut packer = ZlibEncoder::new(vec![], Compression::best());
    packer.write_all(plain).unwrap();
    packer.finish().unwrap()
}

fn stream(dictionary: &str, data: &[u8]) -> Vec<u8> {
    [format!("<<{dictionary}/Length {}>>stream\n", data.len()).as_bytes(), data, b"\nendstream"].concat()
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut file = std::io::Cursor::new(vec![]);
    RgbImage::new(width, height).write_to(&mut file, ImageFormat::Png).unwrap();
    file.into_inner()
}

#[actix_web::test]
async fn each_kind_of_file_lies_sealed_and_comes_back_to_its_sender() {
    let (world, family, child, _) = desk().await;
    let page = pdf();
    let mut ids = vec![];
    for (media, sent, kept) in [
        ("application/pdf", page.clone(), "application/pdf"),
        ("image/jpeg", [jpeg(900, 1_200), b"PK\x03\x04<script>".to_vec()].concat(), "image/jpeg"),
        ("image/png", png(400, 500), "image/jpeg"),
    ] {
        let answer = send_as(&family, &child, "proof_of_address", media, sent.clone()).await.expect(201);
        assert_eq!((answer.text("/state"), answer.text("/media")), ("received".to_owned(), kept.to_owned()));
        assert_eq!(answer.text("/title"), "Justificatif de domicile");
        let id = answer.text("/id");
        let read = file(&family, &family, &id).await.expect(200);
        assert_eq!(read.headers["content-type"], kept);
        assert_eq!(read.headers["content-security-policy"], "sandbox; default-src 'none'");
        let disposition = read.headers["content-disposition"].to_str().unwrap().to_owned();
        assert!(disposition.starts_with(&format!("attachment; filename=\"proof-of-address-{id}.")), "{disposition}");
        assert_eq!(i64::try_from(read.bytes.len()).unwrap(), answer.number("/bytes"));
        assert!(!has(&read.bytes, b"<script>") && (kept != media || kept == "image/jpeg" || read.bytes == sent));
        ids.push(id);
    }
    let at_rest = files_at_rest(&world);
    assert_eq!(at_rest.len(), 3);
    for sealed in &at_rest {
        for sign in [b"%PDF-".as_slice(), b"endobj", b"JFIF", &page[100..132], &page[page.len() - 40..]] {
            assert!(!has(sealed, sign));
        }
    }
    let rows = listed(&family, &child).await;
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[0]["id"], json!(ids[2]), "newest first");

    // What comes back is the row's own: a file put in another's place does not open.
    let mut intruder = world.superuser("92");
    let swap = format!(
        "update document_files a set file_sealed = b.file_sealed, key_sealed = b.key_sealed from document_files b
          where a.document_id = '{}' and b.document_id = '{}'",
        ids[0], ids[1]
    );
    assert_eq!(diesel::sql_query(swap).execute(&mut intruder).unwrap(), 1);
    let withdraw = |id: &str| family.path(&format!("documents/{id}"));
    for id in &ids {
        family.delete(&withdraw(id)).await.expect(204);
        file(&family, &family, id).await.refused(404, "not_found");
    }
    assert!(files_at_rest(&world).is_empty());
    family.delete(&withdraw(&ids[0])).await.refused(409, "document.transition");
    let rows = listed(&family, &child).await;
    assert!(rows.iter().all(|row| row["state"] == "deleted" && row["deletion_reason"] == "withdrawn"));
    assert!(rows.iter().all(|row| row["closed_at"].is_string() && row["explanation"].is_string()));
}

#[actix_web::test]
async fn what_is_no_plain_document_is_refused_with_its_reason() {
    let (world, family, child, _) = desk().await;
    let whole = pdf();
    let bomb = stream("/Type/XObject/Filter/FlateDecode", &packed(&vec![0; 140 * 1024 * 1024]));
    let objects = |plain: &str| stream("/Type/ObjStm/N 1/First 5/Filter/FlateDecode", &packed(plain.as_bytes()));
    let script = "91 0 <</S/JavaScript/JS(app.alert(1))>>";
    for (media, sent, reason) in [
        ("application/pdf", pdf_with(b"<</S/JavaScript/JS(app.alert(1))>>"), "programme"),
        ("application/pdf", pdf_with(b"<</S/#4a#61vaScript/#4aS(app.alert(1))>>"), "programme"),
        ("application/pdf", pdf_with(&objects(script)), "programme"),
        ("application/pdf", pdf_with(b"<</OpenAction<</S/Launch/F(calc.exe)>>>>"), "programme"),
        ("application/pdf", pdf_with(b"<</AA<</O 7 0 R>>>>"), "programme"),
        ("application/pdf", pdf_with(b"<</Names<</EmbeddedFiles 7 0 R>>>>"), "programme"),
        ("application/pdf", pdf_with(b"<</XFA 7 0 R>>"), "programme"),
        ("application/pdf", pdf_with(b"<</Encrypt 7 0 R>>"), "protégé"),
        ("application/pdf", pdf_with(&bomb), "inhabituelle"),
        ("application/pdf", pdf_with(&objects(&" ".repeat(9 * 1024 * 1024))), "inhabituelle"),
        ("application/pdf", pdf_with(format!("[{}]", "<</Type/Page>>".repeat(40)).as_bytes()), "30 pages"),
        ("application/pdf", [whole.as_slice(), b"<html><script>"].concat(), "inhabituelle"),
        ("application/pdf", whole[..whole.len() / 2].to_vec(), "incomplet"),
        ("application/pdf", whole[..whole.len() - 6].to_vec(), "incomplet"),
        ("application/pdf", b"%PDF-1.7".to_vec(), "incomplet"),
        ("application/pdf", jpeg(400, 400), "annonce"),
        ("image/png", jpeg(400, 400), "annonce"),
        ("image/jpeg", whole.clone(), "annonce"),
        ("image/jpeg", jpeg(400, 400)[..900].to_vec(), "incomplet"),
        ("image/png", png(400, 400)[..90].to_vec(), "incomplet"),
        ("image/png", png(299, 400), "pixels"),
        ("image/png", png(12_001, 300), "pixels"),
        ("image/jpeg", vec![], "attendu"),
        ("application/pdf", b"PK\x03\x04".to_vec(), "attendu"),
        ("image/jpeg", b"<svg onload=alert(1)>".to_vec(), "attendu"),
    ] {
        let length = sent.len();
        let answer = send_as(&family, &child, "proof_of_address", media, sent).await.refused(422, "document.refused");
        assert!(answer.text("/detail").contains(reason), "{media} of {length} bytes, {reason}: {}", answer.json);
    }
    for media in ["text/html", "application/json", "image/svg+xml", "application/zip"] {
        send_as(&family, &child, "proof_of_age", media, whole.clone()).await.refused(415, "request.media_type");
    }
    let mut large = whole.clone();
    large.resize(5 * 1024 * 1024 + 1, b' ');
    send_as(&family, &child, "proof_of_age", "application/pdf", large).await.refused(413, "request.too_large");
    for query in ["kind=diploma&season=2026-2027", "kind=proof_of_age", "kind=proof_of_age&season=2026"] {
        let path = family.path(&format!("children/{child}/documents?{query}"));
        let request = family.request(Method::POST, &path).header("content-type", "application/pdf");
        family.send(request.body(whole.clone())).await.refused(400, "request.query");
    }
    assert!(listed(&family, &child).await.is_empty() && files_at_rest(&world).is_empty(), "nothing is half kept");
}

#[actix_web::test]
async fn ten_wait_and_the_same_file_waits_once() {
    let (_world, family, child, _agent) = desk().await;
    let page = pdf();
    let again = || send_as(&family, &child, "proof_of_age", "application/pdf", page.clone());
    again().await.expect(201);
    again().await.refused(409, "document.already_sent");
    for _ in 0..8 {
        send(&family, &child, "proof_of_address").await;
    }
    // The tenth and the eleventh at one moment: one of them.
    let one = || send_as(&family, &child, "proof_of_address", "application/pdf", pdf());
    let (left, right) = tokio::join!(one(), one());
    let mut statuses = [left.status, right.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    one().await.refused(409, "document.too_many");
    let rows = listed(&family, &child).await;
    assert_eq!(rows.len(), 10);
    family.delete(&family.path(&format!("documents/{}", rows[0]["id"].as_str().unwrap()))).await.expect(204);
    one().await.expect(201);
    let other = family.add_child("Noé", "2014-05-17").await;
    send(&family, &other, "proof_of_age").await;
}

#[actix_web::test]
async fn a_document_is_read_by_its_sender_and_by_those_who_instruct_only() {
    let (world, family, child, agent) = desk().await;
    let (other, consulting) = (world.guardian(&family, "full").await, world.guardian(&family, "consult").await);
    let stranger = world.family("92").await;
    let id = send(&family, &child, "tax_notice").await;
    // Guardians of the file see that it was sent, and no more.
    for guardian in [&other, &consulting] {
        assert_eq!(listed(guardian, &child).await[0]["id"], json!(id));
        file(guardian, &family, &id).await.refused(404, "not_found");
    }
    let own = |guardian: &Family| (guardian.api.clone(), family.path(&format!("documents/{id}")));
    let (api, path) = own(&other);
    api.delete(&path).await.refused(404, "not_found");
    let (api, path) = own(&consulting);
    api.delete(&path).await.refused(403, "guardian.consult_only");
    send_as(&consulting, &child, "tax_notice", "application/pdf", pdf()).await.refused(403, "guardian.consult_only");
    send_as(&stranger, &child, "tax_notice", "application/pdf", pdf()).await.refused(404, "not_found");
    stranger.get(&family.path(&format!("children/{child}/documents"))).await.refused(404, "not_found");
    file(&stranger, &family, &id).await.refused(404, "not_found");

    inspect(&agent, &family, &id).await.expect(200);
    for function in ["finance", "dpo"] {
        let agent = world.agent("92", function).await;
        inspect(&agent, &family, &id).await.refused(403, "auth.forbidden");
    }
    let worker_78 = world.agent("78", "case_worker").await;
    inspect(&worker_78, &family, &id).await.refused(404, "not_found");
    let secretary = world.secretary(crate::support::COLLEGE).await;
    inspect(&secretary, &family, &id).await.refused(403, "auth.forbidden");
    inspect(&family, &family, &id).await.refused(403, "auth.forbidden");
    inspect(&world.api, &family, &id).await.refused(401, "auth.required");

    // The database says the same to whoever gets past the service's doors.
    let mut intruder = world.app_role("92");
    let mut seen = |caller: &str, table: &str| -> i64 {
        intruder.batch_execute(caller).unwrap();
        diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>(&format!("(select count(*) from {table})")))
            .get_result(&mut intruder)
            .unwrap()
    };
    let agent_as = |function: &str| format!("reset all; set app.kind = 'agent'; set app.function = '{function}'");
    for (caller, documents, files) in [
        ("reset all".to_owned(), 0, 0),
        (agent_as("case_worker"), 1, 1),
        (agent_as("dpo"), 1, 0),
        (agent_as("finance"), 0, 0),
        ("reset all; set app.kind = 'agent'".to_owned(), 0, 0),
        (format!("reset all; set app.kind = 'secretary'; set app.college = '{}'", crate::support::COLLEGE), 0, 0),
        ("reset all; set app.kind = 'device'".to_owned(), 0, 0),
    ] {
        assert_eq!((seen(&caller, "documents"), seen(&caller, "document_files")), (documents, files), "{caller}");
    }
    let journal = format!("/v1/departments/92/journal?object_id={id}");
    let journal = world.administrator.get(&journal).await.expect(200);
    let actions: Vec<&str> = journal.items().iter().map(|line| line["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["document_sent", "document_read"]);
}

#[actix_web::test]
async fn a_new_key_of_the_department_opens_what_waits_once_it_is_rewrapped() {
    let (world, family, child, _) = desk().await;
    let id = send(&family, &child, "proof_of_age").await;
    let before = files_at_rest(&world);
    let code = "92".parse().unwrap();
    let mut config = world.config.clone();
    let place = &mut config.departments.iter_mut().find(|department| department.code == code).unwrap().place;
    let former = std::mem::replace(&mut place.key, MasterKey::new([42; 32]));
    let rewrap = async |config| admin::rewrap_documents(config, code, former.clone()).await;
    assert!(rewrap(&world.config).await.is_err(), "the key has not changed");
    assert_eq!((rewrap(&config).await.unwrap(), rewrap(&config).await.unwrap()), (1, 0));
    assert_eq!(files_at_rest(&world), before, "no file is touched");
    let db = App::new(&config).db;
    let id = id.parse().unwrap();
    let read = db.write(code, &Caller::system(), move |tx| documents::read_document(tx, id)).await;
    assert!(read.unwrap().1.starts_with(b"%PDF-"));
    let old = world.app.db.write(code, &Caller::system(), move |tx| documents::read_document(tx, id)).await;
    assert!(old.is_err(), "the former key opens it no more");
}
