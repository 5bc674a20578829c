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
    (
        "request_reduced_rate",
        &[
            R::ConsultOnly,
            R::AuthorityOff,
            R::NoTariff,
            R::ReducedRateOpen,
            R::ReducedRateNotEnrolled,
            R::ReducedRateNone,
            R::ReducedRateTooMany,
        ],
    ),
    ("give_tax_numbers", &[R::ConsultOnly, R::AuthorityOff, R::ReducedRateTransition, R::ReducedRateTooMany]),
    ("withdraw_reduced_rate_request", &[R::ConsultOnly, R::ReducedRateTransition]),
    ("decide_rate_request", &[R::StaleVersion, R::NoTariff, R::ReducedRateTransition]),
    ("simulate_price", &[R::NoTariff]),
    ("draft_grid", &[R::GridDraftExists]),
    ("rewrite_grid", &[R::GridNotDraft]),
    ("discard_grid", &[R::GridNotDraft]),
    (
        "publish_grid",
        &[R::StepUpRequired, R::SamePerson, R::GridNotDraft, R::GridInvalid, R::GridOverlap, R::GridRetroactive],
    ),
];
