//! The signed list of the cards that tills without network refuse: blocked, replaced, not yet activated.
//!
//! How a till without network decides: the signature of the card, with the published keys; its last day; the list, itself signed and not past
//! its next update, must not name the card's mark; and of a card on a telephone, the step must be of the moment.

use super::{db, token, token::list::RefusedCards};
use crate::{
    app::App,
    db::Tx,
    error::Error,
    kernel::{actor::Caller, crypto::sha256, department::Department, time::paris_date},
};
use chrono::{DateTime, TimeDelta, Utc};
use data_encoding::HEXLOWER;
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::Mutex;

/// How long this process gives a list again without looking whether it has changed.
const LOOK_AGAIN: TimeDelta = TimeDelta::minutes(1);
/// An unchanged list is issued anew after that, well before it is too old.
const ISSUE_AGAIN: TimeDelta = TimeDelta::minutes(15);
/// How long a till may rely on a list.
const LIFE: TimeDelta = TimeDelta::hours(24);

/// A list as it is given to tills.
#[derive(Debug)]
pub struct Published {
    pub list: RefusedCards,
    pub signed: String,
    /// Another one for another text.
    pub etag: String,
    looked_at: DateTime<Utc>,
}

/// The lists this process has made.
#[derive(Debug, Clone, Default)]
pub struct Lists(Arc<Mutex<BTreeMap<Department, Arc<Published>>>>);

/// A department's list, at most a minute old. Made by one request at a time: the others wait for it.
pub async fn list_refused_cards(app: &App, department: Department) -> Result<Arc<Published>, Error> {
    app.department(department)?;
    let mut lists = app.refused_cards.0.lock().await;
    let former = lists.get(&department).cloned();
    let now = app.db.server_now();
    if let Some(former) = former.clone().filter(|list| now.signed_duration_since(list.looked_at) < LOOK_AGAIN) {
        return Ok(former);
    }
    // A till sees no card: the service itself looks.
    let make = move |tx: &mut Tx<'_>| publish(tx, former.as_deref());
    let list = Arc::new(app.db.read(department, &Caller::system(), make).await?);
    lists.insert(department, Arc::clone(&list));
    Ok(list)
}

fn publish(tx: &mut Tx<'_>, former: Option<&Published>) -> Result<Published, Error> {
    let now = tx.now()?;
    let marks = db::refused(tx, paris_date(now))?
        .into_iter()
        .map(|(id, sealed)| super::open_code(tx, id, &sealed).map(|code| token::mark(&code)))
        .collect::<Result<_, Error>>()?;
    let out_of_range = || Error::internal("the clock is out of range");
    let list = RefusedCards::new(tx.place, now, now + LIFE, marks).ok_or_else(out_of_range)?;
    let still_good = |former: &&Published| {
        former.list.marks() == list.marks() && now.signed_duration_since(former.list.issued_at()) < ISSUE_AGAIN
    };
    if let Some(Published { list, signed, etag, .. }) = former.filter(still_good) {
        return Ok(Published { list: list.clone(), signed: signed.clone(), etag: etag.clone(), looked_at: now });
    }
    let (key_id, pair) = super::signer(tx)?;
    let signed = list.sign(key_id, &pair);
    let etag = HEXLOWER.encode(sha256(signed.as_bytes()).get(..16).unwrap_or_default());
    Ok(Published { list, signed, etag, looked_at: now })
}
