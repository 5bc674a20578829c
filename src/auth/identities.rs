//! Who stands behind a token, asked at every request so that a right taken back ends at once. Requests that come together share the
//! question.

use crate::{
    auth::{actor::Identity, devices, sessions, tokens::Bearer},
    combine::Combiner,
    db::Db,
    error::{Error, Refusal},
    kernel::actor::Caller,
};
use std::collections::HashMap;

/// The answers are quick: one worker keeps up with every core that asks, and two would only halve what they share.
const WORKERS: u32 = 1;
/// As many as the ledger sweeps at once.
const BATCH_MAX: usize = 128;

/// Where tokens get their identity.
#[derive(Clone)]
pub struct Identities(Combiner<Bearer, Identity>);

impl Identities {
    #[must_use]
    pub fn new(db: &Db) -> Self {
        let db = db.clone();
        Self(Combiner::new(WORKERS, BATCH_MAX, move |bearers| answer(&db, &bearers)))
    }

    /// The identity behind a valid token; a session that ended or a device that was revoked has none.
    pub async fn of(&self, bearer: Bearer) -> Result<Identity, Error> {
        self.0.ask(bearer).await
    }
}

fn answer(db: &Db, bearers: &[Bearer]) -> Vec<Result<Identity, Error>> {
    match read(db, bearers) {
        Ok(known) => bearers
            .iter()
            .map(|bearer| known.get(bearer).cloned().ok_or(Error::Refused(Refusal::InvalidToken)))
            .collect(),
        // One that cannot be read must not shut the others out.
        Err(_) if bearers.len() > 1 => {
            bearers.iter().flat_map(|bearer| answer(db, std::slice::from_ref(bearer))).collect()
        }
        Err(error) => vec![Err(error)],
    }
}

fn read(db: &Db, bearers: &[Bearer]) -> Result<HashMap<Bearer, Identity>, Error> {
    let (mut of_sessions, mut of_devices) = (vec![], vec![]);
    for bearer in bearers {
        match bearer {
            Bearer::Session(id) => of_sessions.push(*id),
            Bearer::Device(id) => of_devices.push(*id),
        }
    }
    db.directory_glance_blocking(&Caller::system(), |tx| {
        let mut known = HashMap::new();
        if !of_sessions.is_empty() {
            let found = sessions::identities(tx, &of_sessions)?;
            known.extend(found.into_iter().map(|(id, identity)| (Bearer::Session(id), identity)));
        }
        if !of_devices.is_empty() {
            let found = devices::identities(tx, &of_devices)?;
            known.extend(found.into_iter().map(|(id, identity)| (Bearer::Device(id), identity)));
        }
        Ok(known)
    })
}
