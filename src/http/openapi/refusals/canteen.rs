//! What the operations of the canteen refuse.

use crate::error::Refusal as R;

/// Refusals by `operationId`.
pub const OF_CANTEEN: &[(&str, &[R])] = &[
    (
        "publish_canteen_calendar",
        &[
            R::StepUpRequired,
            R::CanteenCalendarNotDraft,
            R::StaleVersion,
            R::SamePerson,
            R::CanteenCalendarInvalid,
            R::CanteenCalendarRetroactive,
        ],
    ),
    ("withdraw_closure", &[R::ClosureTransition]),
    ("open_canteen", &[R::CanteenOverlap]),
    ("end_canteen", &[R::CanteenPeriod, R::CanteenOverlap]),
    ("cancel_canteen", &[R::CanteenPeriod]),
    ("add_canteen_colleges", &[R::UnknownCollege, R::CanteenNotOffered, R::CanteenOverlap]),
    ("end_canteen_college", &[R::CanteenPeriod, R::CanteenOverlap]),
    ("cancel_canteen_college", &[R::CanteenPeriod]),
    ("simulate_price", &[R::NoTariff]),
    ("draft_grid", &[R::GridDraftExists]),
    ("rewrite_grid", &[R::GridNotDraft]),
    ("discard_grid", &[R::GridNotDraft]),
    (
        "publish_grid",
        &[R::StepUpRequired, R::SamePerson, R::GridNotDraft, R::GridInvalid, R::GridOverlap, R::GridRetroactive],
    ),
    (
        "enrol_in_canteen",
        &[
            R::CanteenRequestNeeded,
            R::CanteenNoCalendar,
            R::NoMealsLeft,
            R::AlreadyInCanteen,
            R::CanteenNotOffered,
            R::NoTariff,
            R::ConsultOnly,
        ],
    ),
    ("change_canteen_weekdays", &[R::CanteenEnded, R::StaleVersion, R::WeekdaysFixed, R::NoTariff, R::ConsultOnly]),
    ("change_diet", &[R::CanteenEnded, R::StaleVersion, R::ConsultOnly]),
    ("end_canteen_enrolment", &[R::CanteenEnded, R::StaleVersion, R::ConsultOnly]),
    ("list_meals", &[R::InvalidFields]),
    ("cancel_meal", &[R::CanteenEnded, R::NoMealThatDay, R::CanteenTooLate, R::MealTransition, R::ConsultOnly]),
    ("reserve_meal", &[R::CanteenEnded, R::NoMealThatDay, R::CanteenTooLate, R::MealTransition, R::ConsultOnly]),
    ("register_adult", &[R::CanteenNotOffered]),
    (
        "enrol_adult",
        &[R::WrongDiner, R::AdultLeft, R::CanteenNoCalendar, R::NoMealsLeft, R::AlreadyInCanteen, R::CanteenNotOffered],
    ),
    ("set_pay_index", &[R::WrongDiner, R::AdultLeft, R::NoTariff]),
    (
        "invite_guest",
        &[
            R::WrongDiner,
            R::AdultLeft,
            R::CanteenNoCalendar,
            R::NoMealThatDay,
            R::CanteenTooLate,
            R::MealTransition,
            R::CanteenNotOffered,
        ],
    ),
    (
        "uninvite_guest",
        &[R::WrongDiner, R::AdultLeft, R::CanteenNoCalendar, R::NoMealThatDay, R::CanteenTooLate, R::MealTransition],
    ),
    ("record_adult_leaving", &[R::AdultLeft, R::StaleVersion]),
    ("record_care_plan", &[R::CanteenRequestNeeded, R::CarePlanExists]),
    ("end_care_plan", &[R::CarePlanEnded]),
];
