//! How often an administration may be called: a distance between calls, the rest that it asked for, and a breaker for when it fails. The
//! state is one row that every process locks, so that neither a restart nor a second worker forgets what was asked. Rules only, no query.

use super::http_client::Pause;
use chrono::{DateTime, TimeDelta, Utc};

/// Failures in a row that open the breaker, and its first rest, which doubles with every failure after.
const FAILURES_MAX: i32 = 5;
const REST_FIRST: TimeDelta = TimeDelta::seconds(60);
const REST_MAX: TimeDelta = TimeDelta::minutes(15);
/// A rest asked for without saying how long.
const PAUSE_DEFAULT: TimeDelta = TimeDelta::seconds(60);
/// Added to each rest asked for: calling a moment too early costs twelve hours of ban.
const PAUSE_MARGIN: TimeDelta = TimeDelta::seconds(1);
/// No honest rest is longer: a wrong date must not end the service for good.
const PAUSE_MAX: TimeDelta = TimeDelta::days(7);
/// A token that is not accepted is tried again so often: only an operator can mend it.
const DENIED_REST: TimeDelta = TimeDelta::minutes(15);

text_enum! {
    /// Who is called; each has its own pace and breaker.
    pub enum Authority {
        ApiParticulier = "api_particulier",
        ImpotParticulier = "api_impot_particulier",
    }
}

impl Authority {
    /// Between two calls.
    const fn distance(self) -> TimeDelta {
        match self {
            // Twenty calls a second and token are published; this leaves room for clocks, the network and whoever else holds the token.
            Self::ApiParticulier => TimeDelta::milliseconds(60),
            // No rate is published, abuse is cut off: a whole summer's families still pass in hours.
            Self::ImpotParticulier => TimeDelta::milliseconds(200),
        }
    }
}

/// Where an administration stands with us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub authority: Authority,
    pub next_call_at: DateTime<Utc>,
    pub blocked_until: DateTime<Utc>,
    pub failures: i32,
    pub paused_until: DateTime<Utc>,
}

/// What a call says about the administration, whatever it says about whom it was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    Good,
    /// It answered nothing useful; it may have said when to come back.
    Failing(Option<TimeDelta>),
    /// Too many calls: everybody waits.
    Limited(Option<Pause>),
    /// The token is not accepted.
    Denied,
    /// Neither good nor bad.
    Unchanged,
}

impl Limits {
    /// The state once a call is made now; or the instant before which none may be.
    pub fn permit(self, now: DateTime<Utc>) -> Result<Self, DateTime<Utc>> {
        let from = self.next_call_at.max(self.blocked_until).max(self.paused_until);
        if now < from {
            return Err(from);
        }
        // After a rest one call tries the ground, and the others wait for what it tells.
        let paused_until = if self.failures >= FAILURES_MAX { after(now, REST_FIRST) } else { self.paused_until };
        Ok(Self { next_call_at: after(now, self.authority.distance()), paused_until, ..self })
    }

    /// The state once that call has ended.
    #[must_use]
    pub fn told(self, health: Health, now: DateTime<Utc>) -> Self {
        match health {
            Health::Good => Self { failures: 0, paused_until: now, ..self },
            Health::Failing(retry_in) => {
                let failures = self.failures.saturating_add(1);
                let rest = rest(failures).max(retry_in.unwrap_or_default().min(PAUSE_MAX));
                Self { failures, paused_until: self.paused_until.max(after(now, rest)), ..self }
            }
            Health::Limited(pause) => {
                let until = match pause.unwrap_or(Pause::For(PAUSE_DEFAULT)) {
                    Pause::For(time) => after(now, time),
                    Pause::Until(instant) => instant,
                };
                let until = after(until.clamp(now, after(now, PAUSE_MAX)), PAUSE_MARGIN);
                Self { blocked_until: self.blocked_until.max(until), ..self }
            }
            Health::Denied => Self { blocked_until: self.blocked_until.max(after(now, DENIED_REST)), ..self },
            Health::Unchanged => self,
        }
    }
}

/// The rest that so many failures in a row impose.
fn rest(failures: i32) -> TimeDelta {
    let Ok(more) = u32::try_from(failures.saturating_sub(FAILURES_MAX)) else { return TimeDelta::zero() };
    REST_FIRST.checked_mul(2_i32.saturating_pow(more.min(10))).unwrap_or(REST_MAX).min(REST_MAX)
}

fn after(now: DateTime<Utc>, time: TimeDelta) -> DateTime<Utc> {
    now.checked_add_signed(time).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> DateTime<Utc> {
        after(DateTime::UNIX_EPOCH, TimeDelta::milliseconds(milliseconds))
    }

    fn fresh() -> Limits {
        of(Authority::ApiParticulier)
    }

    fn of(authority: Authority) -> Limits {
        Limits { authority, next_call_at: at(0), blocked_until: at(0), failures: 0, paused_until: at(0) }
    }

    #[test]
    fn no_second_sees_more_than_twenty_calls() {
        let (mut limits, mut calls) = (fresh(), vec![]);
        for now in 0..5_000 {
            if let Ok(next) = limits.permit(at(now)) {
                limits = next;
                calls.push(now);
            }
        }
        assert!(calls.len() > 60, "{} calls in five seconds", calls.len());
        for second in 0..4_000 {
            let within = calls.iter().filter(|call| (second..second + 1_000).contains(*call)).count();
            assert!(within <= 20, "{within} calls from {second}");
        }
    }

    #[test]
    fn each_administration_has_its_own_pace() {
        for (authority, distance) in [(Authority::ApiParticulier, 60), (Authority::ImpotParticulier, 200)] {
            let called = of(authority).permit(at(0)).unwrap();
            assert_eq!(called.permit(at(distance - 1)), Err(at(distance)), "{authority}");
            assert_eq!(called.permit(at(distance)).map(|limits| limits.authority), Ok(authority));
        }
    }

    #[test]
    fn a_rest_asked_for_is_kept_to_its_end_and_never_shortened() {
        let limited = fresh().told(Health::Limited(Some(Pause::For(TimeDelta::seconds(30)))), at(0));
        assert_eq!(limited.permit(at(30_000)), Err(at(31_000)));
        let again = limited.told(Health::Limited(Some(Pause::For(TimeDelta::seconds(1)))), at(0));
        assert_eq!(again.told(Health::Good, at(10)).permit(at(30_999)), Err(at(31_000)));
        assert!(again.permit(at(31_000)).is_ok());
        let dated = fresh().told(Health::Limited(Some(Pause::Until(at(90_000)))), at(0));
        assert_eq!(dated.permit(at(0)), Err(at(91_000)));
        assert_eq!(fresh().told(Health::Limited(None), at(0)).permit(at(0)), Err(at(61_000)));
        let past = fresh().told(Health::Limited(Some(Pause::Until(at(0)))), at(5_000));
        assert_eq!(past.permit(at(5_000)), Err(at(6_000)));
        let absurd = fresh().told(Health::Limited(Some(Pause::Until(DateTime::<Utc>::MAX_UTC))), at(0));
        assert!(absurd.blocked_until <= after(at(1_000), PAUSE_MAX));
    }

    #[test]
    fn the_breaker_opens_lets_one_call_through_and_closes() {
        let mut limits = fresh();
        for failure in 1..FAILURES_MAX {
            limits = limits.told(Health::Failing(None), at(0));
            assert!(limits.permit(at(0)).is_ok(), "open after {failure}");
        }
        limits = limits.told(Health::Failing(None), at(0));
        assert_eq!(limits.permit(at(59_999)), Err(at(60_000)));
        let probing = limits.permit(at(60_000)).unwrap_or(limits);
        assert_eq!(probing.permit(at(61_000)), Err(at(120_000)), "a second call beside the probe");
        let worse = probing.told(Health::Failing(None), at(61_000));
        assert_eq!(worse.permit(at(61_000)), Err(at(181_000)), "the rest doubles");
        assert!(probing.told(Health::Good, at(61_000)).permit(at(61_000)).is_ok());
        let mut long = limits;
        for _ in 0..200 {
            long = long.told(Health::Failing(None), at(0));
        }
        assert_eq!(long.permit(at(0)), Err(after(at(0), REST_MAX)));
        assert_eq!(fresh().told(Health::Failing(Some(TimeDelta::seconds(10))), at(0)).permit(at(0)), Err(at(10_000)));
    }
}
