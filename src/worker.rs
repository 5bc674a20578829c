//! The worker: does what transactions left to do, one job at a time, each database in turn. Several may run; none does another's job.

use crate::{
    cards::{found, life},
    db::{Db, Tx},
    error::Error,
    families,
    jobs::{self, Claimed, Job},
    kernel::{actor::Caller, department::Department},
    ledger::{expiry, holds, notices},
    mail::{Letter, Mailer},
    proof,
};
use std::time::Duration;
use tokio::{sync::watch, time::Instant};

/// How long the worker rests when nothing is due.
const REST: Duration = Duration::from_millis(500);
/// How often what is only a matter of time is looked at: money held too long waits no longer than that.
const ROUND: Duration = Duration::from_secs(60);

/// Works until told to stop.
pub async fn run(db: Db, mailer: Mailer, mut stop: watch::Receiver<bool>) {
    let mut next_round = Instant::now();
    // The drift of a large ledger takes seconds: letters do not wait for it.
    let watch = tokio::spawn(proof::watch(db.clone(), stop.clone()));
    while !*stop.borrow() {
        if next_round <= Instant::now() {
            expire_holds(&db).await;
            expire_cards(&db).await;
            next_round = Instant::now() + ROUND;
        }
        let done = work_off(&db, &mailer).await;
        if done == 0 {
            tokio::select! {
                () = tokio::time::sleep(REST) => {}
                _ = stop.changed() => {}
            }
        }
    }
    watch.await.ok();
}

/// Lets go, in every department, the money whose hold is over. Returns how many holds that was. Several workers may: a hold goes once.
pub async fn expire_holds(db: &Db) -> i64 {
    until_none_is_left(db, "holds_expired_total", holds::expire).await
}

/// Ends, in every department, the cards whose last day is over. Returns how many those were.
pub async fn expire_cards(db: &Db) -> i64 {
    until_none_is_left(db, "cards_expired_total", life::expire).await
}

/// Takes batch after batch in every department, until one finds nothing to do; counts what was done.
async fn until_none_is_left(db: &Db, counter: &'static str, batch: fn(&mut Tx<'_>) -> Result<i64, Error>) -> i64 {
    let caller = Caller::system();
    let mut all = 0_i64;
    for department in db.departments() {
        loop {
            match db.write(department, &caller, batch).await {
                Ok(0) => break,
                Ok(done) => {
                    all = all.saturating_add(done);
                    metrics::counter!(counter).increment(u64::try_from(done).unwrap_or_default());
                }
                Err(error) => {
                    tracing::warn!(%error, %department, counter, "what is over cannot be ended");
                    break;
                }
            }
        }
    }
    all
}

/// Does what is due now in every database: one job each, one batch of a season's end. Returns how many things were taken in hand.
pub async fn work_off(db: &Db, mailer: &Mailer) -> usize {
    let mut taken = 0_usize;
    let departments: Vec<Department> = db.departments().collect();
    let caller = Caller::system();
    match directory_job(db, mailer, &caller).await {
        Ok(worked) => taken = taken.saturating_add(usize::from(worked)),
        Err(error) => tracing::warn!(%error, "the directory's jobs cannot be worked off"),
    }
    for department in departments {
        match department_job(db, mailer, &caller, department).await {
            Ok(worked) => taken = taken.saturating_add(usize::from(worked)),
            Err(error) => tracing::warn!(%error, %department, "the department's jobs cannot be worked off"),
        }
        match db.write(department, &caller, expiry::sweep_batch).await {
            Ok(swept) => taken = taken.saturating_add(usize::from(swept)),
            Err(error) => tracing::warn!(%error, %department, "the end of a season cannot be carried out"),
        }
    }
    taken
}

async fn directory_job(db: &Db, mailer: &Mailer, caller: &Caller) -> Result<bool, Error> {
    let Some(claimed) = db.directory_write(caller, jobs::claim).await? else { return Ok(false) };
    let id = claimed.id;
    let letters = match claimed.job.expose() {
        Job::Letter(letter) => vec![letter.clone()],
        Job::FamilyNotice { .. } | Job::DebitNotice { .. } | Job::HoldNotice { .. } | Job::FoundCard { .. } => {
            return Err(Error::internal("what concerns a family lies in the directory"));
        }
    };
    if deliver(mailer, &claimed, letters).await {
        db.directory_write(caller, move |tx| jobs::finish(tx, id)).await?;
    }
    Ok(true)
}

async fn department_job(db: &Db, mailer: &Mailer, caller: &Caller, department: Department) -> Result<bool, Error> {
    let Some(claimed) = db.write(department, caller, jobs::claim).await? else { return Ok(false) };
    let id = claimed.id;
    let letters = match claimed.job.expose().clone() {
        Job::Letter(letter) => vec![letter],
        Job::FamilyNotice { family, subject, body } => db
            .read(department, caller, move |tx| families::recipients(tx, family))
            .await?
            .into_iter()
            .map(|to| Letter { to, subject: subject.clone(), body: body.clone() })
            .collect(),
        Job::DebitNotice { transfer } => {
            db.read(department, caller, move |tx| notices::debit_notice(tx, transfer)).await?
        }
        Job::FoundCard { fingerprint, place } => {
            let pass_on = move |tx: &mut Tx<'_>| found::pass_on(tx, id, &fingerprint, place.as_deref());
            db.write(department, caller, pass_on).await?;
            vec![]
        }
        Job::HoldNotice { hold } => db.read(department, caller, move |tx| notices::hold_notice(tx, hold)).await?,
    };
    if deliver(mailer, &claimed, letters).await {
        db.write(department, caller, move |tx| jobs::finish(tx, id)).await?;
    }
    Ok(true)
}

/// Sends the letters of a job; true when all of them went. A job that fails comes back later, whole.
async fn deliver(mailer: &Mailer, claimed: &Claimed, letters: Vec<Letter>) -> bool {
    let (mailer, id, attempts) = (mailer.clone(), claimed.id, claimed.attempts);
    let sent = tokio::task::spawn_blocking(move || {
        for (rank, letter) in letters.iter().enumerate() {
            mailer.send(&format!("{id}-{rank}"), letter)?;
        }
        anyhow::Ok(())
    })
    .await;
    match sent {
        Ok(Ok(())) => {
            metrics::counter!("jobs_done_total").increment(1);
            true
        }
        Ok(Err(error)) => {
            metrics::counter!("jobs_failed_total").increment(1);
            tracing::warn!(job = %id, attempts, %error, "a letter could not be sent; it will be tried again");
            false
        }
        Err(error) => {
            tracing::error!(job = %id, %error, "the worker's thread failed");
            false
        }
    }
}
