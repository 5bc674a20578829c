//! What a gate takes along for when it has no network: the diners of its collège today, signed with the key of the department's cards and
//! encrypted to the gate. A card is named by its mark, from which its number cannot be guessed.

mod db;
pub mod http;

use crate::{
    app::App,
    audit,
    auth::actor::{By, Gate},
    canteen::{
        enrolments::Diet,
        operators,
        passages::{
            self,
            decide::{Decision, Facts, PassReason, Shown, decide},
        },
    },
    cards::{self, token::day::GateDay},
    db::Tx,
    error::Error,
    kernel::{
        age,
        department::Department,
        ids::{DeviceId, DinerId},
        text::Uai,
        time::{end_of_day, paris_date},
    },
    photos::{self, Size},
};
use chrono::NaiveDate;
use data_encoding::{BASE64, HEXLOWER};
use db::ListRow;
use serde::Serialize;
use serde_json::json;

/// The list, as JSON inside its signature.
#[derive(Debug, Serialize)]
struct List<'a> {
    day: NaiveDate,
    college_uai: &'a Uai,
    gate: DeviceId,
    /// Whether a card of the collège that is not in the list eats.
    walk_ins: bool,
    diners: Vec<Entry>,
}

#[derive(Debug, Serialize)]
struct Entry {
    id: DinerId,
    /// Of the card in use, in hexadecimal: see [`cards::token::mark`]. Adults have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    mark: Option<String>,
    first_name: String,
    initial: String,
    eats: bool,
    reason: PassReason,
    detail: &'static str,
    diet: Diet,
    own_meal: bool,
    care: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    photo_jpeg_base64: Option<String>,
}

/// Today's list for this gate: an age file around signed bytes. Each is a line of the journal.
pub async fn take_gate_list(
    app: &App,
    by: &By<Gate>,
    department: Department,
    portraits: bool,
) -> Result<(NaiveDate, Vec<u8>), Error> {
    let (gate, college) = (by.device, by.college.clone());
    let recipient = app.db.directory_glance(&by.caller, move |tx| operators::devices::recipient(tx, gate)).await?;
    let make = move |tx: &mut Tx<'_>| {
        let (day, signed) = signed_list(tx, gate, &college, portraits)?;
        Ok((day, age::encrypt(&recipient, &signed).map_err(Error::internal)?))
    };
    app.db.write(department, &by.caller, make).await
}

fn signed_list(tx: &mut Tx<'_>, gate: DeviceId, college: &Uai, portraits: bool) -> Result<(NaiveDate, Vec<u8>), Error> {
    let now = tx.now()?;
    let day = paris_date(now);
    let state = db::state(tx, college, day)?;
    let served = state.open && passages::is_served(tx, college, day)?;
    let rows = if state.open { db::diners(tx)? } else { vec![] };
    let entry = |row| entry(tx, row, (served, state.walk_ins), portraits);
    let diners = rows.into_iter().map(entry).collect::<Result<Vec<_>, Error>>()?;
    let counts = json!({ "gate": gate, "diners": diners.len(), "portraits": portraits });
    let list = List { day, college_uai: college, gate, walk_ins: served && state.walk_ins, diners };
    let json = serde_json::to_vec(&list).map_err(Error::internal)?;
    let signed = GateDay::new(tx.place, now, end_of_day(day), json);
    let signed = cards::signed_day(tx, &signed.ok_or_else(|| Error::internal("the clock is out of range"))?)?;
    audit::record(tx, "canteen_list_given", ("college", college), counts)?;
    Ok((day, signed))
}

fn entry(tx: &Tx<'_>, row: ListRow, (served, walk_ins): (bool, bool), portraits: bool) -> Result<Entry, Error> {
    let facts = Facts { shown: Shown::Diner, here: true, open: true, served, walk_ins, meal: row.meal };
    let Decision { eats, reason } = decide(facts);
    let mark = match (row.card_id, row.code_sealed) {
        (Some(id), Some(sealed)) => Some(HEXLOWER.encode(&cards::sealed_mark(tx, id, &sealed)?)),
        _ => None,
    };
    let sealed = row.photo_sealed.filter(|_| portraits);
    let photo =
        sealed.map(|sealed| photos::open_sealed(tx.key, row.person_id.child(), Size::Gate, &sealed)).transpose()?;
    Ok(Entry {
        id: row.person_id,
        mark,
        first_name: row.first_name,
        initial: row.initial,
        eats,
        reason,
        detail: reason.sentence(eats),
        diet: row.diet,
        own_meal: row.own_meal,
        care: row.care,
        photo_jpeg_base64: photo.map(|photo| BASE64.encode(&photo)),
    })
}
