//! Rows of enrolments. A diner has one active enrolment a season; a trigger wants its collège in the canteen's scope.

use super::{Diet, EndReason, EnrolmentState};
use crate::{
    canteen::{Diner, weekdays::Weekdays},
    kernel::{
        ids::{CanteenEnrolmentId, DinerId, FamilyId},
        text::{SeasonCode, Uai},
    },
    schema::department::canteen_enrolments,
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;

/// A diner's enrolment for a season.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = canteen_enrolments)]
pub struct CanteenEnrolment {
    pub id: CanteenEnrolmentId,
    pub season: SeasonCode,
    pub diner: Diner,
    pub person_id: DinerId,
    /// Of a pupil.
    pub family_id: Option<FamilyId>,
    pub college_uai: Uai,
    pub weekdays: Weekdays,
    pub diet: Diet,
    pub starts_on: NaiveDate,
    pub ends_on: NaiveDate,
    pub state: EnrolmentState,
    pub end_reason: Option<EndReason>,
    pub enrolled_at: DateTime<Utc>,
    pub version: i32,
}
