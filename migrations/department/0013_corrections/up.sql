-- The department's hand on the ledger: movements undone by its agents, and the orders that end a season.

-- What an agent undoes, or wants undone: above the threshold of the rules another agent decides. Its id is the key of the movement that
-- gives the money back, so that it is made once.
create table corrections (
    id uuid primary key,
    transfer_id uuid not null constraint corrections_transfer_fk references transfers on delete restrict,
    amount_cents bigint not null constraint corrections_amount_positive check (amount_cents > 0),
    reason text not null constraint corrections_reason check (
        reason in ('data_entry_error', 'fraud', 'duplicate', 'wrong_beneficiary', 'refund_agreed', 'dispute', 'other')),
    -- For the department alone.
    note text,
    -- The proposer's key and what it stands for: sent twice it is proposed once.
    key uuid not null,
    fingerprint bytea not null,
    -- Whether the rules of its day asked for a second person.
    two_persons boolean not null,
    state text not null constraint corrections_state check (state in ('proposed', 'done', 'refused')),
    proposed_by uuid not null,
    proposed_at timestamptz not null,
    decided_by uuid,
    decided_at timestamptz,
    decision_note text,
    reversal_id uuid,
    constraint corrections_key_unique unique (proposed_by, key),
    constraint corrections_decided check ((state = 'proposed') = (decided_by is null) and (decided_by is null) = (decided_at is null)),
    constraint corrections_done check ((state = 'done') = (reversal_id is not null)),
    constraint corrections_four_eyes check (not two_persons or decided_by <> proposed_by)
);
create index corrections_transfer on corrections (transfer_id);
create index corrections_proposed on corrections (id) where state = 'proposed';
-- A contested debit waits for one decision at a time.
create unique index corrections_one_for_a_dispute on corrections (transfer_id) where state = 'proposed' and reason = 'dispute';
alter table corrections enable row level security;
create policy corrections_read on corrections for select using (actor_is_department());
create policy corrections_insert on corrections for insert
    with check (actor_kind() = 'agent' and proposed_by = actor_account() and state = 'proposed');
create policy corrections_update on corrections for update
    using (actor_kind() = 'agent') with check (actor_kind() = 'agent' and decided_by = actor_account());

-- The order to take back what is left of a season. The worker carries it out by batches, each counted in the transaction that sweeps it.
create table season_expiries (
    id uuid primary key,
    season text not null,
    -- What the dry run said to whoever ordered it.
    expected_wallets bigint not null,
    expected_cents bigint not null,
    ordered_by uuid not null,
    ordered_at timestamptz not null,
    runs_at timestamptz not null,
    done_at timestamptz,
    wallets_swept bigint not null default 0,
    lost_cents bigint not null default 0,
    constraint season_expiries_expected check (expected_wallets >= 0 and expected_cents >= 0),
    constraint season_expiries_after_its_order check (runs_at >= ordered_at),
    constraint season_expiries_swept check (wallets_swept >= 0 and lost_cents >= 0)
);
-- Another one may follow, for wallets opened late.
create unique index season_expiries_one_running on season_expiries (season) where done_at is null;
create index season_expiries_season on season_expiries (season, id);
alter table season_expiries enable row level security;
create policy season_expiries_read on season_expiries for select using (actor_is_department());
create policy season_expiries_insert on season_expiries for insert
    with check (actor_kind() = 'agent' and ordered_by = actor_account() and done_at is null and wallets_swept = 0 and lost_cents = 0);
create policy season_expiries_update on season_expiries for update
    using (actor_kind() = 'system') with check (actor_kind() = 'system');
-- What is still to be swept, in the order of the sweep: empty again when it is over. No debit touches it.
create index wallets_to_sweep on wallets (season, id) where swept_at is null;

-- A merchant sees that a debit is contested, and what became of it: not by whom, nor why.
create or replace view merchant_operations with (security_barrier = true) as
    select t.id, t.kind, t.amount_cents, t.at, t.key, t.client_id, t.client_id as device_id, t.reverses, t.hold_id, w.kind as wallet_kind,
           t.activity_label, t.activity_date, t.holder_first_name, t.holder_initial,
           (select coalesce(sum(r.amount_cents), 0)::bigint from transfers r where r.reverses = t.id) as refunded_cents,
           (select d.state from disputes d where d.transfer_id = t.id) as dispute_state
      from transfers t join wallets w on w.id = t.wallet_id
     where actor_kind() = 'device' and t.merchant_id = actor_merchant();
