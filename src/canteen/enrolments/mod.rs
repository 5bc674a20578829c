//! Enrolments in the canteen: a diner, a collège, the days of the week, for a season. A family enrols a child of a collège in scope, and all
//! the meals of the year are reserved at once; the days of the week change until a date of the calendar, single meals until their cut-off.

pub mod db;
pub mod following;
pub mod http;

pub use db::CanteenEnrolment;

use super::{
    Diner,
    calendars::{
        self,
        days::{Calendar, SchoolDay},
    },
    meals,
    rates::{self, RateRow},
    services, tariffs,
    weekdays::Weekdays,
};
use crate::{
    audit,
    db::Tx,
    enrolments::{self as requests, state::EnrolmentState as RequestState},
    error::{Error, Refusal},
    families,
    kernel::{
        actor::Actor,
        ids::{AccountId, CanteenEnrolmentId, ChildId, DinerId, FamilyId},
        money::Cents,
        text::{SeasonCode, Uai},
        time::paris_date,
    },
};
use chrono::NaiveDate;
use serde_json::json;

/// Menus forgotten in one transaction.
const FORGET_MAX: i64 = 5_000;

text_enum! {
    /// What somebody eats. A choice among menus: never a religion, never an illness.
    pub enum Diet {
        Everything = "everything",
        NoPork = "no_pork",
        NoMeat = "no_meat",
    }
}

text_enum! {
    /// Whether an enrolment lasts.
    pub enum CanteenEnrolmentState { Active = "active", Ended = "ended" }
}

text_enum! {
    /// Why an enrolment ended.
    pub enum EndReason {
        AtFamilysWish = "at_familys_wish",
        ChangedCollege = "changed_college",
        LeftScheme = "left_scheme",
        /// The collège refused the child's request: the canteen comes back when it is sent again.
        RequestRefused = "request_refused",
        /// The same pupil has his rights through another file, and eats by it.
        PupilElsewhere = "pupil_elsewhere",
        ByDepartment = "by_department",
    }
}

impl CanteenEnrolment {
    /// Whether a day is one of its own, with or without a meal: from its first to its last one, and until it ended.
    #[must_use]
    pub fn lasts_on(&self, day: NaiveDate) -> bool {
        let ended_on = self.ended_at.map(paris_date);
        self.starts_on <= day && day <= self.ends_on && ended_on.is_none_or(|end| day <= end)
    }
}

/// What a family asks for.
#[derive(Debug, Clone)]
pub struct Wish {
    pub season: SeasonCode,
    pub weekdays: Weekdays,
    pub diet: Diet,
    /// Not before that day; as soon as possible when absent.
    pub starts_on: Option<NaiveDate>,
}

/// Who is to be enrolled, where.
pub(super) struct Place {
    pub diner: Diner,
    pub person: DinerId,
    pub family: Option<FamilyId>,
    pub college: Uai,
}

/// The account behind the caller.
pub(super) fn caller(tx: &Tx<'_>) -> Result<AccountId, Error> {
    match tx.caller.actor {
        Actor::Guardian { account } | Actor::Secretary { account, .. } | Actor::Agent { account, .. } => Ok(account),
        Actor::System | Actor::Anonymous | Actor::Device { .. } | Actor::Gate { .. } | Actor::Kitchen { .. } => {
            Err(Refusal::Forbidden.into())
        }
    }
}

/// Enrols a child, whose request for the season names a collège of this canteen. Its meals are reserved from the first day that can still be
/// added, and its rate is the highest until a reduced one is asked for. Overdue sums are settled first, unless an agent waived that. Refused
/// when the same pupil has his rights through another file: he eats once.
pub fn enrol_pupil(tx: &mut Tx<'_>, child: ChildId, wish: &Wish) -> Result<CanteenEnrolment, Error> {
    let child = families::child(tx, child)?;
    families::require_full_rights(tx, child.family_id)?;
    services::require_canteen(tx)?;
    let request = requests::db::lock_of_child(tx, child.id, &wish.season)?.filter(|request| {
        matches!(request.state, RequestState::Submitted | RequestState::Confirmed | RequestState::Active)
    });
    let request = request.ok_or(Error::Refused(Refusal::CanteenRequestNeeded))?;
    if request.state == RequestState::Submitted && db::pupil_is_elsewhere(tx, child.id, &wish.season)? {
        return Err(Refusal::DuplicatePupil.into());
    }
    let owed = db::owed(tx, child.family_id, &wish.season)?;
    if owed > Cents::ZERO {
        let because = format!(
            "Des sommes échues restent à régler pour la cantine ({owed}) : l'inscription s'ouvre dès qu'elles le sont."
        );
        return Err(Error::RefusedBecause(Refusal::CanteenUnsettled, because));
    }
    let place = Place {
        diner: Diner::Pupil,
        person: child.id.into(),
        family: Some(child.family_id),
        college: request.college_uai,
    };
    let enrolment = enrol(tx, place, wish)?;
    let rate = rates::refresh_week(tx, &enrolment, enrolment.starts_on)?;
    let body = format!(
        "Bonjour,\n\nVotre enfant est inscrit à la cantine du {} au {}. Prix du repas : {}.\n{}{}\n\nPass+",
        enrolment.starts_on.format("%d/%m/%Y"),
        enrolment.ends_on.format("%d/%m/%Y"),
        rate.meal_cents,
        rates::coming_prices(tx, enrolment.person_id, &enrolment.season, &rate)?,
        if may_ask_for_less(tx, &enrolment, &rate)? {
            "Un tarif réduit peut être demandé dans votre espace : sans demande, rien n'est vérifié et le prix le plus élevé s'applique."
        } else {
            ""
        }
    );
    families::notify_of(tx, (child.family_id, child.id), "Inscription à la cantine", &body)?;
    Ok(enrolment)
}

/// Whether whoever tells his means or a status might pay less: the tariff has lower prices, and this one rests on nothing that was told.
fn may_ask_for_less(tx: &mut Tx<'_>, enrolment: &CanteenEnrolment, rate: &RateRow) -> Result<bool, Error> {
    let tariff = tariffs::tariff_on(tx, enrolment.diner, enrolment.starts_on)?;
    Ok(tariff.grid().has_lower_prices() && !rate.rests_on_means())
}

/// The rows of an enrolment and of its meals.
pub(super) fn enrol(tx: &mut Tx<'_>, place: Place, wish: &Wish) -> Result<CanteenEnrolment, Error> {
    let now = tx.now()?;
    let row = calendars::published(tx, &wish.season)?.ok_or(Error::Refused(Refusal::CanteenNoCalendar))?;
    let calendar = &row.calendar.0;
    require_served(calendar, wish.weekdays)?;
    let today = paris_date(now);
    let wished = wish.starts_on.unwrap_or(calendar.first_day).max(calendar.first_day).max(today);
    let first = calendar
        .served_days(wished, calendar.last_day)
        .find(|day| now < calendar.too_late_from(*day))
        .ok_or(Error::Refused(Refusal::NoMealsLeft))?;
    let by = caller(tx)?;
    let enrolment = db::insert(tx, by, &place, wish, (first, calendar.last_day))?;
    meals::layout::lay_out(tx, &[enrolment.id], (calendar, row.version), first)?;
    let details = json!({ "season": wish.season, "college_uai": place.college, "starts_on": first });
    audit::record(tx, "canteen_enrolled", ("canteen_enrolment", enrolment.id), details)?;
    Ok(enrolment)
}

/// Whoever chooses a day of the week without meals would count on them and never eat.
fn require_served(calendar: &Calendar, weekdays: Weekdays) -> Result<(), Error> {
    if weekdays.iter().all(|day| calendar.served_on.contains(&day)) {
        return Ok(());
    }
    let served: Vec<&str> =
        SchoolDay::ALL.iter().filter(|day| calendar.served_on.contains(day)).map(|day| day.french()).collect();
    Err(Error::field("/weekdays", format!("la cantine ne sert de repas que ces jours : {}", served.join(", "))))
}

/// Changes the days of the week, from the first meal that can still be changed. A family may until the date that the calendar tells; agents
/// may all the year.
pub fn change_weekdays(
    tx: &mut Tx<'_>,
    id: CanteenEnrolmentId,
    version: i32,
    weekdays: Weekdays,
) -> Result<CanteenEnrolment, Error> {
    let (enrolment, calendar) = lock_active(tx, id, Some(version))?;
    let now = tx.now()?;
    if matches!(tx.caller.actor, Actor::Guardian { .. }) && paris_date(now) > calendar.weekdays_until {
        return Err(Error::RefusedBecause(
            Refusal::WeekdaysFixed,
            format!(
                "Les jours de la semaine ne changent plus depuis le {} : annulez ou ajoutez des repas un à un.",
                calendar.weekdays_until.format("%d/%m/%Y")
            ),
        ));
    }
    require_served(&calendar, weekdays)?;
    let changed = db::set_weekdays(tx, &enrolment, weekdays)?;
    let open = first_open(&changed, &calendar, now);
    if let Some(from) = open {
        meals::layout::change_weekdays(tx, &changed, enrolment.weekdays, &calendar, from)?;
        rates::refresh_week(tx, &changed, from)?;
    }
    let details = json!({ "weekdays": weekdays, "from": open });
    audit::record(tx, "canteen_weekdays_changed", ("canteen_enrolment", id), details)?;
    let days: Vec<&str> = weekdays.iter().map(SchoolDay::french).collect();
    let from = open.map(|day| format!(", à partir du {}", day.format("%d/%m/%Y"))).unwrap_or_default();
    tell_of_agent(tx, &changed, &format!("Ses jours de cantine sont maintenant : {}{from}.", days.join(", ")))?;
    Ok(changed)
}

/// Changes the menu, at once: gates and kitchens read it as it stands.
pub fn change_diet(
    tx: &mut Tx<'_>,
    id: CanteenEnrolmentId,
    version: i32,
    diet: Diet,
) -> Result<CanteenEnrolment, Error> {
    let (enrolment, _) = lock_active(tx, id, Some(version))?;
    let changed = db::set_diet(tx, &enrolment, diet)?;
    audit::record(tx, "canteen_diet_changed", ("canteen_enrolment", id), json!({}))?;
    tell_of_agent(tx, &changed, "Son menu est changé : il se lit dans votre espace.")?;
    Ok(changed)
}

/// A word to a family whose choices somebody else changed for it.
pub(super) fn tell_of_agent(tx: &mut Tx<'_>, enrolment: &CanteenEnrolment, what: &str) -> Result<(), Error> {
    let Some(family) = enrolment.family_id.filter(|_| !matches!(tx.caller.actor, Actor::Guardian { .. })) else {
        return Ok(());
    };
    let body = format!(
        "Bonjour,\n\nUn agent du département a changé l'inscription de votre enfant à la cantine. {what} Si vous ne l'avez pas demandé, \
         dites-le au département.\n\nPass+"
    );
    families::notify_of(tx, (family, enrolment.person_id.child()), "Cantine : un changement fait pour vous", &body)
}

/// Ends an enrolment: the meals that can still be cancelled are, the others stay.
pub fn end(
    tx: &mut Tx<'_>,
    id: CanteenEnrolmentId,
    version: i32,
    reason: EndReason,
) -> Result<CanteenEnrolment, Error> {
    let (enrolment, calendar) = lock_active(tx, id, Some(version))?;
    let now = tx.now()?;
    let from = first_open(&enrolment, &calendar, now);
    let ended = db::end(tx, &enrolment, reason)?;
    let cancelled = meals::layout::cancel_from(tx, ended.id, from.unwrap_or(NaiveDate::MAX))?;
    let details = json!({ "reason": reason, "cancelled": cancelled });
    audit::record(tx, "canteen_enrolment_ended", ("canteen_enrolment", id), details)?;
    if let Some(family) = ended.family_id {
        let body = format!(
            "Bonjour,\n\nL'inscription de votre enfant à la cantine est terminée : {cancelled} repas à venir sont annulés. \
             Ceux que l'on ne peut plus annuler restent dus.\n\nPass+"
        );
        families::notify_of(tx, (family, ended.person_id.child()), "Fin de l'inscription à la cantine", &body)?;
    }
    Ok(ended)
}

/// The first day of the enrolment whose meal can still be changed.
fn first_open(
    enrolment: &CanteenEnrolment,
    calendar: &Calendar,
    now: chrono::DateTime<chrono::Utc>,
) -> Option<NaiveDate> {
    let from = enrolment.starts_on.max(paris_date(now));
    calendar.served_days(from, enrolment.ends_on).find(|day| now < calendar.too_late_from(*day))
}

/// An enrolment that lasts, with the calendar of its season; in the version that was read, if that matters. Refuses guardians who only consult.
pub(super) fn lock_active(
    tx: &mut Tx<'_>,
    id: CanteenEnrolmentId,
    version: Option<i32>,
) -> Result<(CanteenEnrolment, Calendar), Error> {
    // Rights before the lock: the database shows no row to change to who may only look at it.
    let family = db::enrolment(tx, id)?.family_id;
    if let Some(family) = family {
        families::require_full_rights(tx, family)?;
    }
    let enrolment = db::lock(tx, id)?;
    if enrolment.state == CanteenEnrolmentState::Ended {
        return Err(Refusal::CanteenEnded.into());
    }
    if version.is_some_and(|version| version != enrolment.version) {
        return Err(Refusal::StaleVersion.into());
    }
    let calendar = calendars::show_canteen_calendar(tx, &enrolment.season)?.calendar.0;
    Ok((enrolment, calendar))
}

/// Forgets the menus of seasons that are over. Returns how many; there may be more.
pub fn forget_diets(tx: &mut Tx<'_>) -> Result<usize, Error> {
    let today = paris_date(tx.now()?);
    db::forget_diets(tx, today, FORGET_MAX)
}

/// An enrolment with its rates.
pub fn show(tx: &mut Tx<'_>, id: CanteenEnrolmentId) -> Result<(CanteenEnrolment, Vec<RateRow>), Error> {
    let enrolment = db::enrolment(tx, id)?;
    let rates = rates::held_rates(tx, enrolment.person_id, &enrolment.season)?;
    Ok((enrolment, rates))
}

/// The enrolments of a child, the last season first, with their rates.
pub fn of_child(tx: &mut Tx<'_>, child: ChildId) -> Result<Vec<(CanteenEnrolment, Vec<RateRow>)>, Error> {
    let child = families::child(tx, child)?;
    let rows = db::of_person(tx, child.id.into())?;
    rows.into_iter().map(|row| rates::held_rates(tx, row.person_id, &row.season).map(|rates| (row, rates))).collect()
}

/// A page of those of a collège, for its secretary and the department's agents: no price.
pub fn list(
    tx: &mut Tx<'_>,
    college: &Uai,
    season: &SeasonCode,
    after: Option<uuid::Uuid>,
    limit: i64,
) -> Result<Vec<db::ListedDiner>, Error> {
    db::page(tx, college, season, after, limit)
}
