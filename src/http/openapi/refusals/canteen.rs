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
    ("excuse_meal", &[R::AttendanceTransition, R::AttendanceLocked]),
    ("list_attendance", &[R::InvalidFields]),
    ("record_missed_passage", &[R::AttendanceTransition, R::AttendanceLocked, R::CanteenNotOffered]),
    ("close_attendance_day", &[R::AttendanceLocked]),
    ("lock_attendance", &[R::AttendanceMonthOpen, R::AttendanceMonthTransition]),
    ("reopen_attendance", &[R::AttendanceMonthTransition, R::AttendanceMonthInRun]),
    ("begin_bill_run", &[R::BillRunExists, R::BillRunNothing]),
    ("redraft_bill_run", &[R::BillRunTransition]),
    ("check_bill_run", &[R::StepUpRequired, R::BillRunTransition, R::BillRunFigures, R::BillRunUnpriced]),
    (
        "issue_bill_run",
        &[R::StepUpRequired, R::SamePerson, R::BillRunTransition, R::BillRunFigures, R::BillRunTampered],
    ),
    ("abandon_bill_run", &[R::BillRunTransition]),
    ("undo_payment", &[R::PaymentUndone]),
    ("cancel_bill", &[R::BillNotCancellable, R::BillRunExists, R::CancellationTransition]),
    (
        "approve_cancellation",
        &[R::StepUpRequired, R::SamePerson, R::CancellationTransition, R::BillNotCancellable, R::BillRunExists],
    ),
    ("refuse_cancellation", &[R::CancellationTransition]),
    ("list_arrears", &[R::InvalidFields]),
    ("grant_waiver", &[R::WaiverExists]),
];
