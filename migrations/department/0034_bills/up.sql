-- From attendance to the bill: months locked before they are billed, monthly runs, bills that never change, what is paid and what is owed.
-- No balance is kept: an account is the sum of its bills, credit notes and payments, at any time.

-- Who reads bills, and who makes them. Secretaries, gates and merchants are never among them.
create function actor_reads_bills() returns boolean language sql stable
    as $$ select coalesce(actor_kind() = 'system'
              or (actor_kind() = 'agent' and actor_function() in ('administrator', 'case_worker', 'finance')), false) $$;
create function actor_bills() returns boolean language sql stable
    as $$ select coalesce(actor_kind() = 'system'
              or (actor_kind() = 'agent' and actor_function() in ('administrator', 'finance')), false) $$;

-- The season of a day: seasons end on 31 August.
create function canteen_season(day date) returns text language sql immutable parallel safe
    as $$ select y || '-' || (y + 1) from (select extract(year from day - interval '8 months')::integer as y) t $$;

-- A month of a collège whose meals do not change any more. Reopened, it stays as a line; locked again, it is another one, to be billed anew.
create table canteen_attendance_locks (
    id uuid primary key,
    college_uai text not null,
    month date not null constraint canteen_attendance_locks_month check (extract(day from month) = 1),
    locked_by uuid not null,
    locked_at timestamptz not null,
    -- The run that bills it.
    run_id uuid,
    reopened_by uuid,
    reopened_at timestamptz,
    reopen_reason text,
    constraint canteen_attendance_locks_reopened check (num_nonnulls(reopened_by, reopened_at, reopen_reason) in (0, 3))
);
create unique index canteen_attendance_locks_one on canteen_attendance_locks (college_uai, month) where reopened_at is null;
create index canteen_attendance_locks_run on canteen_attendance_locks (run_id);
alter table canteen_attendance_locks enable row level security;
create policy canteen_attendance_locks_read on canteen_attendance_locks for select
    using (actor_is_department() or (actor_kind() = 'secretary' and college_uai = actor_college()));
create policy canteen_attendance_locks_insert on canteen_attendance_locks for insert
    with check (actor_bills() and locked_by = actor_account());
create policy canteen_attendance_locks_update on canteen_attendance_locks for update using (actor_bills()) with check (actor_bills());

-- Who changes a past meal and who locks its month take turns; only a month that is over is ever locked, so that today's meals wait for
-- nobody. The function looks past the policies: a family does not see the locks that bind it.
create function canteen_month_key(college text, month date) returns bigint language sql immutable
    as $$ select hashtextextended('attendance ' || college || month::text, 0) $$;
create function canteen_meals_locked() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
declare
    this_month date := date_trunc('month', today())::date;
begin
    perform pg_advisory_xact_lock_shared(canteen_month_key(college_uai, month))
       from (select distinct college_uai, date_trunc('month', day)::date as month from changed where day < this_month
              order by 1, 2) past;
    if exists (select 1 from changed c
                 join canteen_attendance_locks l on l.college_uai = c.college_uai and l.month = date_trunc('month', c.day)::date
                where c.day < this_month and l.reopened_at is null) then
        raise restrict_violation using message = 'this month is locked', constraint = 'canteen_attendance_locked';
    end if;
    return null;
end $$;
-- For whoever brings meals late, and must leave out those that cannot change any more.
create function canteen_is_locked(college text, meal_day date) returns boolean language sql stable
    security definer set search_path = public, pg_temp
    as $$ select exists (select 1 from canteen_attendance_locks
                          where college_uai = college and month = date_trunc('month', meal_day)::date and reopened_at is null) $$;
create trigger canteen_meals_locked_insert after insert on canteen_meals referencing new table as changed
    for each statement execute function canteen_meals_locked();
create trigger canteen_meals_locked_was after update on canteen_meals referencing old table as changed
    for each statement execute function canteen_meals_locked();
create trigger canteen_meals_locked_is after update on canteen_meals referencing new table as changed
    for each statement execute function canteen_meals_locked();
create trigger canteen_meals_locked_delete after delete on canteen_meals referencing old table as changed
    for each statement execute function canteen_meals_locked();
-- Forfaits are billed by enrolments, past ones too.
create index canteen_enrolments_person on canteen_enrolments (person_id, season);

create table canteen_bill_runs (
    id uuid primary key,
    month date not null constraint canteen_bill_runs_month check (extract(day from month) = 1),
    state text not null constraint canteen_bill_runs_state check (state in ('draft', 'checked', 'issued', 'abandoned')),
    -- From the issue to the day on which it is due.
    due_days smallint not null constraint canteen_bill_runs_due check (due_days between 15 and 90),
    draft_no integer not null,
    begun_by uuid not null,
    begun_at timestamptz not null,
    checked_by uuid,
    checked_at timestamptz,
    issued_by uuid,
    issued_at timestamptz,
    abandoned_by uuid,
    abandoned_at timestamptz,
    constraint canteen_bill_runs_checked check (
        num_nonnulls(checked_by, checked_at) = case when state in ('checked', 'issued') then 2 else 0 end),
    constraint canteen_bill_runs_issued check (num_nonnulls(issued_by, issued_at) = case when state = 'issued' then 2 else 0 end),
    constraint canteen_bill_runs_abandoned check (
        num_nonnulls(abandoned_by, abandoned_at) = case when state = 'abandoned' then 2 else 0 end),
    constraint canteen_bill_runs_four_eyes check (issued_by <> checked_by)
);
-- Two runs at once would bill the same meals.
create unique index canteen_bill_runs_one on canteen_bill_runs ((true)) where state in ('draft', 'checked');
alter table canteen_attendance_locks add constraint canteen_attendance_locks_run_fk foreign key (run_id)
    references canteen_bill_runs on delete restrict;
alter table canteen_bill_runs enable row level security;
create policy canteen_bill_runs_read on canteen_bill_runs for select using (actor_reads_bills());
create policy canteen_bill_runs_insert on canteen_bill_runs for insert with check (actor_bills());
create policy canteen_bill_runs_update on canteen_bill_runs for update using (actor_bills()) with check (actor_bills());

-- What a run would issue, as computed at one time: the last two computations are kept, to be compared.
create table canteen_bill_drafts (
    run_id uuid not null constraint canteen_bill_drafts_run_fk references canteen_bill_runs on delete restrict,
    draft_no integer not null,
    bills bigint not null,
    bills_cents bigint not null,
    credit_notes bigint not null,
    credits_cents bigint not null,
    -- Meals that no rate and no grid prices, or that nobody pays.
    unpriced bigint not null,
    digest bytea not null constraint canteen_bill_drafts_digest check (length(digest) = 32),
    drafted_by uuid not null,
    drafted_at timestamptz not null,
    constraint canteen_bill_drafts_pk primary key (run_id, draft_no)
);
alter table canteen_bill_drafts enable row level security;
create policy canteen_bill_drafts_read on canteen_bill_drafts for select using (actor_reads_bills());
create policy canteen_bill_drafts_insert on canteen_bill_drafts for insert with check (actor_bills());

create table canteen_draft_lines (
    run_id uuid not null constraint canteen_draft_lines_run_fk references canteen_bill_runs on delete restrict,
    draft_no integer not null,
    rank integer not null,
    family_id uuid,
    adult_id uuid,
    payer_id uuid not null generated always as (coalesce(family_id, adult_id)) stored,
    -- The bill that a credit note of this line would correct; absent: the line is of the payer's next bill.
    corrects uuid,
    person_id uuid not null,
    college_uai text not null,
    month date not null,
    kind text not null,
    rate_id uuid,
    grid_id uuid,
    days date[] not null,
    meals integer not null,
    unit_cents bigint not null,
    amount_cents bigint not null generated always as (meals * unit_cents) stored,
    -- The bill that billed this diner's month first, when one did.
    origin_id uuid,
    constraint canteen_draft_lines_pk primary key (run_id, draft_no, rank),
    constraint canteen_draft_lines_payer check (num_nonnulls(family_id, adult_id) = 1)
);
create index canteen_draft_lines_payer_of on canteen_draft_lines (run_id, draft_no, payer_id);
alter table canteen_draft_lines enable row level security;
create policy canteen_draft_lines_read on canteen_draft_lines for select using (actor_reads_bills());
create policy canteen_draft_lines_insert on canteen_draft_lines for insert with check (actor_bills());
create policy canteen_draft_lines_delete on canteen_draft_lines for delete using (actor_bills());

-- The last number of each series. Its row is held until the issue commits: no number is ever skipped.
create table canteen_bill_series (
    kind text not null,
    year integer not null,
    last integer not null constraint canteen_bill_series_last check (last >= 0),
    constraint canteen_bill_series_pk primary key (kind, year)
);
alter table canteen_bill_series enable row level security;
create policy canteen_bill_series_read on canteen_bill_series for select using (actor_reads_bills());
create policy canteen_bill_series_insert on canteen_bill_series for insert with check (actor_bills());
create policy canteen_bill_series_update on canteen_bill_series for update using (actor_bills()) with check (actor_bills());

-- Bills and credit notes. Whoever they are for and whatever they say is theirs for ever.
create table canteen_bills (
    id uuid primary key,
    kind text not null constraint canteen_bills_kind check (kind in ('bill', 'credit_note')),
    year integer not null,
    number integer not null constraint canteen_bills_number check (number >= 1),
    run_id uuid constraint canteen_bills_run_fk references canteen_bill_runs on delete restrict,
    family_id uuid constraint canteen_bills_family_fk references families on delete restrict,
    adult_id uuid constraint canteen_bills_adult_fk references canteen_adults on delete restrict,
    payer_id uuid not null generated always as (coalesce(family_id, adult_id)) stored,
    payer_name text not null,
    month date not null,
    issued_on date not null,
    issued_at timestamptz not null,
    due_on date,
    total_cents bigint not null,
    -- The payer's account before it.
    balance_before_cents bigint not null,
    -- Of a credit note: the bill it corrects.
    corrects uuid constraint canteen_bills_corrects_fk references canteen_bills on delete restrict,
    reason text constraint canteen_bills_reason
        check (reason in ('recomputed', 'entry_error', 'wrong_payer', 'duplicate', 'goodwill')),
    -- Whether the next run bills these meals again.
    bill_again boolean,
    constraint canteen_bills_numbered unique (kind, year, number),
    constraint canteen_bills_payer check (num_nonnulls(family_id, adult_id) = 1),
    constraint canteen_bills_sign check (case kind when 'bill' then total_cents >= 0 and due_on is not null and corrects is null
        and reason is null and bill_again is null else total_cents <= 0 and due_on is null and reason is not null end)
);
create index canteen_bills_of_payer on canteen_bills (payer_id, issued_at, id);
create index canteen_bills_of_family on canteen_bills (family_id) where family_id is not null;
create index canteen_bills_of_run on canteen_bills (run_id);
create index canteen_bills_corrected on canteen_bills (corrects) where corrects is not null;
alter table canteen_bills enable row level security;
create policy canteen_bills_read on canteen_bills for select using (actor_reads_bills() or family_id in (select my_families()));
create policy canteen_bills_insert on canteen_bills for insert with check (actor_bills());

create table canteen_bill_lines (
    bill_id uuid not null constraint canteen_bill_lines_bill_fk references canteen_bills on delete restrict,
    rank integer not null,
    person_id uuid not null,
    diner_name text not null,
    college_uai text not null,
    month date not null,
    kind text not null constraint canteen_bill_lines_kind check (kind in ('meal', 'walk_in', 'guest', 'forfait', 'credit')),
    -- Why the unit costs what it costs.
    rate_id uuid constraint canteen_bill_lines_rate_fk references canteen_rates on delete restrict,
    grid_id uuid constraint canteen_bill_lines_grid_fk references canteen_grids on delete restrict,
    days date[] not null,
    -- Negative: taken back.
    meals integer not null constraint canteen_bill_lines_meals check (abs(meals) = cardinality(days) and meals <> 0),
    unit_cents bigint not null,
    amount_cents bigint not null,
    origin_id uuid constraint canteen_bill_lines_origin_fk references canteen_bills on delete restrict,
    constraint canteen_bill_lines_pk primary key (bill_id, rank),
    constraint canteen_bill_lines_amount check (amount_cents = meals * unit_cents),
    constraint canteen_bill_lines_why check (num_nonnulls(rate_id, grid_id) = 1)
);
create index canteen_bill_lines_of_diner on canteen_bill_lines (person_id, college_uai, month);
create index canteen_bill_lines_of_month on canteen_bill_lines (college_uai, month);
alter table canteen_bill_lines enable row level security;
create policy canteen_bill_lines_read on canteen_bill_lines for select
    using (actor_reads_bills() or exists (select 1 from canteen_bills b where b.id = bill_id));
create policy canteen_bill_lines_insert on canteen_bill_lines for insert with check (actor_bills());

-- A bill is the sum of its lines, from the first commit on and for ever. Asked for each of many bills of one issue, when the database does
-- not know yet how many lines there are: always by the index.
create function canteen_bills_add_up() returns trigger language plpgsql security definer set search_path = public, pg_temp
    set enable_seqscan = off as $$
begin
    if new.total_cents is distinct from (select sum(amount_cents) from canteen_bill_lines where bill_id = new.id) then
        raise check_violation using message = 'a bill is the sum of its lines', constraint = 'canteen_bills_add_up';
    end if;
    return null;
end $$;
create constraint trigger canteen_bills_add_up after insert on canteen_bills deferrable initially deferred
    for each row execute function canteen_bills_add_up();
create function canteen_bill_lines_add_up() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if exists (select 1 from canteen_bills b
                 join (select bill_id, sum(l.amount_cents) as cents from canteen_bill_lines l
                        where bill_id in (select bill_id from added) group by bill_id) s on s.bill_id = b.id
                where b.total_cents <> s.cents) then
        raise check_violation using message = 'a bill is the sum of its lines', constraint = 'canteen_bills_add_up';
    end if;
    return null;
end $$;
create trigger canteen_bill_lines_add_up after insert on canteen_bill_lines referencing new table as added
    for each statement execute function canteen_bill_lines_add_up();

-- For rows that stay as they were written, whoever tries.
create function canteen_money_stays() returns trigger language plpgsql as $$
begin
    raise restrict_violation using message = 'what was billed or paid never changes', constraint = 'canteen_money_stays';
end $$;
create trigger canteen_bill_runs_stay before update or delete on canteen_bill_runs
    for each row when (old.state in ('issued', 'abandoned')) execute function canteen_money_stays();
create trigger canteen_bills_stay before update or delete on canteen_bills for each row execute function canteen_money_stays();
create trigger canteen_bill_lines_stay before update or delete on canteen_bill_lines
    for each row execute function canteen_money_stays();

-- What payers paid. A mistake is undone by a line of the opposite amount.
create table canteen_payments (
    id uuid primary key,
    family_id uuid constraint canteen_payments_family_fk references families on delete restrict,
    adult_id uuid constraint canteen_payments_adult_fk references canteen_adults on delete restrict,
    payer_id uuid not null generated always as (coalesce(family_id, adult_id)) stored,
    amount_cents bigint not null,
    paid_on date not null,
    means text not null constraint canteen_payments_means check (means in ('bank_transfer', 'cheque', 'cash', 'card')),
    reference text,
    undoes uuid constraint canteen_payments_undoes_fk references canteen_payments on delete restrict
        constraint canteen_payments_undone_once unique,
    reason text,
    key uuid not null,
    fingerprint bytea not null,
    recorded_by uuid not null,
    recorded_at timestamptz not null,
    constraint canteen_payments_once unique (recorded_by, key),
    constraint canteen_payments_payer check (num_nonnulls(family_id, adult_id) = 1),
    constraint canteen_payments_sign check (
        case when undoes is null then amount_cents > 0 and reason is null else amount_cents < 0 and reason is not null end)
);
create index canteen_payments_of_payer on canteen_payments (payer_id, recorded_at, id);
create index canteen_payments_of_family on canteen_payments (family_id) where family_id is not null;
alter table canteen_payments enable row level security;
create policy canteen_payments_read on canteen_payments for select using (actor_reads_bills() or family_id in (select my_families()));
create policy canteen_payments_insert on canteen_payments for insert with check (actor_bills() and recorded_by = actor_account());
create trigger canteen_payments_stay before update or delete on canteen_payments
    for each row execute function canteen_money_stays();

-- A bill that an agent takes back by a credit note, alone or with another one.
create table canteen_cancellations (
    id uuid primary key,
    bill_id uuid not null constraint canteen_cancellations_bill_fk references canteen_bills on delete restrict,
    reason text not null constraint canteen_cancellations_reason
        check (reason in ('entry_error', 'wrong_payer', 'duplicate', 'goodwill')),
    bill_again boolean not null,
    note text,
    two_persons boolean not null,
    state text not null constraint canteen_cancellations_state check (state in ('proposed', 'done', 'refused')),
    key uuid not null,
    fingerprint bytea not null,
    proposed_by uuid not null,
    proposed_at timestamptz not null,
    decided_by uuid,
    decided_at timestamptz,
    credit_note_id uuid constraint canteen_cancellations_credit_fk references canteen_bills on delete restrict,
    constraint canteen_cancellations_once unique (proposed_by, key),
    constraint canteen_cancellations_decided check (num_nonnulls(decided_by, decided_at) = case when state = 'proposed' then 0 else 2 end),
    constraint canteen_cancellations_done check ((state = 'done') = (credit_note_id is not null)),
    constraint canteen_cancellations_four_eyes check (not two_persons or state <> 'done' or decided_by <> proposed_by)
);
create unique index canteen_cancellations_one on canteen_cancellations (bill_id) where state <> 'refused';
alter table canteen_cancellations enable row level security;
create policy canteen_cancellations_read on canteen_cancellations for select using (actor_reads_bills());
create policy canteen_cancellations_insert on canteen_cancellations for insert with check (actor_bills() and proposed_by = actor_account());
create policy canteen_cancellations_update on canteen_cancellations for update
    using (actor_bills()) with check (actor_bills() and decided_by = actor_account());
create trigger canteen_cancellations_stay before update or delete on canteen_cancellations
    for each row when (old.state <> 'proposed') execute function canteen_money_stays();

-- One letter a bill and level.
create table canteen_reminders (
    bill_id uuid not null constraint canteen_reminders_bill_fk references canteen_bills on delete restrict,
    level smallint not null constraint canteen_reminders_level check (level between 1 and 3),
    sent_at timestamptz not null,
    constraint canteen_reminders_pk primary key (bill_id, level)
);
alter table canteen_reminders enable row level security;
create policy canteen_reminders_read on canteen_reminders for select
    using (actor_reads_bills() or exists (select 1 from canteen_bills b where b.id = bill_id));
create policy canteen_reminders_insert on canteen_reminders for insert with check (actor_kind() = 'system');

-- Who may enrol a family although it owes something.
create table canteen_waivers (
    id uuid primary key,
    family_id uuid not null constraint canteen_waivers_family_fk references families on delete restrict,
    season text not null,
    reason text not null,
    granted_by uuid not null,
    granted_at timestamptz not null,
    constraint canteen_waivers_one unique (family_id, season)
);
alter table canteen_waivers enable row level security;
create policy canteen_waivers_read on canteen_waivers for select using (actor_reads_bills() or family_id in (select my_families()));
create policy canteen_waivers_insert on canteen_waivers for insert with check (actor_bills() and granted_by = actor_account());

-- All that moves an account, as it moves it: what is billed counts up, what is credited or paid counts down.
create view canteen_account_entries with (security_invoker = true) as
    select payer_id, family_id, id, kind, year, number, issued_at as at, issued_on as on_day, due_on, total_cents as cents from canteen_bills
    union all
    select payer_id, family_id, id, case when undoes is null then 'payment' else 'payment_undone' end, null, null, recorded_at, paid_on, null,
           -amount_cents
      from canteen_payments;

-- Bills of which something is left to pay: what was credited or paid settles those first that were due first.
create view canteen_unpaid_bills with (security_invoker = true) as
    select id as bill_id, payer_id, family_id, adult_id, payer_name, year, number, due_on, least(total_cents, upto - credits)::bigint as left_cents
      from (select b.*, sum(b.total_cents) over (partition by b.payer_id order by b.due_on, b.issued_at, b.id) as upto,
                   coalesce(c.cents, 0) as credits
              from canteen_bills b
              left join (select payer_id, -sum(cents) as cents from canteen_account_entries where kind <> 'bill' group by payer_id) c
                on c.payer_id = b.payer_id
             where b.kind = 'bill') u
     where upto > credits and total_cents > 0;

-- What a payer owes of bills whose day is past. What was credited or paid settles the oldest first. The function looks past the policies:
-- whoever enrols a family must be told the truth, and learns one sum.
create function canteen_overdue_cents(payer uuid) returns bigint language sql stable security definer set search_path = public, pg_temp
    as $$ select greatest(0, coalesce(sum(cents) filter (where kind <> 'bill' or due_on < today()), 0))::bigint
            from (select 'bill' as kind, due_on, total_cents as cents from canteen_bills where payer_id = payer and kind = 'bill'
                  union all select 'credit', null, total_cents from canteen_bills where payer_id = payer and kind = 'credit_note'
                  union all select 'payment', null, -amount_cents from canteen_payments where payer_id = payer) e $$;
-- What keeps a family from enrolling for a season: its overdue sums, unless an agent waived them.
create function canteen_enrolment_owes_cents(family uuid, p_season text) returns bigint language sql stable
    security definer set search_path = public, pg_temp
    as $$ select case when exists (select 1 from canteen_waivers w where w.family_id = family and w.season = p_season) then 0
                      else canteen_overdue_cents(family) end $$;
