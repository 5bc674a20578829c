//! What must happen after a commit is written inside it, as a job of the same database; a worker claims jobs one by one and repeats
//! them until they are done. Contents are sealed: a queue of letters holds addresses and links.

use crate::{
    db::Transaction,
    error::Error,
    kernel::{
        crypto::MasterKey,
        ids::{
            BillId, CanteenEnrolmentId, ChildId, ClosureId, EnrolmentId, FamilyId, GuardianId, HoldId, NewsId,
            PaymentId, TransferId,
        },
        text::{SeasonCode, Sensitive},
    },
    mail::Letter,
};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use data_encoding::BASE64;
use diesel::{
    prelude::*,
    sql_types::{self, Jsonb, Timestamptz},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

/// First wait after a failure; it doubles each time, up to `RETRY_MAX`.
const RETRY_FIRST: TimeDelta = TimeDelta::seconds(30);
const RETRY_MAX: TimeDelta = TimeDelta::hours(6);
/// Tries of one job, about three days: an address that took nothing until then never will, and its letter must not stay for ever.
const TRIES_MAX: i32 = 20;

/// What can be left to do. Letters lie in it: `Sensitive` where it is in hand, and no `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Job {
    /// A letter to one address.
    Letter(Letter),
    /// A service message to every guardian with present rights on a file.
    FamilyNotice {
        family: FamilyId,
        /// When it is about one of them.
        #[serde(default)]
        child: Option<ChildId>,
        subject: String,
        body: String,
    },
    /// A word to the family about a debit or its refund: left by the ledger's own steps, which seal nothing and name nobody.
    DebitNotice { transfer: TransferId },
    /// A word to the family about a request that became active.
    EnrolmentNotice { enrolment: EnrolmentId },
    /// The top-up of a request that became active after its proof was accepted.
    TopUp { enrolment: EnrolmentId },
    /// The rate of an enrolment in the canteen, from a day on: left by those who may not see it.
    CanteenRate {
        enrolment: CanteenEnrolmentId,
        from: NaiveDate,
        /// Whether the enrolment's days a week hold from then on, too.
        #[serde(default)]
        is_new_week: bool,
    },
    /// What the canteen gives back of what a departure took since that instant, when it is taken back, or of what a refusal took, when the
    /// request is sent again.
    CanteenReturn { enrolment: EnrolmentId, since: DateTime<Utc> },
    /// A word to a family about days on which its children's canteen is closed, or open after all.
    CanteenClosure { family: FamilyId, closure: ClosureId },
    /// A word to a family about reserved meals that another calendar, or a collège that left the scope, took at that instant.
    CanteenUnserved { family: FamilyId, at: DateTime<Utc> },
    /// A word to a family about meals without reservation that were recorded for its children on a day: left by gates and secretaries.
    CanteenWalkIns { family: FamilyId, day: NaiveDate },
    /// A word to a family about a meal that its child had not taken, contrary to what was recorded.
    CanteenWithdrawn { family: FamilyId, child: ChildId, day: NaiveDate },
    /// News to a guardian, if he still wants them.
    NewsLetter { news: NewsId, guardian: GuardianId },
    /// A word to the family about its children at the opening of a season.
    SeasonNotice { family: FamilyId, season: SeasonCode },
    /// A word to whoever pays about a bill or a credit note.
    BillNotice { bill: BillId },
    /// The same about a bill that is late: at which level.
    BillReminder { bill: BillId, level: i16 },
    /// A word to whoever was paid back something, or whose payment or refund was undone.
    RefundNotice { payment: PaymentId },
    /// A word to the family about money it set aside and that the merchant let go: left by a device, which knows no family.
    HoldNotice { hold: HoldId },
    /// Look up a card that somebody has found, and tell its family.
    FoundCard { fingerprint: Vec<u8>, place: Option<String> },
}

/// A job in hand. If it is not finished by the time another worker may claim it, it will be done again.
pub struct Claimed {
    pub id: Uuid,
    pub attempts: i32,
    pub job: Sensitive<Job>,
}

/// Leaves `job` to the worker, if this transaction commits.
pub fn enqueue<P>(tx: &mut Transaction<'_, P>, job: &Job) -> Result<(), Error> {
    let now = tx.now()?;
    let id = crate::kernel::ids::RequestId::generate().uuid();
    let plain = serde_json::to_vec(job).map_err(Error::internal)?;
    let sealed = tx.key.seal("job", id.as_bytes(), &plain).map_err(Error::internal)?;
    diesel::sql_query("insert into jobs (id, kind, payload, created_at, run_at) values ($1, 'mail', $2, $3, $3)")
        .bind::<sql_types::Uuid, _>(id)
        .bind::<Jsonb, _>(json!({ "sealed": BASE64.encode(&sealed) }))
        .bind::<Timestamptz, _>(now)
        .execute(tx.conn)?;
    Ok(())
}

#[derive(QueryableByName)]
struct JobRow {
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = sql_types::Integer)]
    attempts: i32,
    #[diesel(sql_type = sql_types::Text)]
    kind: String,
    #[diesel(sql_type = Jsonb)]
    payload: Value,
}

/// Takes the next due job for `RETRY_FIRST` and more, skipping those in other hands. A job that does not open waits like a failed
/// one, so that it holds up no other; one tried too often is given up.
pub fn claim<P>(tx: &mut Transaction<'_, P>) -> Result<Option<Claimed>, Error> {
    let now = tx.now()?;
    loop {
        let row: Option<JobRow> = diesel::sql_query(
            "select id, attempts, kind, payload from jobs where run_at <= $1 order by run_at limit 1 for update skip locked",
        )
        .bind::<Timestamptz, _>(now)
        .get_result(tx.conn)
        .optional()?;
        let Some(row) = row else { return Ok(None) };
        if row.attempts >= TRIES_MAX {
            tracing::error!(job = %row.id, attempts = row.attempts, "a job is given up after too many tries");
            metrics::counter!("jobs_given_up_total").increment(1);
            finish(tx, row.id)?;
            continue;
        }
        let job = open(tx.key, &row);
        diesel::sql_query("update jobs set attempts = attempts + 1, run_at = $2, last_error = $3 where id = $1")
            .bind::<sql_types::Uuid, _>(row.id)
            .bind::<Timestamptz, _>(next_try(now, row.attempts))
            .bind::<sql_types::Nullable<sql_types::Text>, _>(job.is_none().then_some("does not open with this key"))
            .execute(tx.conn)?;
        if let Some(job) = job {
            return Ok(Some(Claimed { id: row.id, attempts: row.attempts, job: Sensitive::new(job) }));
        }
        tracing::error!(job = %row.id, "a job does not open with this place's key");
    }
}

fn open(key: &MasterKey, row: &JobRow) -> Option<Job> {
    let field = |name: &str| row.payload.get(name)?.as_str();
    match row.kind.as_str() {
        "debit_notice" => return Some(Job::DebitNotice { transfer: field("transfer_id")?.parse().ok()? }),
        "enrolment_notice" => return Some(Job::EnrolmentNotice { enrolment: field("enrolment_id")?.parse().ok()? }),
        "top_up" => return Some(Job::TopUp { enrolment: field("enrolment_id")?.parse().ok()? }),
        "news_letter" => {
            let (news, guardian) = (field("news_id")?.parse().ok()?, field("guardian_id")?.parse().ok()?);
            return Some(Job::NewsLetter { news, guardian });
        }
        "canteen_closure" => {
            let (family, closure) = (field("family_id")?.parse().ok()?, field("closure_id")?.parse().ok()?);
            return Some(Job::CanteenClosure { family, closure });
        }
        "canteen_unserved" => {
            let (family, at) = (field("family_id")?.parse().ok()?, field("at")?.parse().ok()?);
            return Some(Job::CanteenUnserved { family, at });
        }
        "canteen_walk_ins" => {
            let (family, day) = (field("family_id")?.parse().ok()?, field("day")?.parse().ok()?);
            return Some(Job::CanteenWalkIns { family, day });
        }
        "bill_notice" => return Some(Job::BillNotice { bill: field("bill_id")?.parse().ok()? }),
        "bill_reminder" => {
            let level = row.payload.get("level")?.as_i64()?.try_into().ok()?;
            return Some(Job::BillReminder { bill: field("bill_id")?.parse().ok()?, level });
        }
        "season_notice" => {
            let (family, season) = (field("family_id")?.parse().ok()?, field("season")?.parse().ok()?);
            return Some(Job::SeasonNotice { family, season });
        }
        _ => {}
    }
    let sealed = BASE64.decode(row.payload.get("sealed")?.as_str()?.as_bytes()).ok()?;
    serde_json::from_slice(&key.open("job", row.id.as_bytes(), &sealed).ok()?).ok()
}

/// Forgets a job that is done.
pub fn finish<P>(tx: &mut Transaction<'_, P>, id: Uuid) -> Result<(), Error> {
    diesel::sql_query("delete from jobs where id = $1").bind::<sql_types::Uuid, _>(id).execute(tx.conn)?;
    Ok(())
}

fn next_try(now: DateTime<Utc>, attempts: i32) -> DateTime<Utc> {
    let doublings = u32::try_from(attempts).unwrap_or(0).min(10);
    let wait = RETRY_FIRST.checked_mul(2_i32.saturating_pow(doublings)).unwrap_or(RETRY_MAX).min(RETRY_MAX);
    now.checked_add_signed(wait).unwrap_or(now)
}
