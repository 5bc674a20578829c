//! One-day codes, as hashes.

use crate::{
    canteen::enrolments::CanteenEnrolmentState,
    db::Tx,
    error::Error,
    kernel::{
        ids::{AccountId, ChildId, DayCodeId, DinerId, FamilyId},
        text::Uai,
    },
    schema::department::{canteen_day_codes, canteen_enrolments},
};
use chrono::NaiveDate;
use diesel::{prelude::*, sql_types};

/// Where a child eats: the collège of its canteen enrolment of that day, or else the one that it attends. Under the policies of the caller:
/// a secretary finds his own collège only.
pub fn college_of(tx: &mut Tx<'_>, child: ChildId, day: NaiveDate) -> Result<Option<Uai>, Error> {
    let eats = canteen_enrolments::table
        .filter(canteen_enrolments::person_id.eq(DinerId::from(child)))
        .filter(canteen_enrolments::state.eq(CanteenEnrolmentState::Active))
        .filter(canteen_enrolments::starts_on.le(day).and(canteen_enrolments::ends_on.ge(day)))
        .select(canteen_enrolments::college_uai);
    if let Some(college) = eats.first(tx.conn).optional()? {
        return Ok(Some(college));
    }
    Ok(diesel::select(attended_college(child, day)).get_result(tx.conn)?)
}

diesel::define_sql_function! {
    /// The collège where a child attends on that day, under the policies of the caller.
    fn attended_college(child: sql_types::Uuid, day: sql_types::Date) -> sql_types::Nullable<sql_types::Text>;
}

pub fn issued_on(tx: &mut Tx<'_>, child: ChildId, day: NaiveDate) -> Result<i64, Error> {
    let given =
        canteen_day_codes::table.filter(canteen_day_codes::child_id.eq(child)).filter(canteen_day_codes::day.eq(day));
    Ok(given.count().get_result(tx.conn)?)
}

pub fn insert(
    tx: &mut Tx<'_>,
    by: AccountId,
    (child, family): (ChildId, FamilyId),
    (college, day): (&Uai, NaiveDate),
    hash: &[u8],
) -> Result<DayCodeId, Error> {
    let (id, now) = (DayCodeId::generate(), tx.now()?);
    diesel::insert_into(canteen_day_codes::table)
        .values((
            canteen_day_codes::id.eq(id),
            canteen_day_codes::child_id.eq(child),
            canteen_day_codes::family_id.eq(family),
            canteen_day_codes::college_uai.eq(college),
            canteen_day_codes::day.eq(day),
            canteen_day_codes::code_hash.eq(hash),
            canteen_day_codes::issued_by.eq(by),
            canteen_day_codes::issued_at.eq(now),
        ))
        .execute(tx.conn)?;
    Ok(id)
}

pub fn delete_before(tx: &mut Tx<'_>, today: NaiveDate) -> Result<usize, Error> {
    Ok(diesel::delete(canteen_day_codes::table.filter(canteen_day_codes::day.lt(today))).execute(tx.conn)?)
}
