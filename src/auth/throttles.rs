//! Attempts are counted in the directory, by account and by address, as keyed fingerprints: every server counts the same, and the
//! table tells nobody who tried what.

use crate::{
    db::DirectoryTx,
    error::{Error, Refusal},
    kernel::actor::Caller,
};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::{prelude::*, sql_types};

/// What is counted, how often it may happen and for how long a window lasts.
#[derive(Debug, Clone, Copy)]
pub struct Throttle {
    pub scope: &'static str,
    pub attempts_max: i32,
    pub window: TimeDelta,
}

/// Tries of one account's password or second factor.
pub const SIGN_IN_ACCOUNT: Throttle =
    Throttle { scope: "sign_in_account", attempts_max: 10, window: TimeDelta::minutes(15) };
/// Sign-ins from one address: a school's whole computer room shares one.
pub const SIGN_IN_ADDRESS: Throttle =
    Throttle { scope: "sign_in_address", attempts_max: 300, window: TimeDelta::minutes(15) };
/// Letters asked for one e-mail address.
pub const LETTER_ACCOUNT: Throttle = Throttle { scope: "letter_account", attempts_max: 5, window: TimeDelta::hours(1) };
/// Letters asked from one address, and one-time codes or links tried from it.
pub const LETTER_ADDRESS: Throttle =
    Throttle { scope: "letter_address", attempts_max: 100, window: TimeDelta::hours(1) };
pub const LINK_ADDRESS: Throttle = Throttle { scope: "link_address", attempts_max: 100, window: TimeDelta::hours(1) };

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = sql_types::Integer)]
    attempts: i32,
    #[diesel(sql_type = sql_types::Timestamptz)]
    window_started_at: DateTime<Utc>,
}

/// Counts one attempt of `subject`. Its transaction must commit whatever follows, so it is one of its own; `Err` inside the result
/// says to wait.
pub fn count(tx: &mut DirectoryTx<'_>, throttle: Throttle, subject: &str) -> Result<Result<(), Error>, Error> {
    let now = tx.now()?;
    let opened_after = now.checked_sub_signed(throttle.window).unwrap_or(now);
    let count: Count = diesel::sql_query(
        "insert into throttles (scope, subject, window_started_at, attempts) values ($1, $2, $3, 1)
         on conflict on constraint throttles_pk do update set
             attempts = case when throttles.window_started_at <= $4 then 1 else least(throttles.attempts + 1, 1000000) end,
             window_started_at = case when throttles.window_started_at <= $4 then $3 else throttles.window_started_at end
         returning attempts, window_started_at",
    )
    .bind::<sql_types::Text, _>(throttle.scope)
    .bind::<sql_types::Binary, _>(tx.key.fingerprint("throttle", subject.as_bytes()))
    .bind::<sql_types::Timestamptz, _>(now)
    .bind::<sql_types::Timestamptz, _>(opened_after)
    .get_result(tx.conn)?;
    if count.attempts <= throttle.attempts_max {
        return Ok(Ok(()));
    }
    let opens_again = count.window_started_at.checked_add_signed(throttle.window).unwrap_or(now);
    let wait = u64::try_from(opens_again.signed_duration_since(now).num_seconds().max(1)).unwrap_or(1);
    Ok(Err(Error::Later(Refusal::TooManyAttempts, wait)))
}

/// Counts an attempt from the caller's address.
pub fn count_address(tx: &mut DirectoryTx<'_>, throttle: Throttle) -> Result<Result<(), Error>, Error> {
    let address = subject_address(tx.caller);
    count(tx, throttle, &address)
}

/// Forgets what was counted: the right password or code ends a row of wrong ones.
pub fn forget(tx: &mut DirectoryTx<'_>, throttle: Throttle, subject: &str) -> Result<(), Error> {
    diesel::sql_query("delete from throttles where scope = $1 and subject = $2")
        .bind::<sql_types::Text, _>(throttle.scope)
        .bind::<sql_types::Binary, _>(tx.key.fingerprint("throttle", subject.as_bytes()))
        .execute(tx.conn)?;
    Ok(())
}

/// An IPv6 customer holds a /64: its addresses count as one.
fn subject_address(caller: &Caller) -> String {
    match caller.address {
        None => "unknown".to_owned(),
        Some(std::net::IpAddr::V4(v4)) => v4.to_string(),
        Some(std::net::IpAddr::V6(v6)) => format!("{:x?}", v6.segments().iter().take(4).collect::<Vec<_>>()),
    }
}
