//! Ledgers broken on purpose: a test of a promise is worth something once it is seen to fail without what keeps the promise.

use diesel::{PgConnection, QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_types};

#[derive(QueryableByName)]
struct Text {
    #[diesel(sql_type = sql_types::Text)]
    text: String,
}

/// Replaces a money function by a copy of itself with these pieces changed, as only a superuser can.
pub fn sabotage(superuser: &mut PgConnection, function: &str, changes: &[(&str, &str)]) {
    let sql = format!("select pg_get_functiondef('{function}'::regproc) as text");
    let Text { text: mut definition } = diesel::sql_query(sql).get_result(superuser).unwrap();
    for (piece, instead) in changes {
        assert_eq!(
            definition.matches(piece).count(),
            1,
            "{function} is no longer written as this test breaks it: {piece}"
        );
        definition = definition.replace(piece, instead);
    }
    superuser.batch_execute(&definition).unwrap();
}
