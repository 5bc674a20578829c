//! What families are told about days on which their children's canteen does not serve, composed when the letter leaves.

use crate::{
    canteen::calendars,
    db::Tx,
    error::Error,
    families,
    kernel::ids::{ChildId, ClosureId, FamilyId},
    mail::Letter,
};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Uuid},
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
        "select m.person_id as child, count(*) as meals from canteen_meals m join canteen_closures c on c.id = $2
          where m.family_id = $1 and m.state = $3 and m.day between c.from_day and c.until_day
            and (c.college_uai is null or c.college_uai = m.college_uai)
          group by m.person_id order by m.person_id",
    )
    .bind::<Uuid, _>(family)
    .bind::<Uuid, _>(id)
    .bind::<diesel::sql_types::Text, _>(state)
    .load(tx.conn)?;
    let days = if closure.from_day == closure.until_day {
        format!("le {}", closure.from_day.format("%d/%m/%Y"))
    } else {
        format!("du {} au {}", closure.from_day.format("%d/%m/%Y"), closure.until_day.format("%d/%m/%Y"))
    };
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
