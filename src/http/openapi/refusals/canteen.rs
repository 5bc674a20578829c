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
    ("check_passage", &[R::PassageNumberUsed, R::TooManyAttempts]),
    ("set_gate_rule", &[R::UnknownCollege]),
    ("issue_day_code", &[R::ConsultOnly, R::NoCanteenToday, R::TooManyDayCodes]),
    ("forecast_meals", &[R::InvalidFields]),
    ("add_operator_sites", &[R::UnknownCollege, R::CanteenNotOffered, R::CanteenOverlap]),
    ("end_operator_site", &[R::CanteenPeriod, R::CanteenOverlap]),
    ("revoke_canteen_device", &[R::DeviceTransition]),
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
];
