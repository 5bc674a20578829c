//! What PostgreSQL says, and what callers are told of it.

use super::*;
use diesel::result::DatabaseErrorKind;

fn translated(kind: DatabaseErrorKind, message: &str) -> Error {
    DieselError::DatabaseError(kind, Box::new(message.to_owned())).into()
}

/// PostgreSQL's own sentences, as its servers write them.
#[test]
fn what_the_database_cannot_do_now_is_said_as_such() {
    let unknown = |message| translated(DatabaseErrorKind::Unknown, message);
    for (message, refusal, seconds) in [
        ("could not extend file \"base/16384/2619\": No space left on device", Refusal::StorageFull, 60),
        (
            "could not extend file \"base/16384/2619\": wrote only 4096 of 8192 bytes at block 7",
            Refusal::StorageFull,
            60,
        ),
        ("could not write to file \"base/pgsql_tmp/pgsql_tmp1.0\": No space left on device", Refusal::StorageFull, 60),
        ("canceling statement due to statement timeout", Refusal::Busy, 1),
        ("canceling statement due to lock timeout", Refusal::Busy, 1),
        ("terminating connection due to administrator command", Refusal::Unavailable, 2),
        ("terminating connection due to idle-in-transaction timeout", Refusal::Unavailable, 2),
        ("server closed the connection unexpectedly\n\tThis probably means …", Refusal::Unavailable, 2),
        ("the database system is in recovery mode", Refusal::Unavailable, 2),
        ("the database system is shutting down", Refusal::Unavailable, 2),
        ("no connection to the server", Refusal::Unavailable, 2),
    ] {
        let error = unknown(message);
        assert!(matches!(error, Error::Later(r, s) if (r, s) == (refusal, seconds)), "{message}: {error:?}");
        let answer = error.error_response();
        assert_eq!(answer.status(), 503);
        assert_eq!(
            answer.headers().get(header::RETRY_AFTER).and_then(|v| v.to_str().ok()),
            Some(&*seconds.to_string())
        );
    }
    for kind in [DatabaseErrorKind::ClosedConnection, DatabaseErrorKind::UnableToSendCommand] {
        assert!(matches!(translated(kind, ""), Error::Later(Refusal::Unavailable, 2)));
    }
    assert!(matches!(unknown("deadlock detected"), Error::Retry(_)));
    let serialisation = "could not serialize access due to concurrent update";
    assert!(matches!(translated(DatabaseErrorKind::SerializationFailure, serialisation), Error::Retry(_)));
}

#[test]
fn what_is_not_foreseen_is_ours_and_says_nothing() {
    let said = "duplicate key value violates unique constraint: (email)=(camille@example.fr)";
    let error = translated(DatabaseErrorKind::UniqueViolation, said);
    assert_eq!(error.refusal(), Refusal::Internal);
    let problem = serde_json::to_string(&error.problem()).unwrap_or_default();
    assert!(problem.contains("\"internal\"") && !problem.contains("camille"), "{problem}");
    assert_eq!(Error::from(DieselError::NotFound).refusal(), Refusal::NotFound);
    assert_eq!(Error::from(DieselError::RollbackTransaction).refusal(), Refusal::Internal);
}

/// Programs test codes: two refusals never share one.
#[test]
fn codes_are_unique() {
    let mut codes: Vec<_> = Refusal::ALL.iter().map(|refusal| refusal.code()).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), Refusal::ALL.len());
}
