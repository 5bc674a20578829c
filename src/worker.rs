//! The worker: does what transactions left to do, one job at a time, each database in turn. Several may run; none does another's job.

use crate::{
    billing::{arrears, bills::notices as bill_notices, evidence, payments::notices as payment_notices},
    canteen::{
        care_plans, day_codes,
        enrolments::{self as canteen_enrolments, following},
        meals::{self, closures, guests, layout},
        passages, rates,
        reduced_rates::{self, Inquiries},
    },
    cards::{found, life},
    db::{Db, Tx},
    documents,
    enrolments::{closing, notices as enrolment_notices, opening, top_up},
    error::Error,
    families,
    fiscal::{Administrations, checks},
    jobs::{self, Claimed, Job},
    kernel::{actor::Caller, department::Department, time::paris_date},
    ledger::{expiry, holds, notices},
    mail::{Letter, Mailer},
    news, proof,
};
use std::time::Duration;
use tokio::sync::watch;

/// How long the worker rests when nothing is due.
const REST: Duration = Duration::from_millis(500);
/// One batch of what somebody ordered; false when there is nothing to do.
type OrderBatch = fn(&mut Tx<'_>) -> Result<bool, Error>;
/// How often what is only a matter of time is looked at: money held too long waits no longer than that.
const ROUND: Duration = Duration::from_secs(60);

/// Works until told to stop.
pub async fn run(
    db: Db,
    mailer: Mailer,
    administrations: Administrations,
    inquiries: Inquiries,
    mut stop: watch::Receiver<bool>,
) {
    // The drift of a large ledger takes seconds, the meals of a year minutes: letters do not wait for them, nor money for meals.
    let watch = tokio::spawn(proof::watch(db.clone(), stop.clone()));
    let time = tokio::spawn(mind_time(db.clone(), stop.clone()));
    let canteen = tokio::spawn(mind_canteen(db.clone(), stop.clone()));
    // Nor do they wait for an administration.
    let asking =
        administrations.iter().map(|(department, client)| checks::run(db.clone(), department, client, stop.clone()));
    let mut asking: Vec<_> = asking.map(tokio::spawn).collect();
    for department in administrations.departments() {
        let (db, administrations) = (db.clone(), administrations.clone());
        let loop_of = reduced_rates::run(db, department, administrations, inquiries.clone(), stop.clone());
        asking.push(tokio::spawn(loop_of));
    }
    while !*stop.borrow() {
        let done = work_off(&db, &mailer).await;
        if done == 0 {
            tokio::select! {
                () = tokio::time::sleep(REST) => {}
                _ = stop.changed() => {}
            }
        }
    }
    for task in asking.into_iter().chain([watch, time, canteen]) {
        task.await.ok();
    }
}

async fn mind_time(db: Db, mut stop: watch::Receiver<bool>) {
    let mut last_day = None;
    while !*stop.borrow() {
        do_round(&db).await;
        let today = paris_date(db.server_now());
        if last_day.replace(today) != Some(today) {
            do_day(&db).await;
        }
        rest_until_next_round(&mut stop).await;
    }
}

async fn mind_canteen(db: Db, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        do_canteen_round(&db).await;
        rest_until_next_round(&mut stop).await;
    }
}

async fn rest_until_next_round(stop: &mut watch::Receiver<bool>) {
    tokio::select! {
        () = tokio::time::sleep(ROUND) => {}
        _ = stop.changed() => {}
    }
}

/// Does, in every department, what is only a matter of time: holds and cards that are over, requests of past seasons, documents that nobody decided,
/// answers of the State that may not be kept. Several workers may: each thing is done once.
pub async fn do_round(db: &Db) {
    let held = until_nothing_is_left(db, holds::expire, "expired holds cannot be let go").await;
    metrics::counter!("holds_expired_total").increment(u64::try_from(held).unwrap_or_default());
    let cards = until_nothing_is_left(db, life::expire, "cards whose last day is over cannot be ended").await;
    metrics::counter!("cards_expired_total").increment(u64::try_from(cards).unwrap_or_default());
    until_nothing_is_left(db, closing::close_batch, "requests of a past season cannot be closed").await;
    until_nothing_is_left(db, documents::delete_overdue, "overdue documents cannot be deleted").await;
    until_nothing_is_left(db, checks::forget, "answers of the State cannot be forgotten").await;
    // Before anything of a season that is over is sent on.
    until_nothing_is_left(db, reduced_rates::close_past, "undecided requests of a past season cannot be closed").await;
    until_nothing_is_left(db, reduced_rates::close_left, "requests without an enrolment cannot be closed").await;
    until_nothing_is_left(db, reduced_rates::send_on_lost, "requests that nobody asks cannot be sent on").await;
    until_nothing_is_left(db, passages::miss_meals, "meals that nobody took cannot be settled").await;
}

/// Lets, in every department, meals and rates of the canteen follow what was decided about them: for a whole year of all collèges, if need be.
pub async fn do_canteen_round(db: &Db) {
    until_nothing_is_left(db, layout::lay_out_batch, "meals cannot be laid out").await;
    until_nothing_is_left(db, guests::close_unserved, "invitations of days without meals cannot be closed").await;
    until_nothing_is_left(db, closures::apply_closure, "a closure of the canteen cannot be applied").await;
    until_nothing_is_left(db, following::follow_requests, "the canteen cannot follow its pupils").await;
    until_nothing_is_left(db, rates::follow_grids, "rates cannot follow a new grid").await;
}

/// Does, in every department, what changes from one day to the next only. A day on which it fails is made up for by the next one.
pub async fn do_day(db: &Db) {
    until_nothing_is_left(db, arrears::remind, "late bills cannot be recalled").await;
    until_nothing_is_left(db, day_codes::forget, "codes of past days cannot be forgotten").await;
    until_nothing_is_left(db, evidence::forget, "passages whose term is over cannot be deleted").await;
    until_nothing_is_left(db, rates::purge, "the means of a past season cannot be emptied").await;
    until_nothing_is_left(db, care_plans::forget_past, "care plans of a past season cannot be forgotten").await;
    until_nothing_is_left(db, canteen_enrolments::forget_diets, "menus of a past season cannot be forgotten").await;
}

/// Repeats a batch in every department until it finds nothing more. Returns how many things that was.
pub async fn until_nothing_is_left(
    db: &Db,
    batch: fn(&mut Tx<'_>) -> Result<usize, Error>,
    failure: &'static str,
) -> usize {
    let caller = Caller::system();
    let mut all = 0_usize;
    for department in db.departments() {
        loop {
            match db.write(department, &caller, batch).await {
                Ok(0) => break,
                Ok(done) => all = all.saturating_add(done),
                Err(error) => {
                    tracing::warn!(%error, %department, "{failure}");
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
        let orders: [(OrderBatch, &str); 3] = [
            (expiry::sweep_batch, "the end of a season cannot be carried out"),
            (opening::open_batch, "the opening of a season cannot be carried out"),
            (news::send_batch, "news cannot be sent"),
        ];
        for (batch, failure) in orders {
            match db.write(department, &caller, batch).await {
                Ok(done) => taken = taken.saturating_add(usize::from(done)),
                Err(error) => tracing::warn!(%error, %department, "{failure}"),
            }
        }
    }
    taken
}

async fn directory_job(db: &Db, mailer: &Mailer, caller: &Caller) -> Result<bool, Error> {
    let Some(claimed) = db.directory_write(caller, jobs::claim).await? else { return Ok(false) };
    let id = claimed.id;
    let letters = match claimed.job.expose() {
        Job::Letter(letter) => vec![letter.clone()],
        _ => return Err(Error::internal("a family notice lies in the directory")),
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
        Job::FamilyNotice { family, child, subject, body } => {
            let compose = move |tx: &mut Tx<'_>| match child {
                Some(child) => families::letters_of(tx, (family, child), &subject, &body),
                None => families::letters(tx, family, &subject, &body),
            };
            db.read(department, caller, compose).await?
        }
        Job::EnrolmentNotice { enrolment } => {
            db.read(department, caller, move |tx| enrolment_notices::confirmed(tx, enrolment)).await?
        }
        Job::SeasonNotice { family, season } => {
            db.read(department, caller, move |tx| enrolment_notices::season_opened(tx, family, &season)).await?
        }
        Job::TopUp { enrolment } => {
            db.write(department, caller, move |tx| top_up::catch_up(tx, enrolment)).await?;
            vec![]
        }
        Job::CanteenRate { enrolment, from, is_new_week } => {
            db.write(department, caller, move |tx| rates::refresh_later(tx, enrolment, from, is_new_week)).await?;
            vec![]
        }
        Job::CanteenReturn { enrolment, since } => {
            // The family reads it once: the job ends with what it does.
            let come_back = move |tx: &mut Tx<'_>| {
                following::come_back(tx, enrolment, since)?;
                jobs::finish(tx, id)
            };
            db.write(department, caller, come_back).await?;
            vec![]
        }
        Job::CanteenClosure { family, closure } => {
            db.read(department, caller, move |tx| meals::notices::closure(tx, family, closure)).await?
        }
        Job::CanteenUnserved { family, at } => {
            db.read(department, caller, move |tx| meals::notices::unserved(tx, family, at)).await?
        }
        Job::CanteenWalkIns { family, day } => {
            db.read(department, caller, move |tx| meals::notices::walk_ins(tx, family, day)).await?
        }
        Job::CanteenWithdrawn { family, child, day } => {
            db.read(department, caller, move |tx| meals::notices::withdrawn(tx, (family, child), day)).await?
        }
        Job::NewsLetter { news, guardian } => {
            db.read(department, caller, move |tx| news::letters(tx, news, guardian)).await?
        }
        Job::DebitNotice { transfer } => {
            db.read(department, caller, move |tx| notices::debit_notice(tx, transfer)).await?
        }
        Job::FoundCard { fingerprint, place } => {
            let pass_on = move |tx: &mut Tx<'_>| found::pass_on(tx, id, &fingerprint, place.as_deref());
            db.write(department, caller, pass_on).await?;
            vec![]
        }
        Job::BillNotice { bill } => db.read(department, caller, move |tx| bill_notices::bill_notice(tx, bill)).await?,
        Job::BillReminder { bill, level } => {
            db.read(department, caller, move |tx| arrears::reminder(tx, bill, level)).await?
        }
        Job::RefundNotice { payment } => {
            db.read(department, caller, move |tx| payment_notices::refund_notice(tx, payment)).await?
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
