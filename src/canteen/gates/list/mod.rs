//! What a gate takes along for when it has no network: the diners of its collège today, signed with the key of the department's cards and
//! encrypted to the gate. A card is named by its mark, from which its number cannot be guessed.

mod db;
pub mod http;

use crate::{
    app::App,
    audit,
    auth::actor::{By, Gate},
    canteen::{
        adults::AdultKind,
        calendars,
        enrolments::Diet,
        gates::watch,
        operators,
        passages::decide::{Decision, Facts, PassReason, Shown, decide},
    },
    cards::{self, token::day::GateDay},
    db::Tx,
    error::Error,
    kernel::{
        age,
        crypto::{MasterKey, SigningPair},
        department::Department,
        ids::{DeviceId, DinerId},
        text::Uai,
        time::{end_of_day, paris_date},
    },
    photos::{self, Size},
};
use chrono::{DateTime, NaiveDate, Utc};
use data_encoding::{BASE64, HEXLOWER};
use db::ListRow;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

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
    /// Of an adult, who passes by his id: staff or guest.
    #[serde(skip_serializing_if = "Option::is_none")]
    adult: Option<AdultKind>,
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

/// What the database tells for a list: sealed still, and all that it takes to make it.
struct Gathered {
    now: DateTime<Utc>,
    served: bool,
    walk_ins: bool,
    rows: Vec<ListRow>,
    key_id: [u8; 4],
    pair: SigningPair,
}

/// Today's list for this gate: an age file around signed bytes. Each is a line of the journal, and so is each portrait in it.
pub async fn take_gate_list(
    app: &App,
    by: &By<Gate>,
    department: Department,
    portraits: bool,
) -> Result<(NaiveDate, Vec<u8>), Error> {
    let (gate, college) = (by.device, by.college.clone());
    let recipient = app.db.directory_glance(&by.caller, move |tx| operators::devices::recipient(tx, gate)).await?;
    let of = (gate, college.clone());
    let gather = move |tx: &mut Tx<'_>| gather(tx, &of, portraits);
    let gathered = app.db.write(department, &by.caller, gather).await?;
    // Hundreds of portraits are opened, signed and encrypted: with no transaction open, and one list after the other.
    let key = app.db.key(department)?.clone();
    let make = move || {
        let day = paris_date(gathered.now);
        let signed = signed(gathered, (&key, department), (gate, &college))?;
        Ok((day, age::encrypt(&recipient, &signed).map_err(Error::internal)?))
    };
    app.gate_lists.run(make).await?
}

fn gather(tx: &mut Tx<'_>, (gate, college): &(DeviceId, Uai), portraits: bool) -> Result<Gathered, Error> {
    let now = tx.now()?;
    let day = paris_date(now);
    let state = db::state(tx, college, day)?;
    let served = state.open && calendars::is_served(tx, college, day)?;
    let rows = if state.open { db::diners(tx, portraits)? } else { vec![] };
    let (key_id, pair) = cards::signer(tx)?;
    watch::heard(tx)?;
    let counts = json!({ "gate": gate, "diners": rows.len(), "portraits": portraits });
    audit::record(tx, "canteen_list_given", ("college", college), counts)?;
    let faces = rows.iter().filter(|row| row.photo_sealed.is_some());
    let faces: Vec<Uuid> = faces.map(|row| row.person_id.uuid()).collect();
    audit::record_each(tx, "canteen_diner_listed", "diner", &faces, &json!({ "gate": gate }))?;
    Ok(Gathered { now, served, walk_ins: served && state.walk_ins, rows, key_id, pair })
}

fn signed(
    gathered: Gathered,
    of: (&MasterKey, Department),
    (gate, college_uai): (DeviceId, &Uai),
) -> Result<Vec<u8>, Error> {
    let Gathered { now, served, walk_ins, rows, key_id, pair } = gathered;
    let day = paris_date(now);
    let entry = |row| entry(of, row, (served, walk_ins));
    let diners = rows.into_iter().map(entry).collect::<Result<Vec<_>, Error>>()?;
    let list = List { day, college_uai, gate, walk_ins, diners };
    let json = serde_json::to_vec(&list).map_err(Error::internal)?;
    let list = GateDay::new(of.1, now, end_of_day(day), json);
    Ok(list.ok_or_else(|| Error::internal("the clock is out of range"))?.sign(key_id, &pair))
}

fn entry(of: (&MasterKey, Department), row: ListRow, (served, walk_ins): (bool, bool)) -> Result<Entry, Error> {
    let facts =
        Facts { shown: Shown::Diner, too_late: false, here: true, open: true, served, walk_ins, meal: row.meal };
    let Decision { eats, reason } = decide(facts);
    let mark = match (row.card_id, row.code_sealed) {
        (Some(id), Some(sealed)) => Some(HEXLOWER.encode(&cards::sealed_mark(of, id, &sealed)?)),
        _ => None,
    };
    let open = |sealed: Vec<u8>| photos::open_sealed(of.0, row.person_id.child(), Size::Gate, &sealed);
    let photo = row.photo_sealed.map(open).transpose()?;
    Ok(Entry {
        id: row.person_id,
        mark,
        adult: row.adult,
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
