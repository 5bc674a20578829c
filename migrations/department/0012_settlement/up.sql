-- Paying merchants what families spent with them. A batch takes the lines that no batch has taken before; what it took, what it owes and
-- to which account is covered by one hash, and nothing of it changes afterwards but its state.

-- Where to pay, and, for a null merchant, where the department pays from. One proposes, another approves, and three days pass before
-- the account serves: time enough to notice a change that nobody asked for.
create table bank_accounts (
    id uuid primary key,
    merchant_id uuid,
    holder_name text not null,
    iban_sealed bytea not null,
    iban_last4 text not null constraint bank_accounts_last4 check (iban_last4 ~ '^[0-9A-Z]{4}$'),
    state text not null constraint bank_accounts_state check (state in ('proposed', 'approved', 'refused')),
    proposed_by uuid not null,
    proposed_at timestamptz not null,
    decided_by uuid,
    decided_at timestamptz,
    effective_from timestamptz,
    constraint bank_accounts_decided check ((state = 'proposed') = (decided_by is null) and (decided_by is null) = (decided_at is null)),
    constraint bank_accounts_effective check ((state = 'approved') = (effective_from is not null) and effective_from > decided_at),
    constraint bank_accounts_two_persons check (state <> 'approved' or decided_by <> proposed_by)
);
create unique index bank_accounts_one_proposed on bank_accounts (merchant_id) nulls not distinct where state = 'proposed';
create index bank_accounts_approved on bank_accounts (merchant_id, effective_from) where state = 'approved';

create table payout_batches (
    id uuid primary key,
    -- Gapless: a missing batch shows.
    number integer not null constraint payout_batches_number_unique unique constraint payout_batches_number check (number > 0),
    until timestamptz not null,
    state text not null
        constraint payout_batches_state check (state in ('frozen', 'approved', 'sent', 'settled', 'partly_rejected', 'cancelled')),
    hash bytea not null constraint payout_batches_hash check (octet_length(hash) = 32),
    total_cents bigint not null constraint payout_batches_total check (total_cents >= 0),
    debtor_account_id uuid not null constraint payout_batches_debtor_fk references bank_accounts on delete restrict,
    frozen_by uuid not null,
    frozen_at timestamptz not null,
    first_approved_by uuid,
    first_approved_at timestamptz,
    second_approved_by uuid,
    second_approved_at timestamptz,
    sent_at timestamptz,
    constraint payout_batches_frozen_by_another check (
        first_approved_by <> frozen_by and second_approved_by <> frozen_by and first_approved_by <> second_approved_by),
    constraint payout_batches_two_persons check (
        state in ('frozen', 'cancelled') or (first_approved_by is not null and second_approved_by is not null)),
    constraint payout_batches_sent check ((state in ('sent', 'settled', 'partly_rejected')) = (sent_at is not null))
);

-- What one batch pays one merchant: its lines, and what earlier batches left. Nothing is paid for zero or less: it is carried.
create table payouts (
    id uuid primary key,
    -- The batch is written last, once its hash is known.
    batch_id uuid not null constraint payouts_batch_fk references payout_batches on delete restrict deferrable initially deferred,
    merchant_id uuid not null,
    merchant_name text not null,
    bank_account_id uuid not null constraint payouts_bank_account_fk references bank_accounts on delete restrict,
    lines_cents bigint not null,
    carried_in_cents bigint not null,
    amount_cents bigint not null constraint payouts_amount check (amount_cents = lines_cents + carried_in_cents),
    state text not null constraint payouts_state check (state in ('to_pay', 'carried', 'accepted', 'rejected')),
    end_to_end_id text not null constraint payouts_end_to_end_unique unique,
    -- The bank's word for why it did not pay.
    reason_code text,
    -- The payout that took this one up again.
    carried_into uuid constraint payouts_carried_fk references payouts on delete restrict,
    constraint payouts_one_per_merchant unique (batch_id, merchant_id),
    constraint payouts_carried_state check ((state = 'carried') = (amount_cents <= 0)),
    constraint payouts_carried_into check (carried_into is null or state in ('carried', 'rejected')),
    constraint payouts_reason check (reason_code is null or state = 'rejected')
);
create index payouts_merchant on payouts (merchant_id, id);
create index payouts_open on payouts (merchant_id) where state in ('carried', 'rejected') and carried_into is null;
create index payouts_carried on payouts (carried_into) where carried_into is not null;

-- A movement is settled once, for ever.
create table payout_lines (
    transfer_id uuid primary key constraint payout_lines_transfer_fk references transfers on delete restrict,
    payout_id uuid not null constraint payout_lines_payout_fk references payouts on delete restrict,
    amount_cents bigint not null constraint payout_lines_amount check (amount_cents <> 0)
);
create index payout_lines_payout on payout_lines (payout_id);

-- Every movement of a merchant's account, signed as the merchant counts it.
create view merchant_lines with (security_invoker = true) as
    select t.id as transfer_id, t.merchant_id, t.at,
           case when t.to_account = a.id then t.amount_cents else -t.amount_cents end as amount_cents,
           -- What a family contests waits with all that was given back on it.
           exists (select 1 from disputes d where d.state = 'open' and d.transfer_id in (t.id, t.reverses)) as disputed
      from transfers t join ledger_accounts a on a.merchant_id = t.merchant_id and a.id in (t.from_account, t.to_account);

-- What a batch until that instant would find, merchant by merchant.
create function payout_plan(p_until timestamptz) returns table (
    merchant_id uuid, merchant_name text, bank_account_id uuid, line_count bigint, lines_cents bigint, carried_cents bigint,
    disputed_cents bigint) language sql stable as $$
    with lines as (
        select l.merchant_id, count(*) filter (where not l.disputed) as line_count,
               coalesce(sum(l.amount_cents) filter (where not l.disputed), 0)::bigint as lines_cents,
               coalesce(sum(l.amount_cents) filter (where l.disputed), 0)::bigint as disputed_cents
          from merchant_lines l
         where l.at < p_until and not exists (select 1 from payout_lines p where p.transfer_id = l.transfer_id)
         group by l.merchant_id),
    carries as (
        select p.merchant_id, sum(p.amount_cents)::bigint as carried_cents from payouts p
         where p.state in ('carried', 'rejected') and p.carried_into is null group by p.merchant_id),
    accounts as (
        select distinct on (b.merchant_id) b.merchant_id, b.id from bank_accounts b
         where b.state = 'approved' and b.effective_from <= instant() order by b.merchant_id, b.effective_from desc, b.id desc)
    select m.merchant_id,
           coalesce((select f.merchant_name from affiliations f where f.merchant_id = m.merchant_id order by f.id desc limit 1), ''),
           accounts.id, coalesce(lines.line_count, 0), coalesce(lines.lines_cents, 0), coalesce(carries.carried_cents, 0),
           coalesce(lines.disputed_cents, 0)
      from (select lines.merchant_id from lines union select carries.merchant_id from carries) m
      left join lines on lines.merchant_id = m.merchant_id
      left join carries on carries.merchant_id = m.merchant_id
      left join accounts on accounts.merchant_id = m.merchant_id
$$;

-- Makes the payouts of a batch and takes up its lines, in one statement: it sees one state of the ledger. Who has no account in force waits;
-- a debt alone is not carried from batch to batch. Returns the number of payouts. The caller holds the lock of settlement.
create function payout_freeze(p_batch uuid, p_until timestamptz, p_prefix text) returns bigint language sql as $$
    with plan as materialized (
        select * from payout_plan(p_until) where bank_account_id is not null and (line_count > 0 or carried_cents > 0)),
    made as (
        insert into payouts (id, batch_id, merchant_id, merchant_name, bank_account_id, lines_cents, carried_in_cents, amount_cents,
                             state, end_to_end_id)
        select time_ordered_id(), p_batch, merchant_id, merchant_name, bank_account_id, lines_cents, carried_cents,
               lines_cents + carried_cents, case when lines_cents + carried_cents > 0 then 'to_pay' else 'carried' end,
               p_prefix || row_number() over (order by merchant_id)
          from plan returning id, merchant_id),
    taken_up as (
        update payouts p set carried_into = made.id from made
         where p.merchant_id = made.merchant_id and p.state in ('carried', 'rejected') and p.carried_into is null),
    lines as (
        insert into payout_lines (transfer_id, payout_id, amount_cents)
        select l.transfer_id, made.id, l.amount_cents from merchant_lines l join made on made.merchant_id = l.merchant_id
         where l.at < p_until and not l.disputed
           and not exists (select 1 from payout_lines p where p.transfer_id = l.transfer_id))
    select count(*) from made
$$;

alter table bank_accounts enable row level security;
create policy bank_accounts_read on bank_accounts for select using (actor_is_department());
create policy bank_accounts_insert on bank_accounts for insert
    with check (actor_is_department() and state = 'proposed' and proposed_by = actor_account());
create policy bank_accounts_update on bank_accounts for update
    using (actor_is_department() and state = 'proposed') with check (actor_is_department() and decided_by = actor_account());

-- Merchants see what was sent to them, nothing in preparation.
alter table payout_batches enable row level security;
create policy payout_batches_read on payout_batches for select
    using (actor_is_department() or (actor_kind() = 'device' and sent_at is not null));
create policy payout_batches_insert on payout_batches for insert with check (actor_is_department());
create policy payout_batches_update on payout_batches for update using (actor_is_department()) with check (actor_is_department());
alter table payouts enable row level security;
create policy payouts_read on payouts for select
    using (actor_is_department() or (actor_kind() = 'device' and merchant_id = actor_merchant()
        and exists (select 1 from payout_batches b where b.id = batch_id and b.sent_at is not null)));
create policy payouts_insert on payouts for insert with check (actor_is_department());
create policy payouts_update on payouts for update using (actor_is_department()) with check (actor_is_department());
-- What went to the bank stays; what did not may be given up.
create policy payouts_delete on payouts for delete using (actor_is_department()
    and exists (select 1 from payout_batches b where b.id = batch_id and b.sent_at is null));
alter table payout_lines enable row level security;
create policy payout_lines_read on payout_lines for select using (exists (select 1 from payouts p where p.id = payout_id));
create policy payout_lines_insert on payout_lines for insert with check (actor_is_department());
create policy payout_lines_delete on payout_lines for delete using (actor_is_department()
    and exists (select 1 from payouts p join payout_batches b on b.id = p.batch_id where p.id = payout_id and b.sent_at is null));

-- The lines of a payout for those who see it: agents, and a device of its merchant. No child is named.
create function payout_statement(p_payout uuid) returns table (
    transfer_id uuid, kind text, at timestamptz, wallet_kind text, activity_label text, activity_date date, amount_cents bigint)
    language sql stable security definer set search_path = public, pg_temp as $$
    select l.transfer_id, t.kind, t.at, w.kind, t.activity_label, t.activity_date, l.amount_cents
      from payout_lines l
      join payouts p on p.id = l.payout_id
      join payout_batches b on b.id = p.batch_id
      join transfers t on t.id = l.transfer_id
      join wallets w on w.id = t.wallet_id
     where l.payout_id = p_payout
       and (actor_is_department() or (actor_kind() = 'device' and p.merchant_id = actor_merchant() and b.sent_at is not null))
     order by t.at, l.transfer_id
$$;
