//! The door behind which a gate finds its diners of today.

use crate::{
    canteen::{adults::AdultKind, enrolments::Diet, meals::state::MealState},
    db::Tx,
    error::Error,
    kernel::{
        ids::{CardId, DinerId},
        text::Uai,
    },
};
use chrono::NaiveDate;
use diesel::{
    prelude::*,
    sql_types::{self, Binary, Bool, Date, Nullable, Text},
};

#[derive(Debug, QueryableByName)]
pub struct ListRow {
    #[diesel(sql_type = sql_types::Uuid)]
    pub person_id: DinerId,
    /// Of an adult.
    #[diesel(sql_type = Nullable<Text>)]
    pub adult: Option<AdultKind>,
    #[diesel(sql_type = Text)]
    pub first_name: String,
    #[diesel(sql_type = Text)]
    pub initial: String,
    #[diesel(sql_type = Text)]
    pub diet: Diet,
    #[diesel(sql_type = Nullable<Text>)]
    pub meal: Option<MealState>,
    #[diesel(sql_type = Bool)]
    pub own_meal: bool,
    #[diesel(sql_type = Bool)]
    pub care: bool,
    #[diesel(sql_type = Nullable<sql_types::Uuid>)]
    pub card_id: Option<CardId>,
    #[diesel(sql_type = Nullable<Binary>)]
    pub code_sealed: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Binary>)]
    pub photo_sealed: Option<Vec<u8>>,
}

/// With their portraits, or without: twelve megabytes for a large collège.
pub fn diners(tx: &mut Tx<'_>, portraits: bool) -> Result<Vec<ListRow>, Error> {
    Ok(diesel::sql_query(
        "select person_id, a.kind as adult, first_name, initial, diet, meal, own_meal, care, card_id, code_sealed,
                case when $1 then photo_sealed end as photo_sealed
           from gate_list() l left join gate_adults(today()) a using (person_id) order by person_id",
    )
    .bind::<Bool, _>(portraits)
    .load(tx.conn)?)
}

/// How it is in the gate's collège on that day.
#[derive(Debug, QueryableByName)]
pub struct StateRow {
    #[diesel(sql_type = Bool)]
    pub open: bool,
    #[diesel(sql_type = Bool)]
    pub walk_ins: bool,
}

pub fn state(tx: &mut Tx<'_>, college: &Uai, day: NaiveDate) -> Result<StateRow, Error> {
    Ok(diesel::sql_query(
        "select exists (select 1 from my_sites($2)) and canteen_offered($1, $2) as open,
                coalesce((select walk_ins from canteen_gate_rules where college_uai = $1 and starts_on <= $2
                           order by starts_on desc limit 1), true) as walk_ins",
    )
    .bind::<Text, _>(college)
    .bind::<Date, _>(day)
    .get_result(tx.conn)?)
}
