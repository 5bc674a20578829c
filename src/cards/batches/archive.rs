//! What the card maker is given: a zip of a list, the portraits and a manifest, encrypted to him.

use super::db::{BatchRow, PrintRow};
use crate::{
    cards,
    db::Tx,
    error::Error,
    kernel::{
        age::{self, Recipient},
        crypto::sha256,
    },
    photos,
};
use csv::Writer;
use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use std::io::{Cursor, Write};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

struct Archive {
    zip: ZipWriter<Cursor<Vec<u8>>>,
    files: Vec<Value>,
}

impl Archive {
    /// Portraits are compressed already, and the list is small beside them.
    fn add(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        self.zip.start_file(name, options).map_err(Error::internal)?;
        self.zip.write_all(bytes).map_err(Error::internal)?;
        self.files.push(json!({ "name": name, "bytes": bytes.len(), "sha256": HEXLOWER.encode(&sha256(bytes)) }));
        Ok(())
    }
}

pub fn encrypted(
    tx: &mut Tx<'_>,
    batch: &BatchRow,
    rows: Vec<PrintRow>,
    recipient: &Recipient,
) -> Result<Vec<u8>, Error> {
    let mut archive = Archive { zip: ZipWriter::new(Cursor::new(vec![])), files: vec![] };
    let mut list = Writer::from_writer(vec![]);
    list.write_record(["batch", "rank", "first_name", "initial", "last_day", "number", "qr", "photo"])
        .map_err(Error::internal)?;
    let (key_id, pair) = cards::signer(tx)?;
    for row in rows {
        let card = cards::unsigned(tx, row.id, &row.code_sealed, row.valid_until)?;
        let portrait = photos::accepted(tx, row.child_id, photos::Size::Card)?;
        let photo = format!("photos/{:04}.jpg", row.rank);
        archive.add(&photo, &portrait.ok_or_else(|| Error::internal("a batch's contents were looked at before"))?)?;
        list.write_record([
            batch.number.to_string(),
            row.rank.to_string(),
            row.first_name.clone(),
            row.initial.clone(),
            row.valid_until.to_string(),
            card.code().to_string(),
            card.sign(key_id, &pair),
            photo,
        ])
        .map_err(Error::internal)?;
    }
    let list = list.into_inner().map_err(|error| Error::internal(error.to_string()))?;
    archive.add("cards.csv", &list)?;
    let manifest = json!({
        "department": tx.place, "batch": batch.number, "cards": batch.cards, "hash": HEXLOWER.encode(&batch.hash),
        "files": archive.files,
    });
    archive.add("manifest.json", &serde_json::to_vec_pretty(&manifest).map_err(Error::internal)?)?;
    let zip = archive.zip.finish().map_err(Error::internal)?.into_inner();
    age::encrypt(recipient, &zip).map_err(Error::internal)
}
