//! What an administrator of the database may do to the ledger: each is found, and the row is named.

use super::history::{History, check_url};
use crate::coverage::rows;
use diesel::{PgConnection, RunQueryDsl, connection::SimpleConnection, sql_query};
use passplus::proof::{checkpoint, verify::verify};
use proptest::{
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};
use serde_json::Value;

fn id(conn: &mut PgConnection, sql: &str) -> String {
    rows(conn, &format!("select ({sql})::text as id"))[0]["id"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn whatever_is_changed_is_found_and_its_row_is_named() {
    let history = History::play().await;
    history.keep();
    let mut conn = history.without_rules();
    let (debit, wallet) = (&history.debit, &history.scene.pupil.culture);
    let of =
        |version: &str| format!("select id from transfers where wallet_id = '{wallet}' and wallet_version = {version}");
    let last = format!("(select max(wallet_version) from transfers where wallet_id = '{wallet}')");
    let number: i64 =
        id(&mut conn, &format!("select wallet_version from transfers where id = '{debit}'")).parse().unwrap();
    let next = id(&mut conn, &of(&(number + 1).to_string()));
    let capture = id(&mut conn, &format!("select id from transfers where hold_id = '{}'", history.captured_hold));
    let refund = id(&mut conn, "select id from transfers where kind = 'refund' and key is not null");
    let (open, captured) = (&history.open_hold, &history.captured_hold);
    let forged = "0192f000-0000-7000-8000-00000000beef";
    let insert = |version: &str| {
        format!(
            "insert into transfers select (t2).* from (select jsonb_populate_record(t, jsonb_build_object('id', '{forged}',
                'wallet_version', {version}, 'key', gen_random_uuid())) as t2 from transfers t where id = '{debit}') x"
        )
    };
    let edit = |column: &str| format!("update transfers set {column} where id = '{debit}'");
    let of_wallet = |column: &str| format!("update wallets set {column} where id = '{wallet}'");
    let cases: [(&str, String, &str, &str, &str); 24] = [
        ("an amount", edit("amount_cents = amount_cents - 1"), "link", "transfers", debit),
        ("an instant", edit("at = at + interval '1 microsecond'"), "link", "transfers", debit),
        ("a balance", edit("balance_after_cents = balance_after_cents + 1"), "link", "transfers", debit),
        (
            "a payee",
            edit("to_account = (select id from ledger_accounts where kind = 'expired')"),
            "link",
            "transfers",
            debit,
        ),
        ("a hash", edit("hash = sha256('x')"), "link", "transfers", debit),
        ("a kind", edit("kind = 'gift'"), "shape", "transfers", debit),
        ("a cause", format!("update transfers set reason = '' where id = '{debit}'"), "cause", "transfers", debit),
        (
            "one in the middle deleted",
            format!("delete from transfers where id = '{debit}'"),
            "numbering",
            "transfers",
            &next,
        ),
        (
            "the last deleted",
            format!("delete from transfers where id = ({})", of(&last)),
            "wallet_version",
            "wallets",
            wallet,
        ),
        (
            "all deleted",
            format!("delete from transfers where wallet_id = '{wallet}'"),
            "wallet_version",
            "wallets",
            wallet,
        ),
        ("one forged behind", insert(&format!("{last} + 1")), "link", "transfers", forged),
        ("one forged between", insert(&number.to_string()), "link", "transfers", forged),
        (
            "two swapped",
            format!(
                "update transfers set wallet_version = case id when '{debit}' then {number} + 1 else {number} end
                  where id in ('{debit}', '{next}')"
            ),
            "link",
            "transfers",
            &next,
        ),
        ("a wallet's balance", of_wallet("balance_cents = balance_cents + 1"), "wallet_balance", "wallets", wallet),
        ("a wallet's version", of_wallet("version = version + 1"), "wallet_version", "wallets", wallet),
        ("a wallet's head", of_wallet("head = sha256('x')"), "wallet_head", "wallets", wallet),
        ("a wallet's held sum", of_wallet("held_cents = held_cents + 1"), "wallet_held", "wallets", wallet),
        ("a wallet's family", of_wallet("family_id = gen_random_uuid()"), "wallet_enrolment", "wallets", wallet),
        ("a wallet deleted", format!("delete from wallets where id = '{wallet}'"), "orphan", "wallets", wallet),
        (
            "an open hold deleted",
            format!("delete from holds where id = '{open}'"),
            "wallet_held",
            "wallets",
            &history.scene.pupil.sport,
        ),
        (
            "a captured hold deleted",
            format!("delete from holds where id = '{captured}'"),
            "hold",
            "transfers",
            &capture,
        ),
        (
            "a captured hold opened",
            format!("update holds set state = 'voided', captured_cents = 0 where id = '{captured}'"),
            "hold",
            "holds",
            captured,
        ),
        (
            "a captured sum",
            format!("update holds set captured_cents = 351 where id = '{captured}'"),
            "hold",
            "holds",
            captured,
        ),
        (
            "a refund led elsewhere",
            format!("update transfers set reverses = '{debit}' where id = '{refund}'"),
            "link",
            "transfers",
            &refund,
        ),
    ];
    for (what, sql, check, table, row) in cases {
        conn.batch_execute(&sql).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(history.first(), (check, table, Some(row.parse().unwrap())), "{what}");
        History::put_back(&mut conn);
        assert_eq!(history.verify().violations, vec![], "put back after {what}");
    }
    conn.batch_execute(&format!(
        "update enrolments set state = 'confirmed' where id = '{}'",
        history.scene.pupil.enrolment
    ))
    .unwrap();
    let grants = history.verify();
    assert_eq!(grants.violations_count, 1, "{:?}", grants.violations);
    assert!(grants.violations.iter().all(|found| found.check == "grant" && found.row.table == "transfers"));
}

/// Recomputes what an edited amount changes, as the owner of the functions can: everything after it fits again.
fn rewrite(conn: &mut PgConnection, wallet: &str) {
    conn.batch_execute(&format!(
        "do $$ declare t transfers; link bytea := decode(repeat('00', 32), 'hex'); cents bigint := 0; begin
             for t in select * from transfers where wallet_id = '{wallet}' order by wallet_version loop
                 cents := cents + case when t.to_account = t.wallet_id then t.amount_cents else -t.amount_cents end;
                 link := ledger_link(link, ledger_body(t.kind, t.id, t.from_account, t.to_account, t.amount_cents, t.wallet_id,
                     t.wallet_version, cents, t.at, t.client_id, t.key, t.merchant_id, t.reverses, t.hold_id, t.request_id,
                     t.fingerprint, coalesce(t.grant_kind, t.reason)));
                 update transfers set balance_after_cents = cents, hash = link where id = t.id;
             end loop;
             update wallets set balance_cents = cents, head = link where id = '{wallet}';
         end $$"
    ))
    .unwrap();
}

#[actix_web::test]
async fn a_chain_recomputed_as_a_whole_is_found_by_what_the_other_department_keeps() {
    let history = History::play().await;
    let (url, wallet) = (check_url(&history.scene), &history.scene.pupil.culture);
    let seen = verify(&url, None, true).unwrap().heads.unwrap();
    assert_eq!((seen.heading.wallets, seen.heading.department.as_str()), (4, "92"));
    let folder = tempfile::tempdir().unwrap();
    checkpoint::write(&folder.path().join("heads"), &[seen]).unwrap();
    let seen = checkpoint::read(&folder.path().join("heads")).unwrap();
    let compared = || verify(&url, Some(&seen), false).unwrap();
    assert_eq!(compared().violations, vec![]);

    let mut conn = history.without_rules();
    history.keep();
    // Ten cents less for the merchant, ten cents more left for the family to lose: sums, chain and wallet fit again.
    let swept = format!(
        "select id from transfers where wallet_id = '{wallet}' and kind = 'expiry' order by wallet_version limit 1"
    );
    let lost = id(&mut conn, &swept);
    conn.batch_execute(&format!(
        "update transfers set amount_cents = amount_cents - 10 where id = '{}'; update transfers set amount_cents = amount_cents + 10 where id = '{lost}'",
        history.debit
    ))
    .unwrap();
    rewrite(&mut conn, wallet);
    assert_eq!(history.verify().violations, vec![], "nothing inside tells");
    let found = compared();
    assert_eq!((found.violations_count, found.violations[0].check), (1, "checkpoint"));
    let last = id(
        &mut conn,
        &format!("select id from transfers where wallet_id = '{wallet}' order by wallet_version desc limit 1"),
    );
    assert_eq!(found.violations[0].row.id, Some(last.parse().unwrap()));

    // A wallet that never was, as far as the database says.
    History::put_back(&mut conn);
    let gone = &history.scene.pupil.sport;
    conn.batch_execute(&format!(
        "delete from wallets where id = '{gone}'; delete from transfers where wallet_id = '{gone}'; delete from holds where wallet_id = '{gone}'"
    ))
    .unwrap();
    let found = compared();
    let named: Vec<_> = found.violations.iter().map(|found| (found.check, found.row.id)).collect();
    assert!(named.contains(&("checkpoint", Some(gone.parse().unwrap()))), "{named:?}");
    // What was moved after the checkpoint is no violation of it.
    History::put_back(&mut conn);
    assert_eq!(compared().violations, vec![]);
}

/// A column, and how another value of it is made: `{n}` is a number, `{self}` the table.
const COLUMNS: &[(&str, &str, &str)] = &[
    ("transfers", "id", "md5('{n}')::uuid"),
    ("transfers", "kind", "(array['grant', 'debit', 'refund', 'expiry', 'reversal'])[1 + {n} % 5]"),
    ("transfers", "from_account", "(select id from ledger_accounts order by id offset {n} % 3 limit 1)"),
    ("transfers", "to_account", "(select wallet_id from transfers order by id offset {n} % 9 limit 1)"),
    ("transfers", "amount_cents", "t.amount_cents + {n} - 500"),
    ("transfers", "wallet_id", "(select id from wallets order by id offset {n} % 4 limit 1)"),
    ("transfers", "wallet_version", "{n} % 12"),
    ("transfers", "balance_after_cents", "t.balance_after_cents + {n} - 500"),
    ("transfers", "at", "t.at + ({n} - 500) * interval '1 microsecond'"),
    ("transfers", "client_id", "nullif(md5('{n}'), md5('{n}') || repeat('x', {n} % 2))::uuid"),
    ("transfers", "key", "(array[null, gen_random_uuid()])[1 + {n} % 2]"),
    ("transfers", "fingerprint", "(array[null, sha256('{n}'), ''])[1 + {n} % 3]"),
    ("transfers", "merchant_id", "(array[null, gen_random_uuid()])[1 + {n} % 2]"),
    (
        "transfers",
        "reverses",
        "(array[null, (select id from transfers order by id offset {n} % 9 limit 1)])[1 + {n} % 2]",
    ),
    ("transfers", "hold_id", "(array[null, (select id from holds order by id offset {n} % 3 limit 1)])[1 + {n} % 2]"),
    ("transfers", "request_id", "(array[null, gen_random_uuid()])[1 + {n} % 2]"),
    ("transfers", "grant_kind", "(array[null, 'base', 'top_up'])[1 + {n} % 3]"),
    ("transfers", "reason", "(array[null, '', 'voided', 'x'])[1 + {n} % 4]"),
    ("transfers", "hash", "set_byte(t.hash, {n} % 32, ({n} * 7) % 256)"),
    ("wallets", "id", "md5('{n}')::uuid"),
    ("wallets", "enrolment_id", "gen_random_uuid()"),
    ("wallets", "child_id", "gen_random_uuid()"),
    ("wallets", "family_id", "gen_random_uuid()"),
    ("wallets", "season", "'2030-2031'"),
    ("wallets", "kind", "(array['culture', 'sport'])[1 + {n} % 2]"),
    ("wallets", "balance_cents", "t.balance_cents + {n} - 500"),
    ("wallets", "held_cents", "{n}"),
    ("wallets", "version", "{n} % 12"),
    ("wallets", "head", "set_byte(t.head, {n} % 32, ({n} * 7) % 256)"),
    ("holds", "state", "(array['authorised', 'captured', 'voided'])[1 + {n} % 3]"),
    ("holds", "captured_cents", "{n}"),
];

fn change() -> impl Strategy<Value = String> {
    let edit = (0..COLUMNS.len(), 0..1_000_u32, 0..50_u32).prop_map(|(column, n, row)| {
        let (table, column, value) = COLUMNS[column];
        let value = value.replace("{n}", &n.to_string());
        format!(
            "update {table} t set {column} = {value}
              where t.id = (select id from {table} order by id offset {row} % (select count(*) from {table}) limit 1)
                and t.{column} is distinct from {value}"
        )
    });
    // Closed holds that moved nothing prove nothing.
    let delete = (prop::sample::select(vec!["transfers", "wallets", "holds"]), 0..50_u32).prop_map(|(table, row)| {
        let counts = if table == "holds" { "state in ('authorised', 'captured')" } else { "true" };
        format!(
            "delete from {table} where id = (select id from {table} where {counts} order by id
                offset {row} % (select count(*) from {table} where {counts}) limit 1)"
        )
    });
    let copy = (0..50_u32, 1..12_u32).prop_map(|(row, version)| {
        format!(
            "insert into transfers select (r).* from (select jsonb_populate_record(t, jsonb_build_object('id', md5('{row}')::uuid,
                'wallet_version', {version})) as r from transfers t order by id offset {row} % (select count(*) from transfers) limit 1) x"
        )
    });
    prop_oneof![8 => edit, 1 => delete, 1 => copy]
}

#[actix_web::test]
async fn any_change_of_any_row_is_found() {
    let history = History::play().await;
    history.keep();
    let conn = std::cell::RefCell::new(history.without_rules());
    let mut runner = TestRunner::new(Config { cases: 250, failure_persistence: None, ..Config::default() });
    let done = runner.run(&change(), |sql| {
        let mut conn = conn.borrow_mut();
        let changed = sql_query(&sql).execute(&mut *conn).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assume!(changed == 1);
        let report = history.verify();
        History::put_back(&mut conn);
        prop_assert!(report.violations_count > 0, "not found");
        prop_assert!(report.violations[0].row.id.is_some(), "{:?}", report.violations[0]);
        Ok(())
    });
    done.unwrap();
    let counts: Vec<Value> = rows(&mut conn.borrow_mut(), "select count(*) from transfers");
    assert!(counts[0]["count"].as_i64() > Some(12));
}
