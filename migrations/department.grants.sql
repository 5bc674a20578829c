-- Who may do what in a department; applied after every migration. Money moves only through the owner's functions: the service may
-- read wallets and transfers, and change neither.
revoke all on all tables in schema public from public, {app}, {check};
revoke all on all functions in schema public from public;
revoke create on schema public from public;
grant usage on schema public to {app}, {check};
grant execute on all functions in schema public to {app};
grant execute on function actor_kind(), actor_account(), actor_college(), actor_is_department(), my_families(), instant(), today()
    to {check};
grant select on families, wallets, transfers, holds, ledger_refusals, till_minutes, ledger_entries, merchant_operations, merchant_holds,
    device_keys, journal to {app};
grant update (debit_notices) on families to {app};
grant insert on families to {app};
grant select, insert, update on season_versions, children, enrolments, cards, affiliations, disputes to {app};
-- Of his record a guardian changes how he is reached; rights go through `set_guardian_rights`, invitations through their own door.
grant select, insert, update (email, phone, postal_address) on guardians to {app};
-- Drafts only: the table's policy keeps what is published.
grant delete on season_versions to {app};
-- A portrait is sent, decided once, and goes; the person it shows never changes.
grant select, insert, delete,
    update (state, reason, note, hints, image_sealed, till_sealed, gate_sealed, decided_by, decided_at, version) on photos to {app};
-- Of a document only what is decided of it changes; its file goes with the decision.
grant select, insert, update (state, decided_by, closed_at, refusal_reason, refusal_note, deletion_reason, version) on documents to {app};
grant select, insert, update (key_sealed, key_version), delete on document_files to {app};
grant select, insert on consents, enrolment_events, audit, ledger_accounts, ledger_rules, card_keys, roster_checks to {app};
grant select, insert, update (state, decided_by, decided_at, decision_note, reversal_id) on corrections to {app};
grant select, insert, update (done_at, wallets_swept, lost_cents, state, decided_by, decided_at) on season_expiries to {app};
-- A collège's word may be said anew; an order to open a season is withdrawn before it begins, and counted by the worker.
grant select, insert, update (college_uai, level, attested_by, attested_at) on enrolment_attestations to {app};
grant select, insert, update (state, decided_by, decided_at, last_guardian, letters, sent_at) on news to {app};
grant select, insert, update (revoked_by, revoked_at) on derogations to {app};
grant select, insert, update (state, calendar, drafted_by, drafted_at, published_by, published_at) on canteen_calendars to {app};
grant select, insert, update (withdrawn_by, withdrawn_at, applied_until) on canteen_closures to {app};
grant select, insert, update (state, last_family, carried, leaving, families, done_at) on season_openings to {app};
-- Where there is a canteen is ended, or given up before it begins; of a published grid only the last day moves (a trigger holds the rest).
grant select, insert, update (ends_on), delete on canteen_services, canteen_colleges to {app};
grant select, insert, update (state, grid, replaces, starts_on, ends_on, drafted_by, drafted_at, published_by, published_at), delete
    on canteen_grids to {app};
-- Meals move between their states; of means and prices only the figures of tax notices go.
grant select, insert, update (email, left_at, version) on canteen_adults to {app};
grant select, insert,
    update (weekdays, diet, starts_on, ends_on, state, end_reason, laid_out_version, ended_at, version) on canteen_enrolments to {app};
grant select, insert, update (enrolment_id, college_uai, state, changed_at, is_single) on canteen_meals to {app};
grant select, insert, update (means_sealed, purged_at) on canteen_means to {app};
grant select, insert, update (explanation_sealed) on canteen_rates to {app};
grant select, insert, update (ended_by, ended_at), delete on canteen_care_plans to {app};
-- What gates saw is written by their own door only; one-time codes of past days go.
grant select, insert on canteen_operators to {app};
grant select, insert, update (ends_on) on canteen_operator_sites to {app};
grant select, insert, update (walk_ins, set_by, set_at) on canteen_gate_rules to {app};
grant select, insert, delete on canteen_day_codes to {app};
grant select, delete on canteen_passages to {app};
grant select, insert, update (revoked_at, deleted_until) on canteen_gates to {app};
-- What is billed or paid is written once. Of a locked month only its run and its reopening change; drafts go when they are made again.
grant select, insert, update (run_id, reopened_by, reopened_at, reopen_reason) on canteen_attendance_locks to {app};
grant select, insert, update (state, draft_no, checked_by, checked_at, issued_by, issued_at, abandoned_by, abandoned_at)
    on canteen_bill_runs to {app};
grant select, insert on canteen_bill_drafts, canteen_bills, canteen_bill_lines, canteen_payments, canteen_reminders, canteen_waivers to {app};
grant select, insert, delete on canteen_draft_lines to {app};
grant select, insert, update (last) on canteen_bill_series to {app};
grant select, insert, update (state, decided_by, decided_at, credit_note_id) on canteen_cancellations to {app};
grant select on canteen_account_entries, canteen_unpaid_bills to {app};
-- A tick stays as it was recorded; where its request stands moves.
grant select, insert,
    update (state, inquiries, inquiry_id, held_until, identity_sealed, next_try_at, attempts, call_id, answer, answer_detail, answered_at,
            source, income_year, income_month, is_year_before, decided_by, closed_at, reason, note, version) on canteen_rate_requests to {app};
grant select, insert, update (before_id, after_id, closed_at) on canteen_rate_request_children to {app};
grant select, insert on canteen_rate_request_steps to {app};
grant select, insert, update, delete on jobs to {app};
-- Questions to the State are put through their own door; the worker writes answers, and forgets them in time.
grant select, update (next_call_at, blocked_until, failures, paused_until) on authority_limits to {app};
grant select, insert, update (outcome, error_code, duration_ms), delete on authority_calls to {app};
grant select, update (state, civil_sex, next_try_at, attempts, call_id, answered_at, is_enrolled, told_uai), delete
    on schooling_checks to {app};
grant select, insert, update (is_scholar, echelon, answered_at), delete on scholarship_answers to {app};
-- Of a payout and its batch nothing changes but where it stands; what was not sent may be given up.
grant select, insert, update (state, decided_by, decided_at, effective_from) on bank_accounts to {app};
grant select, insert, update (state, first_approved_by, first_approved_at, second_approved_by, second_approved_at, sent_at)
    on payout_batches to {app};
grant select, insert, update (state, reason_code, carried_into), delete on payouts to {app};
grant select, insert, delete on payout_lines to {app};
grant select, insert, update (state, decided_by, decided_at) on payout_returns to {app};
grant select on merchant_lines to {app};
grant select, insert on card_makers, found_cards to {app};
grant select, insert, update (state, cards, hash, recipient, frozen_by, frozen_at, approved_by, approved_at, exported_at, printed_at, posted_at)
    on card_batches to {app};
grant select on __diesel_schema_migrations to {app}, {check};
-- The verifier reads amounts and ids, no name.
grant select on wallets, ledger_accounts, ledger_entries to {check};
grant select (id, kind, wallet_id, amount_cents, state, captured_cents, merchant_id, client_id, key, made_at, expires_at, closed_at)
    on holds to {check};
grant select (id, kind, from_account, to_account, amount_cents, wallet_id, wallet_version, balance_after_cents, at, client_id, key,
              fingerprint, merchant_id, reverses, hold_id, request_id, grant_kind, reason, hash) on transfers to {check};
grant select (id, child_id, family_id, season, state, submitted_at) on enrolments to {check};
-- What was decided, to compare the grants with.
grant select (enrolment_id, state) on enrolment_events to {check};
grant select (season, version, state, rules, effective_from) on season_versions to {check};
