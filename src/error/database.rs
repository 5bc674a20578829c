//! What PostgreSQL says, in the service's words: constraints are refusals, a busy or lost server is told as such, the rest is ours.

use super::{Error, Refusal};
use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// Named constraints and the refusal each one means; what is not here is a defect of ours.
const CONSTRAINTS: &[(&str, Refusal)] = &[
    ("accounts_email_unique", Refusal::AlreadyInvited),
    ("staff_roles_college_fk", Refusal::UnknownCollege),
    ("merchants_siret_unique", Refusal::AlreadyMerchant),
    ("devices_public_key_unique", Refusal::DeviceKeyTaken),
    ("season_versions_one_draft", Refusal::SeasonDraftExists),
    // Two drafts begun at once take the same number.
    ("season_versions_pk", Refusal::SeasonDraftExists),
    ("season_versions_effective_unique", Refusal::SeasonVersionTaken),
    ("families_one_per_creator", Refusal::FamilyAlreadyOpen),
    ("guardians_account_unique", Refusal::AlreadyGuardian),
    ("children_same_child", Refusal::AlreadyChild),
    ("documents_same_file", Refusal::DocumentAlreadySent),
    ("enrolments_one_per_season", Refusal::AlreadyEnrolled),
    ("cards_one_used", Refusal::CardTransition),
    ("cards_one_coming", Refusal::CardTransition),
    ("affiliations_one_living", Refusal::AlreadyAffiliated),
    ("bank_accounts_one_proposed", Refusal::BankAccountPending),
    ("payout_returns_one_proposed", Refusal::ReturnPending),
    ("ledger_rules_one_per_instant", Refusal::RulesTaken),
    ("derogations_one_living", Refusal::DerogationExists),
    ("season_openings_one_waiting", Refusal::OpeningOrdered),
    ("season_expiries_one_running", Refusal::ExpiryOrdered),
    ("disputes_one_per_debit", Refusal::AlreadyDisputed),
    ("corrections_one_for_a_dispute", Refusal::DisputeTransition),
    ("canteen_offered", Refusal::CanteenNotOffered),
    ("canteen_enrolments_one_at_a_time", Refusal::AlreadyInCanteen),
    ("canteen_care_plans_one", Refusal::CarePlanExists),
    ("canteen_services_one_at_a_time", Refusal::CanteenOverlap),
    ("canteen_colleges_once_a_day", Refusal::CanteenOverlap),
    ("canteen_operator_sites_one_a_day", Refusal::CanteenOverlap),
    ("canteen_operators_one_name", Refusal::OperatorNameTaken),
    ("canteen_closures_once", Refusal::ClosureOverlap),
    ("canteen_grids_one_draft", Refusal::GridDraftExists),
    // Two drafts begun at once take the same number.
    ("canteen_grids_numbered", Refusal::GridDraftExists),
    ("canteen_grids_one_at_a_time", Refusal::GridOverlap),
    ("canteen_attendance_locked", Refusal::AttendanceLocked),
    ("canteen_attendance_locks_one", Refusal::AttendanceMonthTransition),
    ("canteen_bill_runs_one", Refusal::BillRunExists),
    ("canteen_cancellations_one", Refusal::CancellationTransition),
    ("canteen_payments_undone_once", Refusal::PaymentUndone),
    ("canteen_waivers_one", Refusal::WaiverExists),
    ("canteen_rate_request_children_one_open", Refusal::ReducedRateOpen),
];

impl From<DieselError> for Error {
    fn from(error: DieselError) -> Self {
        let DieselError::DatabaseError(kind, info) = &error else {
            return if matches!(error, DieselError::NotFound) {
                Self::Refused(Refusal::NotFound)
            } else {
                Self::internal(error)
            };
        };
        if let Some((_, refusal)) =
            info.constraint_name().and_then(|name| CONSTRAINTS.iter().find(|(constraint, _)| *constraint == name))
        {
            return Self::Refused(*refusal);
        }
        let message = info.message();
        match kind {
            DatabaseErrorKind::SerializationFailure => Self::Retry(error),
            DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand => {
                Self::Later(Refusal::Unavailable, 2)
            }
            // Diesel keeps no SQLSTATE; the server speaks English (lc_messages is set on every connection).
            _ if message.starts_with("deadlock detected") => Self::Retry(error),
            _ if message.contains("No space left on device") || message.contains("could not extend file") => {
                Self::Later(Refusal::StorageFull, 60)
            }
            _ if message.starts_with("canceling statement") => Self::Later(Refusal::Busy, 1),
            _ if message.contains("terminating connection")
                || message.contains("server closed the connection")
                || message.contains("the database system is")
                || message.contains("no connection to the server") =>
            {
                Self::Later(Refusal::Unavailable, 2)
            }
            _ => Self::internal(error),
        }
    }
}
