//! What the roles of the database may do and read, table by table.

use super::{as_the_superuser, assert_same, schemas, texts};
use crate::{
    coverage::{privacy, rows},
    support::Service,
};
use passplus::privacy::register::Class;
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
    canteen_passages: select delete
    canteen_gates: select insert update(revoked_at deleted_until)
    canteen_care_plans: select insert update(ended_by ended_at) delete
    canteen_enrolments: select insert update(weekdays diet starts_on ends_on state end_reason laid_out_version ended_at version)
    canteen_meals: select insert update(enrolment_id college_uai state changed_at is_single)
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
