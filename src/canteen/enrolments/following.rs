//! What depends on a child's request follows it: when the child changes collège the canteen goes along, if there is one; when the child
//! leaves, it ends. Looked at by the worker, so that whatever changes a request needs to know nothing of canteens.

use super::{
    Diet, EndReason, Place, Wish,
    db::{self, CanteenEnrolment},
};
use crate::{
    audit,
    canteen::{
        calendars,
        meals::{layout, singles},
        rates, services,
    },
    db::Tx,
    error::Error,
    families,
    kernel::{ids::CanteenEnrolmentId, text::Uai, time::paris_date},
};
use chrono::{Days, NaiveDate};
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
    #[diesel(sql_type = Text)]
    college_uai: Uai,
}

/// Ends or moves enrolments of children who left, or who are at another collège now. Returns how many; there may be more. When a season's
/// money was taken back all its requests expire: nobody left, and meals go on until the calendar's last day.
pub fn follow_requests(tx: &mut Tx<'_>) -> Result<usize, Error> {
    let today = paris_date(tx.now()?);
    let due: Vec<Due> = diesel::sql_query(
        "with over as materialized (select season from season_expiries where done_at is not null)
         select e.id, not l.has_left as stands, r.college_uai
           from canteen_enrolments e join enrolments r on r.child_id = e.person_id and r.season = e.season
          cross join lateral (
                select r.state = 'refused' or (r.state = 'expired' and r.season not in (select season from over)) as has_left) l
          where e.state = 'active' and e.diner = 'pupil' and e.ends_on >= $1 and (l.has_left or r.college_uai <> e.college_uai)
          order by e.id limit $2 for update of e skip locked",
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
            let reason = if one.stands { EndReason::ChangedCollege } else { EndReason::LeftScheme };
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
        EndReason::ChangedCollege => "son nouveau collège n'a pas cette cantine",
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
    let chosen = singles::chosen_from(tx, &ended, from)?;
    layout::cancel_from(tx, ended.id, from)?;
    let place = Place {
        diner: enrolment.diner,
        person: enrolment.person_id,
        family: enrolment.family_id,
        college: college.clone(),
    };
    let wish = Wish {
        season: enrolment.season.clone(),
        weekdays: enrolment.weekdays,
        diet: enrolment.diet.unwrap_or(Diet::Everything),
        starts_on: Some(from),
    };
    let moved = db::insert(tx, enrolment.enrolled_by, &place, &wish, (from, enrolment.ends_on))?;
    layout::lay_out(tx, &[moved.id], (&calendar.calendar.0, calendar.version), from)?;
    singles::choose_again(tx, &moved, &calendar.calendar.0, &chosen)?;
    rates::refresh_week(tx, &moved, from)?;
    let details = json!({ "from": ended.id, "college_uai": college, "starts_on": from });
    audit::record(tx, "canteen_enrolment_followed", ("canteen_enrolment", moved.id), details)?;
    let body = format!(
        "Bonjour,\n\nVotre enfant a changé de collège : à partir du {}, ses repas sont réservés à la cantine du nouveau, aux mêmes \
         jours et au même tarif. Les repas que vous avez annulés ou ajoutés un par un le restent.\n\nPass+",
        from.format("%d/%m/%Y")
    );
    tell(tx, &moved, "La cantine suit le changement de collège", &body)
}

fn tell(tx: &mut Tx<'_>, enrolment: &CanteenEnrolment, subject: &str, body: &str) -> Result<(), Error> {
    match enrolment.family_id {
        Some(family) => families::notify_of(tx, (family, enrolment.person_id.child()), subject, body),
        None => Ok(()),
    }
}
