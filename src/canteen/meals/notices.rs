//! What families are told about their children's meals, composed when the letter leaves: days on which the canteen does not serve, meals
//! without reservation, and passages taken back. Meals are found by their children: millions are of no family's key.

use crate::{
    canteen::{calendars, meals::state::MealState},
    db::Tx,
    error::Error,
    families,
    jobs::{self, Job},
    kernel::{
        ids::{ChildId, ClosureId, DinerId, FamilyId},
        money::Cents,
        time::paris_date,
    },
    mail::Letter,
    schema::department::canteen_meals,
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Bool, Date, Nullable, Timestamptz, Uuid},
};
use std::fmt::Write as _;

#[derive(QueryableByName)]
struct Concerned {
    #[diesel(sql_type = Uuid)]
    child: ChildId,
    #[diesel(sql_type = BigInt)]
    meals: i64,
}

/// The letters about a closure, or about its withdrawal.
pub fn closure(tx: &mut Tx<'_>, family: FamilyId, id: ClosureId) -> Result<Vec<Letter>, Error> {
    let closure = calendars::closure(tx, id)?;
    let state = if closure.withdrawn_at.is_none() { "closed" } else { "reserved" };
    let concerned: Vec<Concerned> = diesel::sql_query(
        "select m.person_id as child, count(*) as meals
           from canteen_closures c
          cross join children ch join canteen_meals m on m.person_id = ch.id
          where c.id = $2 and ch.family_id = $1 and m.state = $3 and m.day between c.from_day and c.until_day
            and (c.college_uai is null or c.college_uai = m.college_uai)
            and (c.withdrawn_at is null or m.day >= (c.withdrawn_at at time zone 'Europe/Paris')::date)
          group by m.person_id order by m.person_id",
    )
    .bind::<Uuid, _>(family)
    .bind::<Uuid, _>(id)
    .bind::<diesel::sql_types::Text, _>(state)
    .load(tx.conn)?;
    // One that has begun is withdrawn for the days that remain.
    let from = closure.withdrawn_at.map_or(closure.from_day, |at| closure.from_day.max(paris_date(at)));
    let days = days(from, closure.until_day);
    let mut told = String::new();
    for one in &concerned {
        let child = families::child(tx, one.child)?;
        let _ = writeln!(told, "  {} : {} repas", child.first_names, one.meals);
    }
    let (subject, body) = if closure.withdrawn_at.is_none() {
        let what = format!("La cantine est fermée {days} ({}). Ces repas sont annulés, rien n'est dû :", closure.label);
        ("Cantine fermée", what)
    } else {
        let what = format!("La cantine ouvre finalement {days}. Ces repas sont de nouveau réservés :");
        ("Cantine ouverte", what)
    };
    families::letters(tx, family, subject, &format!("Bonjour,\n\n{body}\n{told}\nPass+"))
}

/// `le 05/11/2026`, or `du 05/11/2026 au 09/11/2026`.
fn days(from: NaiveDate, until: NaiveDate) -> String {
    let (first, last) = (from.format("%d/%m/%Y"), until.format("%d/%m/%Y"));
    if from == until { format!("le {first}") } else { format!("du {first} au {last}") }
}

#[derive(QueryableByName)]
struct Unserved {
    #[diesel(sql_type = Uuid)]
    child: ChildId,
    #[diesel(sql_type = Bool)]
    in_scope: bool,
    #[diesel(sql_type = BigInt)]
    meals: i64,
    #[diesel(sql_type = Date)]
    first: NaiveDate,
    #[diesel(sql_type = Date)]
    last: NaiveDate,
}

/// The letters about meals that were taken from a family's children at that instant, by no closure, and were not given back since.
pub fn unserved(tx: &mut Tx<'_>, family: FamilyId, at: DateTime<Utc>) -> Result<Vec<Letter>, Error> {
    let taken: Vec<Unserved> = diesel::sql_query(
        "select m.person_id as child, s.in_scope, count(*) as meals, min(m.day) as first, max(m.day) as last
           from children ch join canteen_meals m on m.person_id = ch.id
          cross join lateral (select canteen_offered(m.college_uai, m.day) as in_scope) s
          where ch.family_id = $1 and m.state = 'closed' and m.changed_at = $2
            and not exists (select 1 from canteen_closures c where c.withdrawn_at is null and m.day between c.from_day and c.until_day
                               and (c.college_uai is null or c.college_uai = m.college_uai))
          group by 1, 2 order by 1, 2",
    )
    .bind::<Uuid, _>(family)
    .bind::<Timestamptz, _>(at)
    .load(tx.conn)?;
    if taken.is_empty() {
        return Ok(vec![]);
    }
    let mut told = String::new();
    for Unserved { child, in_scope, meals, first, last } in &taken {
        let name = families::child(tx, *child)?.first_names;
        let because =
            if *in_scope { "le calendrier de la cantine a changé" } else { "son collège n'a plus cette cantine" };
        let _ = writeln!(told, "  {name} : {meals} repas, {}, parce que {because}", days(*first, *last));
    }
    let body = "Ces repas étaient réservés et ne seront pas servis. Ils sont annulés, rien n'est dû :";
    let advice =
        "Si la cantine les sert finalement, ils seront de nouveau réservés : vous le verrez dans votre espace.";
    let letter = format!("Bonjour,\n\n{body}\n{told}\n{advice}\n\nPass+");
    families::letters(tx, family, "Repas de la cantine annulés", &letter)
}

/// Leaves a word to the family of a diner whose meal without reservation was just recorded, with the others of today. Adults get none.
pub fn tell_walk_in(tx: &mut Tx<'_>, diner: DinerId) -> Result<(), Error> {
    diesel::sql_query("select canteen_tell_walk_ins(array[$1])").bind::<Uuid, _>(diner).execute(tx.conn)?;
    Ok(())
}

/// Leaves a word to the family of a child whose passage was just taken back. Adults get none.
pub fn tell_withdrawn(tx: &mut Tx<'_>, diner: DinerId, day: NaiveDate) -> Result<(), Error> {
    let family: Option<FamilyId> =
        canteen_meals::table.find((diner, day)).select(canteen_meals::family_id).first(tx.conn)?;
    let Some(family) = family else { return Ok(()) };
    jobs::enqueue(tx, &Job::CanteenWithdrawn { family, child: diner.child(), day })
}

/// The letters about a passage that was taken back; none when the child was recorded again since.
pub fn withdrawn(tx: &mut Tx<'_>, (family, child): (FamilyId, ChildId), day: NaiveDate) -> Result<Vec<Letter>, Error> {
    let state: MealState =
        canteen_meals::table.find((DinerId::from(child), day)).select(canteen_meals::state).first(tx.conn)?;
    let now = match state {
        MealState::Consumed | MealState::WalkIn => return Ok(vec![]),
        MealState::Reserved => "Le repas reste réservé.",
        MealState::NoShow => {
            "Il était réservé et n'a pas été pris : il reste dû. Si l'absence peut être excusée, adressez-vous au collège."
        }
        MealState::Cancelled | MealState::Excused | MealState::Closed => "Rien n'est dû pour ce jour.",
    };
    let body = format!(
        "Le repas du {} avait été enregistré comme pris, par erreur : il ne l'est plus. {now} S'il figure déjà sur une facture, la différence est corrigée.\n\nPass+",
        day.format("%d/%m/%Y")
    );
    families::letters_of(tx, (family, child), "Repas enregistré par erreur", &body)
}

#[derive(QueryableByName)]
struct WalkIn {
    #[diesel(sql_type = Uuid)]
    child: ChildId,
    #[diesel(sql_type = Date)]
    day: NaiveDate,
    #[diesel(sql_type = Nullable<BigInt>)]
    price: Option<Cents>,
}

/// The letters about meals without reservation that were recorded for a family's children on that day, all in one.
pub fn walk_ins(tx: &mut Tx<'_>, family: FamilyId, recorded_on: NaiveDate) -> Result<Vec<Letter>, Error> {
    let meals: Vec<WalkIn> = diesel::sql_query(
        "select m.person_id as child, m.day, (g.grid ->> 'walk_in_cents')::bigint as price
           from children ch join canteen_meals m on m.person_id = ch.id
           left join canteen_grids g on g.state = 'published' and g.diner = 'pupil' and m.day between g.starts_on and g.ends_on
          where ch.family_id = $1 and m.state = 'walk_in' and (m.changed_at at time zone 'Europe/Paris')::date = $2
          order by m.day, m.person_id",
    )
    .bind::<Uuid, _>(family)
    .bind::<Date, _>(recorded_on)
    .load(tx.conn)?;
    if meals.is_empty() {
        return Ok(vec![]);
    }
    let mut told = String::new();
    for WalkIn { child, day, price } in &meals {
        let name = families::child(tx, *child)?.first_names;
        let price = price.map(|price| format!(", {price}")).unwrap_or_default();
        let _ = writeln!(told, "  {name} : le {}{price}", day.format("%d/%m/%Y"));
    }
    let body = "Votre enfant a mangé à la cantine sans repas réservé. Ces repas sont facturés au prix des repas sans réservation :";
    let advice = "Un repas réservé à temps est facturé à votre tarif : vous pouvez en ajouter dans votre espace.";
    families::letters(
        tx,
        family,
        "Repas pris sans réservation",
        &format!("Bonjour,\n\n{body}\n{told}\n{advice}\n\nPass+"),
    )
}
