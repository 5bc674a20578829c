//! Something of everything that the department's database can hold, so that no table is looked at while it is empty.

use crate::support::{COLLEGE, Family, World};
use diesel::{PgConnection, connection::SimpleConnection};
use serde_json::json;

/// A family with a child enrolled and a consent, and the child.
async fn enrolled_family(world: &World, name: &str) -> (Family, String) {
    let family = world.family("92").await;
    let secretary = world.secretary(COLLEGE).await;
    let child = family.add_child(name, "2015-03-14").await;
    let (enrolment, version) = family.submit(&child, &secretary.college).await;
    secretary.confirm(&enrolment, version).await;
    let consent = json!({ "purpose": "news_email", "granted": true, "text_version": "2026-06", "channel": "web" });
    family.post(&family.path(&format!("families/{}/consents", family.id)), consent).await.expect(201);
    (family, child)
}

/// A family with something of everything, made through the API but for what the API does not make yet.
pub async fn full_family(world: &World, name: &str) -> Family {
    let (family, child) = enrolled_family(world, name).await;
    let mut conn = world.superuser("92");
    conn.batch_execute(&format!(
        "insert into photos (child_id, family_id, image_sealed, submitted_at, id, state)
             values ('{child}', '{file}', '\\x00', now(), gen_random_uuid(), 'submitted');
         with document as (
             insert into documents (id, child_id, family_id, season, kind, media, bytes, content_hash, state, sent_by, received_at)
             select gen_random_uuid(), '{child}', id, '2026-2027', 'tax_notice', 'application/pdf', 1, decode(repeat('00', 32), 'hex'),
                    'received', created_by, now() from families where id = '{file}' returning id, family_id, sent_by)
         insert into document_files select id, family_id, sent_by, '\\x00', '\\x00', '' from document;
         insert into ledger_refusals values (gen_random_uuid(), gen_random_uuid(), '\\x00', 'funds', gen_random_uuid(), null, 1, now());
         insert into jobs values (gen_random_uuid(), 'letter', '{{}}', now(), '2100-01-01', 0, null);
         insert into affiliations values (gen_random_uuid(), gen_random_uuid(), 'Cinéma',
             (select id from ledger_accounts limit 1), 'culture', 'active', '2026-09-01', null, now(), 1);
         insert into till_minutes values (gen_random_uuid(), now(), 1);
         insert into corrections (id, transfer_id, amount_cents, reason, key, fingerprint, two_persons, state, proposed_by, proposed_at)
             select gen_random_uuid(), t.id, 1, 'other', gen_random_uuid(), '', true, 'proposed', gen_random_uuid(), now()
               from transfers t join wallets w on w.id = t.wallet_id where child_id = '{child}';
         insert into enrolment_attestations
             select id, college_uai, level, gen_random_uuid(), now() from enrolments where child_id = '{child}';
         insert into schooling_checks (enrolment_id, child_id, season, college_uai, state, asked_at, answered_at, is_enrolled)
             select id, child_id, season, college_uai, 'suggested', now(), now(), true from enrolments where child_id = '{child}';
         insert into scholarship_answers select id, true, 1, now() from enrolments where child_id = '{child}';
         insert into authority_calls select gen_random_uuid(), 'api_particulier', 'schooling', id, now() from enrolments
             where child_id = '{child}';
         insert into canteen_services select gen_random_uuid(), day, day, gen_random_uuid(), now()
             from (select '2000-01-01'::date + count(*)::integer as day from canteen_services) d;
         insert into canteen_colleges select gen_random_uuid(), '0920001B', day, day, gen_random_uuid(), now()
             from (select '2000-01-01'::date + count(*)::integer as day from canteen_colleges) d;
         insert into canteen_grids (id, diner, version, state, grid, starts_on, ends_on, drafted_by, drafted_at, published_by, published_at)
             select gen_random_uuid(), 'pupil', number, 'published', '{{}}', '2000-01-01'::date + number, '2000-01-01'::date + number,
                    gen_random_uuid(), now(), gen_random_uuid(), now()
               from (select 1 + count(*)::integer as number from canteen_grids) d;
         insert into canteen_grids (id, diner, version, state, grid, drafted_by, drafted_at)
             values (gen_random_uuid(), 'guest', 1, 'draft', '{{}}', gen_random_uuid(), now()) on conflict do nothing;
         insert into canteen_colleges select gen_random_uuid(), '0920001B', '2030-01-01', '2030-01-01', gen_random_uuid(), now()
             where not exists (select 1 from canteen_colleges where starts_on = '2030-01-01');
         insert into canteen_services select gen_random_uuid(), '2030-01-01', '2030-01-01', gen_random_uuid(), now()
             where not exists (select 1 from canteen_services where starts_on = '2030-01-01');
         insert into canteen_adults (id, kind, college_uai, last_name, first_names, registered_by, registered_at)
             values (gen_random_uuid(), 'guest', '0920001B', 'x', 'x', gen_random_uuid(), now());
         insert into canteen_enrolments (id, season, diner, person_id, family_id, college_uai, weekdays, diet, starts_on, ends_on, state,
                                         enrolled_by, enrolled_at)
             values (gen_random_uuid(), '2029-2030', 'pupil', '{child}', '{file}', '0920001B', 1, 'everything', '2030-01-01', '2030-01-01',
                     'active', gen_random_uuid(), now());
         insert into canteen_meals select person_id, starts_on, id, family_id, college_uai, 'reserved', now() from canteen_enrolments
             where person_id = '{child}';
         insert into canteen_means (id, person_id, family_id, season, starts_on, source, means_sealed, decided_at)
             values (gen_random_uuid(), '{child}', '{file}', '2029-2030', '2030-01-01', 'document', '\\x00', now());
         insert into canteen_rates (id, person_id, family_id, season, starts_on, grid_id, cents, unit, meal_cents, explanation, set_at)
             select gen_random_uuid(), '{child}', '{file}', '2029-2030', '2030-01-01', id, 1, 'meal', 1, '{{}}', now()
               from canteen_grids where state = 'published' limit 1;
         insert into canteen_care_plans (id, child_id, family_id, college_uai, measures_sealed, own_meal, starts_on, ends_on, recorded_by,
                                         recorded_at)
             values (gen_random_uuid(), '{child}', '{file}', '0920001B', '\\x00', false, '2030-01-01', '2030-01-01', gen_random_uuid(), now());
         insert into card_makers values (gen_random_uuid(), 'Imprimerie', 'age1', gen_random_uuid(), now());
         insert into card_batches select gen_random_uuid(), (select coalesce(max(number), 0) + 1 from card_batches), 'frozen', 1, '',
             'age1', gen_random_uuid(), now();
         insert into found_cards select gen_random_uuid(), id, family_id, 'Gymnase', now() from cards where child_id = '{child}';
         insert into derogations values (gen_random_uuid(), '{child}', '{file}', '2026-2027', 'deadline', 'x', '2027-05-31', gen_random_uuid(), now());
         insert into canteen_calendars values ('2026-2027', (select coalesce(max(version), 0) + 1 from canteen_calendars), 'published', '{{}}',
             gen_random_uuid(), now(), gen_random_uuid(), now());
         insert into canteen_closures values (gen_random_uuid(), null, '2026-11-12', '2026-11-12', 'strike', 'Grève', gen_random_uuid(), now())
             on conflict do nothing;
         insert into news (id, subject, body, state, written_by, written_at)
             values (gen_random_uuid(), 'x', 'x', 'proposed', gen_random_uuid(), now());
         insert into season_openings (id, season, from_season, expected_children, ordered_by, ordered_at, runs_at, state)
             values (gen_random_uuid(), '2025-2026', '2024-2025', 1, gen_random_uuid(), now(), now(), 'withdrawn');
         insert into roster_checks values (gen_random_uuid(), decode(repeat('00', 32), 'hex'), '2026-2027', '{{}}', gen_random_uuid(), now());
         insert into season_expiries (id, season, expected_wallets, expected_cents, ordered_by, ordered_at, runs_at, state,
                                      decided_by, decided_at)
             values (gen_random_uuid(), '2025-2026', 1, 1, gen_random_uuid(), now(), now(), 'refused', gen_random_uuid(), now());
         insert into holds (id, kind, wallet_id, amount_cents, merchant_id, client_id, key, fingerprint, request_id, made_at, expires_at,
                            holder_first_name, holder_initial)
             select gen_random_uuid(), 'till', id, 1, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), '', gen_random_uuid(),
                    now(), now(), 'x', 'x' from wallets where child_id = '{child}';
         insert into disputes (id, transfer_id, family_id, merchant_id, state, reason, opened_by, opened_at)
             select gen_random_uuid(), t.id, family_id, gen_random_uuid(), 'open', 'other', gen_random_uuid(), now()
               from transfers t join wallets w on w.id = t.wallet_id where child_id = '{child}';
         with account as (
             insert into bank_accounts values (gen_random_uuid(), gen_random_uuid(), 'Cinéma', '\\x00', '0189', 'proposed',
                 gen_random_uuid(), now(), null, null, null) returning id),
         batch as (
             insert into payout_batches select gen_random_uuid(), (select coalesce(max(number), 0) + 1 from payout_batches), now(),
                 'frozen', decode(repeat('00', 32), 'hex'), 1, account.id, gen_random_uuid(), now() from account returning id),
         payout as (
             insert into payouts select gen_random_uuid(), batch.id, gen_random_uuid(), 'Cinéma', account.id, 1, 0, 1, 'to_pay',
                 gen_random_uuid()::text from batch, account returning id),
         lines as (
             insert into payout_lines select t.id, payout.id, 1 from payout, transfers t on conflict do nothing)
         insert into payout_returns select gen_random_uuid(), payout.id, 'AC04', 'proposed', gen_random_uuid(), now() from payout",
        file = family.id
    ))
    .unwrap();
    conn.batch_execute(&at_the_gates(&family.id, &child)).unwrap();
    conn.batch_execute(&billed(&family.id, &child)).unwrap();
    rate_request(&mut conn, &child, &family.id);
    family
}

/// What a month's bills leave behind, paid in the end.
pub fn billed(file: &str, child: &str) -> String {
    format!(
        "insert into canteen_attendance_locks (id, college_uai, month, locked_by, locked_at)
             select gen_random_uuid(), '0920001B', '2000-01-01'::date + count(*)::integer * interval '1 month', gen_random_uuid(), now()
               from canteen_attendance_locks;
         with run as (
             insert into canteen_bill_runs (id, month, state, due_days, draft_no, begun_by, begun_at, abandoned_by, abandoned_at)
             values (gen_random_uuid(), '2000-01-01', 'abandoned', 30, 1, gen_random_uuid(), now(), gen_random_uuid(), now()) returning id),
         draft as (
             insert into canteen_bill_drafts
             select id, 1, 1, 1, 0, 0, 0, decode(repeat('00', 32), 'hex'), gen_random_uuid(), now() from run)
         insert into canteen_draft_lines (run_id, draft_no, rank, family_id, person_id, college_uai, month, kind, days, meals, unit_cents)
             select id, 1, 1, '{file}', '{child}', '0920001B', '2000-01-01', 'meal', '{{2000-01-03}}', 1, 1 from run;
         insert into canteen_bill_series values ('bill', 2000, 1) on conflict do nothing;
         with bill as (
             insert into canteen_bills (id, kind, year, number, family_id, payer_name, month, issued_on, issued_at, due_on, total_cents,
                                        balance_before_cents)
             select gen_random_uuid(), 'bill', 2000, 1 + count(*), '{file}', 'x', '2000-01-01', '2000-02-01', '2000-02-01', '2000-03-01', 1, 0
               from canteen_bills returning id),
         lines as (
             insert into canteen_bill_lines
             select bill.id, 1, '{child}', 'x', '0920001B', '2000-01-01', 'meal', r.id, null, '{{2000-01-03}}', 1, 1, 1
               from bill cross join canteen_rates r where r.person_id = '{child}'),
         cancelled as (
             insert into canteen_cancellations (id, bill_id, reason, bill_again, two_persons, state, key, fingerprint, proposed_by, proposed_at)
             select gen_random_uuid(), id, 'goodwill', false, true, 'proposed', gen_random_uuid(), '', gen_random_uuid(), now() from bill)
         insert into canteen_reminders select id, 1, now() from bill;
         insert into canteen_payments (id, family_id, amount_cents, paid_on, means, key, fingerprint, recorded_by, recorded_at)
             values (gen_random_uuid(), '{file}', 1, '2000-03-01', 'cash', gen_random_uuid(), '', gen_random_uuid(), now());
         insert into canteen_waivers values (gen_random_uuid(), '{file}', '2029-2030', 'x', gen_random_uuid(), now())"
    )
}

/// An operator of the canteen, and what its gates know of the child.
fn at_the_gates(file: &str, child: &str) -> String {
    format!(
        "insert into canteen_operators values (gen_random_uuid(), 'Cuisines du Val', gen_random_uuid(), now()) on conflict do nothing;
         insert into canteen_operator_sites
             select gen_random_uuid(), (select id from canteen_operators limit 1), '0920001B', day, day, gen_random_uuid(), now()
               from (select '2000-01-01'::date + count(*)::integer as day from canteen_operator_sites) d;
         insert into canteen_gate_rules select '0920001B', day, true, gen_random_uuid(), now()
             from (select '2000-01-01'::date + count(*)::integer as day from canteen_gate_rules) d;
         insert into canteen_day_codes values (gen_random_uuid(), '{child}', '{file}', '0920001B', '2000-01-01',
             uuid_send(gen_random_uuid()), gen_random_uuid(), now());
         insert into canteen_passages values (gen_random_uuid(), 1, gen_random_uuid(), '0920001B', '2000-01-01', now(), now(), false,
             '{child}', '{file}', true, 'reserved', 'counted', '\\x00');
         insert into canteen_gates values (gen_random_uuid(), gen_random_uuid(), '0920001B', 'Entrée')"
    )
}

/// A request for a reduced rate, with its child and a step.
pub fn rate_request(conn: &mut PgConnection, child: &str, file: &str) {
    conn.batch_execute(&format!(
        "with request as (
             insert into canteen_rate_requests (id, family_id, season, text_version, requested_by, requested_at, way, state, inquiries)
             values (gen_random_uuid(), '{file}', '2029-2030', '1', gen_random_uuid(), now(), 'document', 'document_needed', 0) returning id),
         step as (
             insert into canteen_rate_request_steps select gen_random_uuid(), id, '{file}', 'requested', now() from request)
         insert into canteen_rate_request_children select id, '{child}', '{file}', '2029-2030', '2030-01-01' from request"
    ))
    .unwrap();
}
