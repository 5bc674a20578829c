//! The database's own locks: row-level security, roles and grants, as an intruder with the service's password would meet them.

use super::full_family::full_family;
use super::{assert_same, privacy, relations, rows, schemas, texts};
use crate::support::{Service, World};
use diesel::{Connection, PgConnection, connection::SimpleConnection};
use passplus::{kernel::time::server_now, migrate::Schema, privacy::register::Class};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What the service's role may do, `table: verbs`. The directory's rows are guarded by the code, its role by this list.
const DIRECTORY: &str = "
    accounts: select insert update
    audit: select insert
    colleges: select insert update
    devices: select insert update
    jobs: select insert update delete
    mail_tokens: select insert update delete
    merchants: select insert update
    recovery_codes: select insert update delete
    refresh_tokens: select insert update delete
    sessions: select insert update
    signing_keys: select insert update
    staff_roles: select insert update
    throttles: select insert update delete
    used_assertions: select insert update delete
    __diesel_schema_migrations: select";
const DEPARTMENT: &str = "
    affiliations: select insert update
    audit: select insert
    authority_calls: select insert update(outcome error_code duration_ms) delete
    authority_limits: select update(next_call_at blocked_until failures paused_until)
    bank_accounts: select insert update(state decided_by decided_at effective_from)
    canteen_colleges: select insert update(ends_on) delete
    canteen_grids: select insert update(state grid replaces starts_on ends_on drafted_by drafted_at published_by published_at) delete
    canteen_services: select insert update(ends_on) delete
    card_batches: select insert update(state cards hash recipient frozen_by frozen_at approved_by approved_at printed_at posted_at exported_at)
    card_keys: select insert
    card_makers: select insert
    cards: select insert update
    children: select insert update
    consents: select insert
    corrections: select insert update(state decided_by decided_at decision_note reversal_id)
    enrolment_attestations: select insert update(college_uai level attested_by attested_at)
    enrolment_events: select insert
    enrolments: select insert update
    device_keys: select
    disputes: select insert update
    document_files: select insert update(key_sealed key_version) delete
    documents: select insert update(state decided_by closed_at refusal_reason refusal_note deletion_reason version)
    families: select insert update(debit_notices)
    found_cards: select insert
    guardians: select insert update(email phone postal_address)
    holds: select
    jobs: select insert update delete
    journal: select
    ledger_accounts: select insert
    ledger_entries: select
    ledger_refusals: select
    ledger_rules: select insert
    merchant_holds: select
    merchant_lines: select
    merchant_operations: select
    payout_batches: select insert update(state first_approved_by first_approved_at second_approved_by second_approved_at sent_at)
    payout_lines: select insert delete
    payout_returns: select insert update(state decided_by decided_at)
    payouts: select insert update(state reason_code carried_into) delete
    photos: select insert update(image_sealed state reason note hints till_sealed gate_sealed decided_by decided_at version) delete
    derogations: select insert update(revoked_by revoked_at)
    news: select insert update(state decided_by decided_at last_guardian letters sent_at)
    canteen_adults: select insert update(email left_at version)
    canteen_day_codes: select insert delete
    canteen_gate_rules: select insert update(walk_ins set_by set_at)
    canteen_operator_sites: select insert update(ends_on)
    canteen_operators: select insert
    canteen_passages: select
    canteen_care_plans: select insert update(ended_by ended_at)
    canteen_enrolments: select insert update(weekdays diet starts_on ends_on state end_reason laid_out_version ended_at version)
    canteen_meals: select insert update(enrolment_id college_uai state changed_at)
    canteen_means: select insert update(means_sealed purged_at)
    canteen_rates: select insert update(explanation_sealed)
    canteen_rate_requests: select insert update(state inquiries inquiry_id held_until identity_sealed next_try_at attempts call_id answer answer_detail answered_at source income_year income_month is_year_before decided_by closed_at reason note version)
    canteen_rate_request_children: select insert update(before_id after_id closed_at)
    canteen_rate_request_steps: select insert
    canteen_calendars: select insert update(state calendar drafted_by drafted_at published_by published_at)
    canteen_closures: select insert update(withdrawn_by withdrawn_at applied_until)
    canteen_attendance_locks: select insert update(run_id reopened_by reopened_at reopen_reason)
    canteen_bill_runs: select insert update(state draft_no checked_by checked_at issued_by issued_at abandoned_by abandoned_at)
    canteen_bill_drafts: select insert
    canteen_bills: select insert
    canteen_bill_lines: select insert
    canteen_payments: select insert
    canteen_reminders: select insert
    canteen_waivers: select insert
    canteen_draft_lines: select insert delete
    canteen_bill_series: select insert update(last)
    canteen_cancellations: select insert update(state decided_by decided_at credit_note_id)
    canteen_account_entries: select
    canteen_unpaid_bills: select
    season_openings: select insert update(state last_family carried leaving families done_at)
    roster_checks: select insert
    season_expiries: select insert update(done_at wallets_swept lost_cents state decided_by decided_at)
    scholarship_answers: select insert update(is_scholar echelon answered_at) delete
    schooling_checks: select update(civil_sex state next_try_at attempts call_id answered_at is_enrolled told_uai) delete
    season_versions: select insert update delete
    till_minutes: select
    transfers: select
    wallets: select
    __diesel_schema_migrations: select";

/// What the verifier's role may read: ids, amounts and states.
const CHECK_DIRECTORY: &str = "devices: id merchant_id department kind state
    __diesel_schema_migrations: version run_on";
const CHECK_DEPARTMENT: &str = "
    enrolment_events: enrolment_id state
    enrolments: id child_id family_id season state submitted_at
    holds: id kind wallet_id amount_cents state captured_cents merchant_id client_id key made_at expires_at closed_at
    ledger_accounts: id kind merchant_id
    ledger_entries: transfer_id account_id cents at
    season_versions: season version state rules effective_from
    transfers: id kind from_account to_account amount_cents wallet_id wallet_version balance_after_cents at client_id key fingerprint merchant_id reverses grant_kind hold_id request_id reason hash
    wallets: id child_id family_id enrolment_id season kind balance_cents held_cents version spend_before capture_before head swept_at
    __diesel_schema_migrations: version run_on";

/// Tables whose rows belong to a family: how to find it from a row `t`.
const OF_A_FAMILY: &[(&str, &str)] = &[
    ("families", "t.id"),
    ("guardians", "t.family_id"),
    ("children", "t.family_id"),
    ("photos", "t.family_id"),
    ("documents", "t.family_id"),
    ("document_files", "t.family_id"),
    ("consents", "t.family_id"),
    ("enrolments", "t.family_id"),
    ("enrolment_events", "(select e.family_id from enrolments e where e.id = t.enrolment_id)"),
    ("derogations", "t.family_id"),
    ("enrolment_attestations", "(select e.family_id from enrolments e where e.id = t.enrolment_id)"),
    ("wallets", "t.family_id"),
    ("transfers", "(select w.family_id from wallets w where w.id = t.wallet_id)"),
    ("holds", "(select w.family_id from wallets w where w.id = t.wallet_id)"),
    ("disputes", "t.family_id"),
    ("cards", "t.family_id"),
    ("schooling_checks", "(select e.family_id from enrolments e where e.id = t.enrolment_id)"),
    ("found_cards", "t.family_id"),
    ("canteen_enrolments", "t.family_id"),
    ("canteen_meals", "t.family_id"),
    ("canteen_means", "t.family_id"),
    ("canteen_rates", "t.family_id"),
    ("canteen_care_plans", "t.family_id"),
    ("canteen_day_codes", "t.family_id"),
    ("canteen_passages", "t.family_id"),
    ("canteen_bills", "t.family_id"),
    ("canteen_bill_lines", "(select b.family_id from canteen_bills b where b.id = t.bill_id)"),
    ("canteen_payments", "t.family_id"),
    ("canteen_reminders", "(select b.family_id from canteen_bills b where b.id = t.bill_id)"),
    ("canteen_waivers", "t.family_id"),
    ("canteen_rate_requests", "t.family_id"),
    ("canteen_rate_request_children", "t.family_id"),
    ("canteen_rate_request_steps", "t.family_id"),
];
/// The other tables: which of their rows a guardian sees.
const OF_NO_FAMILY: &[(&str, &str)] = &[
    ("season_versions", "t.state = 'published'"),
    ("canteen_calendars", "t.state = 'published'"),
    ("canteen_adults", "false"),
    ("canteen_gate_rules", "false"),
    ("canteen_operator_sites", "false"),
    ("canteen_operators", "false"),
    ("canteen_attendance_locks", "false"),
    ("canteen_bill_runs", "false"),
    ("canteen_bill_drafts", "false"),
    ("canteen_draft_lines", "false"),
    ("canteen_bill_series", "false"),
    ("canteen_cancellations", "false"),
    ("canteen_closures", "true"),
    ("card_keys", "true"),
    ("canteen_services", "true"),
    ("canteen_colleges", "true"),
    ("canteen_grids", "t.state <> 'draft'"),
    ("card_makers", "false"),
    ("card_batches", "false"),
    // The names of merchants stand on his statement.
    ("affiliations", "true"),
    ("audit", "false"),
    ("jobs", "false"),
    ("ledger_accounts", "false"),
    // Those of his own cards, by way of the cards he sees.
    ("ledger_refusals", "exists (select 1 from cards c where c.id = t.card_id)"),
    ("ledger_rules", "true"),
    ("till_minutes", "false"),
    ("corrections", "false"),
    ("season_openings", "false"),
    ("news", "false"),
    ("roster_checks", "false"),
    ("season_expiries", "false"),
    ("bank_accounts", "false"),
    ("payout_batches", "false"),
    ("payouts", "false"),
    ("payout_lines", "false"),
    ("payout_returns", "false"),
    ("authority_limits", "false"),
    ("authority_calls", "false"),
    ("scholarship_answers", "false"),
];

fn department() -> Schema {
    schemas()[1]
}

/// A connection as the service's own role, as the service makes them.
fn as_the_service(service: &Service, schema: Schema) -> PgConnection {
    let place = match schema {
        Schema::Directory => &service.config.directory,
        Schema::Department(code) => &service.config.departments.iter().find(|d| d.code == code).unwrap().place,
    };
    PgConnection::establish(&place.url).unwrap()
}

fn as_the_superuser(service: &Service, schema: Schema) -> PgConnection {
    PgConnection::establish(&service.superuser_url(schema)).unwrap()
}

#[actix_web::test]
async fn every_table_of_a_department_is_behind_policies() {
    let service = Service::start().await;
    let mut conn = as_the_superuser(&service, department());
    let open = texts(
        &mut conn,
        "select relname from pg_class c join pg_namespace n on n.oid = relnamespace and nspname = 'public'
          where relkind in ('r', 'p', 'm') and relname <> '__diesel_schema_migrations'
            and not (relrowsecurity and exists (select 1 from pg_policies p where p.tablename = c.relname))",
    );
    assert_same("tables without row-level security", &BTreeSet::new(), &open);
    // A view runs as its owner, past the policies, unless it says otherwise; these filter by the calling merchant themselves.
    let past = texts(
        &mut conn,
        "select relname from pg_class c join pg_namespace n on n.oid = relnamespace and nspname = 'public'
          where relkind = 'v' and not coalesce(reloptions @> array['security_invoker=true'], false)",
    );
    assert_same(
        "views that look past the policies",
        &BTreeSet::from(["device_keys", "merchant_holds", "merchant_operations"].map(ToOwned::to_owned)),
        &past,
    );
    for schema in schemas() {
        let mut conn = as_the_superuser(&service, schema);
        let loose = texts(
            &mut conn,
            "select p.proname from pg_proc p join pg_namespace n on n.oid = pronamespace and nspname = 'public'
              where prosecdef and not exists (select 1 from unnest(proconfig) c where c = 'search_path=public, pg_temp')",
        );
        assert_same("SECURITY DEFINER functions without a pinned search_path", &BTreeSet::new(), &loose);
        let public = texts(
            &mut conn,
            "select p.proname from pg_proc p join pg_namespace n on n.oid = pronamespace and nspname = 'public',
                    lateral aclexplode(coalesce(proacl, acldefault('f', proowner))) a where a.grantee = 0",
        );
        assert_same("functions that anybody may call", &BTreeSet::new(), &public);
    }
}

#[actix_web::test]
async fn the_services_role_owns_nothing_makes_nothing_and_bypasses_nothing() {
    let service = Service::start().await;
    for schema in schemas() {
        let role = schema.app();
        let mut conn = as_the_superuser(&service, schema);
        let owned = texts(
            &mut conn,
            &format!(
                "select 'relation ' || relname from pg_class where relowner = '{role}'::regrole
                 union all select 'function ' || proname from pg_proc where proowner = '{role}'::regrole
                 union all select 'schema ' || nspname from pg_namespace where nspowner = '{role}'::regrole
                 union all select 'database ' || datname from pg_database where datdba = '{role}'::regrole
                 union all select 'member of ' || roleid::regrole from pg_auth_members where member = '{role}'::regrole
                 union all select 'attribute' from pg_roles where rolname = '{role}'
                       and (rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls or rolinherit)"
            ),
        );
        assert_same(&format!("{role} owns or is"), &BTreeSet::new(), &owned);
        let mut own = as_the_service(&service, schema);
        for sql in [
            "create table intruder (id int)",
            "create temp table intruder (id int)",
            "create function intruder() returns int language sql as 'select 1'",
            "create schema intruder",
            "create role intruder",
            "alter table audit disable row level security",
            "drop table audit",
            "truncate audit",
            "update audit set action = 'nothing'",
            "delete from audit",
            "set role postgres",
            &format!("set role {}", schema.owner()),
            "copy audit to program 'true'",
            "select * from pg_authid",
        ] {
            assert!(own.batch_execute(sql).is_err(), "{role} may: {sql}");
        }
        // One department's role does not even enter another's database.
        let elsewhere = service.superuser_url(Schema::Department("78".parse().unwrap()));
        let url = elsewhere.replacen(&format!("//{}@", passplus::embedded::SUPERUSER), &format!("//{role}@"), 1);
        assert!(
            PgConnection::establish(&elsewhere).is_ok() && PgConnection::establish(&url).is_err(),
            "{role} enters 78"
        );
    }
}

/// What a role may do, `table: verbs`, with the columns of a verb that holds for some only.
fn granted(role: &str) -> String {
    format!(
        "select relname || ': ' || string_agg(verb || case when whole then '' else '(' || part || ')' end, ' ' order by place)
           from pg_class c join pg_namespace n on n.oid = relnamespace and nspname = 'public'
          cross join unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger'])
                with ordinality v(verb, place)
          cross join lateral (select has_table_privilege('{role}', c.oid, verb) as whole) w
          cross join lateral (select string_agg(attname, ' ' order by attnum) as part from pg_attribute
                where attrelid = c.oid and attnum > 0 and not attisdropped
                  and case when verb in ('select', 'insert', 'update', 'references')
                           then has_column_privilege('{role}', c.oid, attnum, verb) else false end) s
          where relkind in ('r', 'v', 'm', 'p') and (whole or part is not null) group by relname"
    )
}

#[actix_web::test]
async fn grants_are_those_of_the_list() {
    let service = Service::start().await;
    let lines =
        |list: &str| list.lines().map(str::trim).filter(|l| !l.is_empty()).map(str::to_owned).collect::<BTreeSet<_>>();
    for (schema, tables, columns) in
        [(schemas()[0], DIRECTORY, CHECK_DIRECTORY), (schemas()[1], DEPARTMENT, CHECK_DEPARTMENT)]
    {
        let mut conn = as_the_superuser(&service, schema);
        let sql = granted(&schema.app());
        assert_same(&format!("grants of {}", schema.app()), &lines(tables), &texts(&mut conn, &sql));
        let sql = format!(
            "select relname || ': ' || string_agg(attname, ' ' order by attnum) from pg_class c
               join pg_namespace n on n.oid = relnamespace and nspname = 'public'
               join pg_attribute a on attrelid = c.oid and attnum > 0 and not attisdropped
              where relkind in ('r', 'v', 'm', 'p') and has_column_privilege('{}', c.oid, attnum, 'select') group by relname",
            schema.check()
        );
        assert_same(&format!("what {} reads", schema.check()), &lines(columns), &texts(&mut conn, &sql));
        let personal =
            |class| [Class::Identity, Class::Contact, Class::Child, Class::Photo, Class::Secret].contains(&class);
        for column in privacy::columns(&privacy::register(schema), |line| personal(line.class)) {
            let (table, column) = column.split_once('.').unwrap();
            let sql =
                format!("select has_column_privilege('{}', '{table}', '{column}', 'select') as may", schema.check());
            assert_eq!(rows(&mut conn, &sql)[0]["may"], false, "{} reads {table}.{column}", schema.check());
        }
        let sql = format!(
            "select relname from pg_class c join pg_namespace n on n.oid = relnamespace and nspname = 'public'
              where relkind in ('r', 'v', 'm', 'p') and has_table_privilege('{}', c.oid, 'insert, update, delete, truncate')",
            schema.check()
        );
        assert_same(&format!("what {} writes", schema.check()), &BTreeSet::new(), &texts(&mut conn, &sql));
    }
}

/// The rows of a table that are seen, or that the condition tells, as a set of texts.
fn seen(conn: &mut PgConnection, table: &str, condition: &str) -> BTreeSet<String> {
    texts(conn, &format!("select to_jsonb(t) from {table} t where {condition}"))
}

#[actix_web::test]
async fn without_a_caller_nothing_is_seen_and_a_guardian_sees_his_family_only() {
    let world = World::start().await;
    let (a, b) = (full_family(&world, "Ana").await, full_family(&world, "Boris").await);
    // A draft, which is for agents only.
    world.administrator.post("/v1/departments/92/seasons", json!({ "season": "2027-2028" })).await.expect(201);
    let mut all = as_the_superuser(&world.service, department());
    let tables: BTreeSet<String> = relations(&mut all, "rp").into_iter().collect();
    let listed = OF_A_FAMILY.iter().chain(OF_NO_FAMILY).map(|(table, _)| (*table).to_owned()).collect();
    assert_same("tables that this test knows", &tables, &listed);

    let mut intruder = as_the_service(&world.service, department());
    for table in &tables {
        assert!(!seen(&mut all, table, "true").is_empty(), "{table} is empty: nothing would be proved");
        // Published rules, the canteen's, and the public halves of the card keys are public; the sealed halves open with the department's
        // key only.
        let public = match table.as_str() {
            "season_versions" | "canteen_calendars" => "t.state = 'published'",
            "canteen_grids" => "t.state <> 'draft'",
            "card_keys" | "canteen_services" | "canteen_colleges" | "canteen_closures" => "true",
            _ => "false",
        };
        assert_same(
            &format!("{table} without a caller"),
            &seen(&mut all, table, public),
            &seen(&mut intruder, table, "true"),
        );
    }

    let me = a.get("/v1/me").await.text("/account_id");
    let offset = world.app.db.server_now() - server_now();
    intruder
        .batch_execute(&format!(
            "set app.kind = 'guardian'; set app.account = '{me}'; set app.clock_offset = '{} seconds'",
            offset.num_seconds()
        ))
        .unwrap();
    for (table, family) in OF_A_FAMILY {
        let own = seen(&mut all, table, &format!("{family} = '{}'", a.id));
        let other = seen(&mut all, table, &format!("{family} = '{}'", b.id));
        assert!(!own.is_empty() && !other.is_empty(), "{table} lacks rows of a family");
        assert_same(&format!("{table} as a guardian"), &own, &seen(&mut intruder, table, "true"));
    }
    for (table, condition) in OF_NO_FAMILY {
        assert_same(
            &format!("{table} as a guardian"),
            &seen(&mut all, table, condition),
            &seen(&mut intruder, table, "true"),
        );
    }
    let entries = rows(&mut intruder, "select distinct account_id from ledger_entries");
    let wallets: Vec<Value> = rows(&mut all, &format!("select id from wallets where family_id = '{}'", a.id));
    assert_eq!(entries.len(), wallets.len() + 1, "the own wallets and the funding account only");
    assert!(rows(&mut intruder, "select * from merchant_operations").is_empty());
    assert!(rows(&mut intruder, "select * from device_keys").is_empty());
    // What he may write, he may not write on the other family: nothing is there for him.
    for (table, column) in
        [("guardians", "phone"), ("children", "residence"), ("enrolments", "level"), ("cards", "state")]
    {
        let sql = format!("update {table} set {column} = {column} where family_id = '{}'", b.id);
        let touched = diesel::RunQueryDsl::execute(diesel::sql_query(sql), &mut intruder);
        assert_eq!(touched.unwrap(), 0, "{table} of the other family is written");
    }
}
