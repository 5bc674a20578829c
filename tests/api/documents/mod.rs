//! Supporting documents: hostile files in, sealed files at rest, one decision, and nothing left but what was decided.

mod decisions;
mod files;
mod top_ups;

use crate::support::{Agent, Answer, Api, Family, SEASON, World, key};
use diesel::prelude::*;
use image::{Rgb, RgbImage, codecs::jpeg::JpegEncoder};
use passplus::paper;
use reqwest::Method;
use serde_json::{Value, json};

/// A PDF of one page as the service prints them, never the same twice.
pub fn pdf() -> Vec<u8> {
    let mut page = paper::Document::new("Notification de bourse");
    page.paragraph(&format!("Zyxwanette Martin est boursière. Numéro {}.", key()));
    page.finish().unwrap()
}

/// Such a page with one more object.
fn pdf_with(object: &[u8]) -> Vec<u8> {
    let plain = pdf();
    let place = plain.windows(9).rposition(|window| window == b"startxref").unwrap();
    [&plain[..place], b"90 0 obj\n", object, b"\nendobj\n", &plain[place..]].concat()
}

fn jpeg(width: u32, height: u32) -> Vec<u8> {
    let mut file = vec![];
    let page =
        RgbImage::from_fn(width, height, |x, y| Rgb(if (x / 9 + y / 9) % 2 == 0 { [250; 3] } else { [20, 20, 90] }));
    JpegEncoder::new_with_quality(&mut file, 90).encode_image(&page).unwrap();
    file
}

async fn send_as(family: &Family, child: &str, kind: &str, media: &str, file: Vec<u8>) -> Answer {
    let path = family.path(&format!("children/{child}/documents?kind={kind}&season={SEASON}"));
    family.send(family.request(Method::POST, &path).header("content-type", media).body(file)).await
}

/// Sends a new page of that kind; returns the document's id.
pub async fn send(family: &Family, child: &str, kind: &str) -> String {
    send_as(family, child, kind, "application/pdf", pdf()).await.expect(201).text("/id")
}

fn decision_path(family: &Family, document: &str) -> String {
    family.path(&format!("agents-desk/documents/{document}/decision"))
}

async fn accept(agent: &Api, family: &Family, document: &str) -> Answer {
    agent.post(&decision_path(family, document), json!({ "version": 1, "decision": "accept" })).await
}

async fn file(api: &Api, family: &Family, document: &str) -> Answer {
    api.get(&family.path(&format!("documents/{document}/file"))).await
}

async fn inspect(agent: &Api, family: &Family, document: &str) -> Answer {
    agent.get(&family.path(&format!("agents-desk/documents/{document}/file"))).await
}

async fn listed(family: &Family, child: &str) -> Vec<Value> {
    family.get(&family.path(&format!("children/{child}/documents"))).await.expect(200).items().clone()
}

/// Sealed files that lie in 92.
fn files_at_rest(world: &World) -> Vec<Vec<u8>> {
    #[derive(QueryableByName)]
    struct Sealed {
        #[diesel(sql_type = diesel::sql_types::Binary)]
        file_sealed: Vec<u8>,
    }
    let rows: Vec<Sealed> =
        diesel::sql_query("select file_sealed from document_files").load(&mut world.superuser("92")).unwrap();
    rows.into_iter().map(|row| row.file_sealed).collect()
}

fn has(text: &[u8], needle: &[u8]) -> bool {
    text.windows(needle.len()).any(|window| window == needle)
}

/// A family of 92 with a child, and an agent who instructs.
async fn desk() -> (World, Family, String, Agent) {
    let world = World::start().await;
    let family = world.family("92").await;
    let child = family.add_child("Lou", "2015-03-14").await;
    let agent = world.agent("92", "case_worker").await;
    (world, family, child, agent)
}
