//! What depends on a child's request follows it: when the child changes collège the canteen goes along, if there is one; when the child
//! leaves or is refused, it ends, and when that departure is taken back, or the request is sent again, it begins again. All by the worker, so
//! that whatever changes a request needs to know nothing of canteens.

use super::{
    Diet, EndReason, Place, RequestState, Wish,
    db::{self, CanteenEnrolment},
};
use crate::{
    audit,
    canteen::{
        calendars::{self, CalendarRow},
        meals::{layout, singles},
        rates, services,
    },
    db::Tx,
    enrolments as requests,
    error::Error,
    families,
    kernel::{
        ids::{CanteenEnrolmentId, EnrolmentId},
        text::Uai,
        time::paris_date,
    },
};
use chrono::{DateTime, Days, NaiveDate, Utc};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Bool, Date, Text, Uuid},
};
use serde_json::json;

/// Enrolments that follow in one transaction.
const BATCH: i64 = 100;

#[derive(QueryableByName)]
struct Due {
    #[diesel(sql_type = Uuid)]
    id: CanteenEnrolmentId,
    #[diesel(sql_type = Bool)]
    stands: bool,
    #[diesel(sql_type = Bool)]
    is_refused: bool,
    #[diesel(sql_type = Bool)]
    is_elsewhere: bool,
    #[diesel(sql_type = Text)]
    college_uai: Uai,
}

/// Ends or moves enrolments of children who left, who have their rights through another file, or who are at another collège now. Returns how many; there may be more. When a season's
/// money was taken back all its requests expire: nobody left, and meals go on until the calendar's last day.
pub fn follow_requests(tx: &mut Tx<'_>) -> Result<usize, Error> {
    let today = paris_date(tx.now()?);
    // Whoever takes a departure back waits for the end of what it ends, or it would miss it.
    let due: Vec<Due> = diesel::sql_query(
        "with over as materialized (select season from season_expiries where done_at is not null)
         select e.id, not (l.has_left or l.is_elsewhere) as stands, r.state = 'refused' as is_refused, l.is_elsewhere, r.college_uai
           from canteen_enrolments e join enrolments r on r.child_id = e.person_id and r.season = e.season
          cross join lateral (
                select r.state = 'refused' or (r.state = 'expired' and r.season not in (select season from over)) as has_left,
                       r.state = 'submitted' and pupil_is_elsewhere(r.child_id, r.season) as is_elsewhere) l
          where e.state = 'active' and e.diner = 'pupil' and e.ends_on >= $1
            and (l.has_left or l.is_elsewhere or r.college_uai <> e.college_uai)
          order by e.id limit $2 for update of e skip locked for share of r skip locked",
    )
    .bind::<Date, _>(today)
    .bind::<BigInt, _>(BATCH)
    .load(tx.conn)?;
    for one in &due {
        let enrolment = db::enrolment(tx, one.id)?;
        let from = today.checked_add_days(Days::new(1)).unwrap_or(today).max(enrolment.starts_on);
        let goes_on = one.stands && from <= enrolment.ends_on && services::is_offered(tx, &one.college_uai, from)?;
        if goes_on {
            follow(tx, &enrolment, &one.college_uai, from)?;
        } else {
            let reason = match one {
                Due { stands: true, .. } => EndReason::ChangedCollege,
                Due { is_elsewhere: true, .. } => EndReason::PupilElsewhere,
                Due { is_refused: true, .. } => EndReason::RequestRefused,
                Due { .. } => EndReason::LeftScheme,
            };
            leave(tx, &enrolment, reason, from)?;
        }
    }
    Ok(due.len())
}

fn leave(tx: &mut Tx<'_>, enrolment: &CanteenEnrolment, reason: EndReason, from: NaiveDate) -> Result<(), Error> {
    let ended = db::end(tx, enrolment, reason)?;
    let cancelled = layout::cancel_from(tx, ended.id, from)?;
    let details = json!({ "reason": reason, "cancelled": cancelled });
    audit::record(tx, "canteen_enrolment_ended", ("canteen_enrolment", ended.id), details)?;
    let because = match reason {
        EndReason::PupilElsewhere => {
            "il a ses droits par un autre dossier, et c'est par lui qu'il s'inscrit à la cantine"
        }
        EndReason::ChangedCollege => "son nouveau collège n'a pas cette cantine",
        EndReason::RequestRefused => {
            "son collège a refusé sa demande d'inscription. Corrigez-la et renvoyez-la : la cantine reprendra d'elle-même"
        }
        _ => "ses droits de la saison ont pris fin",
    };
    let body = format!(
        "Bonjour,\n\nVotre enfant n'est plus inscrit à la cantine à partir du {} : {because}. \
         Les {cancelled} repas réservés ensuite sont annulés.\n\nPass+",
        from.format("%d/%m/%Y")
    );
    tell(tx, &ended, "Fin de l'inscription à la cantine", &body)
}

/// The same days and menu at the new collège, from that day on, with what was chosen for single days.
fn follow(tx: &mut Tx<'_>, enrolment: &CanteenEnrolment, college: &Uai, from: NaiveDate) -> Result<(), Error> {
    let Some(calendar) = calendars::published(tx, &enrolment.season)? else { return Ok(()) };
    let ended = db::end(tx, enrolment, EndReason::ChangedCollege)?;
    layout::cancel_from(tx, ended.id, from)?;
    let moved = begin_again(tx, &ended, college, (from, enrolment.ends_on), &calendar)?;
    let details = json!({ "from": ended.id, "college_uai": college, "starts_on": from });
    audit::record(tx, "canteen_enrolment_followed", ("canteen_enrolment", moved.id), details)?;
    let body = format!(
        "Bonjour,\n\nVotre enfant a changé de collège : à partir du {}, ses repas sont réservés à la cantine du nouveau, aux mêmes \
         jours et au même tarif. Les repas que vous avez annulés ou ajoutés un par un le restent.\n\nPass+",
        from.format("%d/%m/%Y")
    );
    tell(tx, &moved, "La cantine suit le changement de collège", &body)
}

/// A departure was taken back, or a refused request sent again: the enrolment that this had ended begins again with the first meal that can
/// still be reserved, unless the family has enrolled its child itself. Where it cannot, the family is told what remains to be done. Done
/// again, it does nothing more. What a departure ended before `since` stays ended.
pub fn come_back(tx: &mut Tx<'_>, request: EnrolmentId, since: DateTime<Utc>) -> Result<(), Error> {
    let request = requests::db::enrolment(tx, request)?;
    // Enrolments of the child wait for one another here.
    let Some(request) = requests::db::lock_of_child(tx, request.child_id, &request.season)? else { return Ok(()) };
    let last = db::of_person(tx, request.child_id.into())?.into_iter().find(|one| one.season == request.season);
    let came_to_nothing = |one: &CanteenEnrolment| match one.end_reason {
        Some(EndReason::RequestRefused) => true,
        Some(EndReason::LeftScheme) => one.ended_at.is_some_and(|ended_at| since <= ended_at),
        _ => false,
    };
    let Some(ended) = last.filter(came_to_nothing) else { return Ok(()) };
    if request.state == RequestState::Submitted && db::pupil_is_elsewhere(tx, request.child_id, &request.season)? {
        return Ok(());
    }
    let why = if ended.end_reason == Some(EndReason::RequestRefused) {
        "La demande d'inscription de votre enfant est renvoyée"
    } else {
        "Le départ de votre enfant avait été enregistré par erreur"
    };
    let why_not = match request.state {
        // Gone again.
        RequestState::Expired => return Ok(()),
        RequestState::Refused if ended.end_reason == Some(EndReason::RequestRefused) => return Ok(()),
        RequestState::Refused => {
            "sa demande est à renvoyer. Une fois renvoyée, inscrivez de nouveau votre enfant à la cantine"
        }
        _ => match resume(tx, &ended, &request.college_uai)? {
            Some(resumed) => return tell_of_return(tx, &resumed, why),
            None => "il n'y reste pas de repas à réserver. Si cela change, inscrivez de nouveau votre enfant",
        },
    };
    let body = format!(
        "Bonjour,\n\n{why}, mais son inscription à la cantine, qui avait pris fin, ne peut pas reprendre d'elle-même : \
         {why_not}.\n\nPass+"
    );
    tell(tx, &ended, "L'inscription à la cantine ne reprend pas", &body)
}

/// None when no meal of the season is left, or the collège has no canteen any more.
fn resume(tx: &mut Tx<'_>, ended: &CanteenEnrolment, college: &Uai) -> Result<Option<CanteenEnrolment>, Error> {
    let now = tx.now()?;
    let Some(row) = calendars::published(tx, &ended.season)? else { return Ok(None) };
    let calendar = &row.calendar.0;
    let mut days = calendar.served_days(ended.starts_on.max(paris_date(now)), calendar.last_day);
    let Some(from) = days.find(|day| now < calendar.too_late_from(*day)) else { return Ok(None) };
    if !services::is_offered(tx, college, from)? {
        return Ok(None);
    }
    let resumed = begin_again(tx, ended, college, (from, calendar.last_day), &row)?;
    let details = json!({ "from": ended.id, "starts_on": from });
    audit::record(tx, "canteen_enrolment_resumed", ("canteen_enrolment", resumed.id), details)?;
    Ok(Some(resumed))
}

fn tell_of_return(tx: &mut Tx<'_>, resumed: &CanteenEnrolment, why: &str) -> Result<(), Error> {
    let body = format!(
        "Bonjour,\n\n{why} : son inscription à la cantine reprend. Ses repas sont de nouveau réservés à partir du {}, aux mêmes \
         jours et au même tarif : avant, il est trop tard pour en réserver. Les repas que vous avez annulés ou ajoutés un par un le restent.\n\nPass+",
        resumed.starts_on.format("%d/%m/%Y")
    );
    tell(tx, resumed, "L'inscription à la cantine reprend", &body)
}

/// An enrolment like one that has ended, in its place: the same days and menu, and what was chosen for single days.
fn begin_again(
    tx: &mut Tx<'_>,
    ended: &CanteenEnrolment,
    college: &Uai,
    (from, until): (NaiveDate, NaiveDate),
    calendar: &CalendarRow,
) -> Result<CanteenEnrolment, Error> {
    let chosen = singles::chosen_from(tx, ended, from)?;
    let place =
        Place { diner: ended.diner, person: ended.person_id, family: ended.family_id, college: college.clone() };
    let wish = Wish {
        season: ended.season.clone(),
        weekdays: ended.weekdays,
        diet: ended.diet.unwrap_or(Diet::Everything),
        starts_on: Some(from),
    };
    let begun = db::insert(tx, ended.enrolled_by, &place, &wish, (from, until))?;
    layout::lay_out(tx, &[begun.id], (&calendar.calendar.0, calendar.version), from)?;
    singles::choose_again(tx, &begun, &calendar.calendar.0, &chosen)?;
    rates::refresh_week(tx, &begun, from)?;
    Ok(begun)
}

fn tell(tx: &mut Tx<'_>, enrolment: &CanteenEnrolment, subject: &str, body: &str) -> Result<(), Error> {
    match enrolment.family_id {
        Some(family) => families::notify_of(tx, (family, enrolment.person_id.child()), subject, body),
        None => Ok(()),
    }
}
