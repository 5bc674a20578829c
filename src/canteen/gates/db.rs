//! Rows of rules.

use super::NewRule;
use crate::{
    db::Tx,
    error::Error,
    kernel::{ids::AccountId, text::Uai},
    schema::department::canteen_gate_rules,
};
use chrono::NaiveDate;
use diesel::{prelude::*, sql_types::Bool};

/// Whether those eat who reserved nothing, in a collège from a day on.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = canteen_gate_rules)]
pub struct RuleRow {
    pub college_uai: Uai,
    pub starts_on: NaiveDate,
    pub walk_ins: bool,
}

/// In the place of another rule of the same day.
pub fn set(tx: &mut Tx<'_>, by: AccountId, new: &NewRule) -> Result<RuleRow, Error> {
    let now = tx.now()?;
    let changed = (
        canteen_gate_rules::walk_ins.eq(new.walk_ins),
        canteen_gate_rules::set_by.eq(by),
        canteen_gate_rules::set_at.eq(now),
    );
    Ok(diesel::insert_into(canteen_gate_rules::table)
        .values((
            canteen_gate_rules::college_uai.eq(&new.college),
            canteen_gate_rules::starts_on.eq(new.starts_on),
            changed,
        ))
        .on_conflict((canteen_gate_rules::college_uai, canteen_gate_rules::starts_on))
        .do_update()
        .set(changed)
        .returning(RuleRow::as_returning())
        .get_result(tx.conn)?)
}

/// The rule in force in each collège, and those to come.
pub fn rules(tx: &mut Tx<'_>, after: Option<(Uai, NaiveDate)>, limit: i64) -> Result<Vec<RuleRow>, Error> {
    let counts = diesel::dsl::sql::<Bool>(
        "starts_on >= coalesce((select max(r.starts_on) from canteen_gate_rules r
                                 where r.college_uai = canteen_gate_rules.college_uai and r.starts_on <= today()), '-infinity')",
    );
    let mut query = canteen_gate_rules::table
        .filter(counts)
        .order((canteen_gate_rules::college_uai, canteen_gate_rules::starts_on))
        .limit(limit)
        .select(RuleRow::as_select())
        .into_boxed();
    if let Some((college, day)) = after {
        let same = canteen_gate_rules::college_uai.eq(college.clone()).and(canteen_gate_rules::starts_on.gt(day));
        query = query.filter(canteen_gate_rules::college_uai.gt(college).or(same));
    }
    Ok(query.load(tx.conn)?)
}
