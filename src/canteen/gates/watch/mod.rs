//! What a gate may still have to send: numbers that lack in its row, or silence since before the end of a day on which meals were served.
//! Attendance decides what a family pays, so whoever closes a day or locks a month is told.

mod db;
pub mod http;

use crate::{
    canteen::calendars,
    db::Tx,
    error::Error,
    kernel::{
        ids::{CanteenOperatorId, DeviceId},
        text::{Label, Uai},
        time::paris_date,
    },
};
use chrono::{DateTime, NaiveDate, Utc};
use db::GateRow;

/// Numbers that lack between two readings of a gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    pub missing: i64,
    /// The reading before; absent when they lack from the first number on.
    pub since: Option<DateTime<Utc>>,
    /// The reading after.
    pub until: DateTime<Utc>,
}

/// A gate from which passages may lack.
#[derive(Debug, Clone)]
pub struct WaitingGate {
    pub device: DeviceId,
    pub college: Uai,
    pub label: Option<Label>,
    pub heard_at: DateTime<Utc>,
    /// Its last day there, when that is over: it is revoked, or its operator left, and what lacks does not come any more.
    pub stopped_on: Option<NaiveDate>,
    /// Last heard before the end of a day that was served.
    pub is_silent: bool,
    pub gaps: Vec<Gap>,
}

impl WaitingGate {
    /// Numbers that lack.
    #[must_use]
    pub fn missing(&self) -> i64 {
        self.gaps.iter().map(|gap| gap.missing).sum()
    }

    /// As a refusal tells it.
    fn french(&self) -> String {
        let name = self.label.as_ref().map_or_else(|| self.device.to_string(), |label| format!("« {label} »"));
        let missing = match self.missing() {
            0 => None,
            1 => Some("1 numéro manque".to_owned()),
            more => Some(format!("{more} numéros manquent")),
        };
        let silent = self
            .is_silent
            .then(|| format!("pas de nouvelles depuis le {}", paris_date(self.heard_at).format("%d/%m/%Y")));
        let stopped = self.stopped_on.map(|day| format!("arrêtée le {}, rien ne viendra plus", day.format("%d/%m/%Y")));
        let told: Vec<String> = missing.into_iter().chain(silent).chain(stopped).collect();
        format!("{name} ({})", told.join(", "))
    }
}

/// All of them, in a sentence.
#[must_use]
pub fn french(gates: &[WaitingGate]) -> String {
    gates.iter().map(WaitingGate::french).collect::<Vec<_>>().join(" ; ")
}

/// The gates of a collège, or of all, from which passages of those days may lack.
pub fn waiting_gates(
    tx: &mut Tx<'_>,
    college: Option<&Uai>,
    (from, until): (NaiveDate, NaiveDate),
) -> Result<Vec<WaitingGate>, Error> {
    let today = paris_date(tx.now()?);
    let gaps = db::gaps(tx, college, (from, until))?;
    let mut waiting = vec![];
    for GateRow { device_id: device, college_uai: college, label, heard_at, last_day } in db::gates(tx, college)? {
        let gaps: Vec<Gap> = gaps.iter().filter(|(of, _)| *of == device).map(|(_, gap)| gap.clone()).collect();
        let mut is_silent = false;
        for day in unheard(paris_date(heard_at), last_day, (from, until), today) {
            is_silent = calendars::is_served(tx, &college, day)?;
            if is_silent {
                break;
            }
        }
        if is_silent || !gaps.is_empty() {
            let stopped_on = last_day.filter(|last| *last < today);
            waiting.push(WaitingGate { device, college, label, heard_at, stopped_on, is_silent, gaps });
        }
    }
    Ok(waiting)
}

/// Days of those that are over, on which a gate was at work, and whose end it did not tell of.
fn unheard(
    heard_on: NaiveDate,
    last_day: Option<NaiveDate>,
    (from, until): (NaiveDate, NaiveDate),
    today: NaiveDate,
) -> impl Iterator<Item = NaiveDate> {
    let last = last_day.map_or(until, |last| until.min(last));
    from.max(heard_on).iter_days().take_while(move |day| *day <= last && *day < today)
}

/// Keeps a gate that is invited.
pub fn expect_gate(
    tx: &mut Tx<'_>,
    device: DeviceId,
    operator: CanteenOperatorId,
    place: (&Uai, &Label),
) -> Result<(), Error> {
    db::insert(tx, device, operator, place)
}

/// Nothing is expected any more of a gate that is revoked; nor of what is none.
pub fn dismiss_gate(tx: &mut Tx<'_>, device: DeviceId) -> Result<(), Error> {
    db::set_revoked(tx, device)
}

/// The calling gate has network.
pub fn heard(tx: &mut Tx<'_>) -> Result<(), Error> {
    db::heard(tx)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    fn days(heard_on: &str, last: Option<&str>, period: (&str, &str), today: &str) -> Vec<String> {
        let period = (day(period.0), day(period.1));
        unheard(day(heard_on), last.map(day), period, day(today)).map(|day| day.to_string()).collect()
    }

    #[test]
    fn a_gate_has_told_of_the_days_before_the_one_on_which_it_was_last_heard() {
        let october = ("2026-10-01", "2026-10-31");
        assert!(days("2026-11-02", None, october, "2026-11-03").is_empty());
        assert_eq!(days("2026-10-30", None, october, "2026-11-03"), ["2026-10-30", "2026-10-31"]);
        assert_eq!(days("2026-09-30", None, ("2026-10-01", "2026-10-02"), "2026-11-03"), ["2026-10-01", "2026-10-02"]);
        assert_eq!(days("2026-10-29", Some("2026-10-30"), october, "2026-11-03"), ["2026-10-29", "2026-10-30"]);
        assert!(days("2026-10-12", Some("2026-09-30"), october, "2026-11-03").is_empty(), "it had left");
        assert!(days("2026-10-12", None, ("2026-10-12", "2026-10-12"), "2026-10-12").is_empty(), "today is not over");
    }

    #[test]
    fn what_lacks_is_told_in_a_sentence() {
        let at: DateTime<Utc> = "2026-10-15T10:00:00Z".parse().expect("an instant");
        let gap = |missing| Gap { missing, since: None, until: at };
        let gate = |is_silent, gaps| WaitingGate {
            device: DeviceId::generate(),
            college: "0920001B".parse().expect("a collège"),
            label: "Entrée".parse().ok(),
            heard_at: at,
            stopped_on: None,
            is_silent,
            gaps,
        };
        let told = french(&[gate(false, vec![gap(2), gap(1)]), gate(true, vec![gap(1)])]);
        assert_eq!(
            told,
            "« Entrée » (3 numéros manquent) ; « Entrée » (1 numéro manque, pas de nouvelles depuis le 15/10/2026)"
        );
        let stopped = WaitingGate { stopped_on: Some(day("2026-10-16")), ..gate(false, vec![gap(1)]) };
        assert_eq!(french(&[stopped]), "« Entrée » (1 numéro manque, arrêtée le 16/10/2026, rien ne viendra plus)");
    }
}
