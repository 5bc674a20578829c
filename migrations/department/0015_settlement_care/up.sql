-- What a bank's word may do, what it may not, and what a payee is told.

-- A batch of which nothing was paid says so.
alter table payout_batches drop constraint payout_batches_state, drop constraint payout_batches_sent;
update payout_batches b set state = 'rejected'
 where b.state = 'partly_rejected' and not exists (select 1 from payouts p where p.batch_id = b.id and p.state = 'accepted');
alter table payout_batches
    add constraint payout_batches_state
        check (state in ('frozen', 'approved', 'sent', 'settled', 'partly_rejected', 'rejected', 'cancelled')),
    add constraint payout_batches_sent
        check ((state in ('sent', 'settled', 'partly_rejected', 'rejected')) = (sent_at is not null));

-- Money that came back after the bank had paid it. One says so, another confirms: only then is the sum due again.
create table payout_returns (
    id uuid primary key,
    payout_id uuid not null constraint payout_returns_payout_fk references payouts on delete restrict,
    -- The bank's word for why, of ISO 20022's list.
    reason_code text not null constraint payout_returns_reason check (reason_code ~ '^[A-Z0-9]{4}$'),
    state text not null constraint payout_returns_state check (state in ('proposed', 'done', 'refused')),
    proposed_by uuid not null,
    proposed_at timestamptz not null,
    decided_by uuid,
    decided_at timestamptz,
    constraint payout_returns_decided check ((state = 'proposed') = (decided_by is null) and (decided_by is null) = (decided_at is null)),
    constraint payout_returns_two_persons check (state <> 'done' or decided_by <> proposed_by)
);
create unique index payout_returns_one_proposed on payout_returns (payout_id) where state = 'proposed';
create index payout_returns_payout on payout_returns (payout_id);
alter table payout_returns enable row level security;
create policy payout_returns_read on payout_returns for select using (actor_is_department());
create policy payout_returns_insert on payout_returns for insert
    with check (actor_kind() = 'agent' and proposed_by = actor_account() and state = 'proposed');
create policy payout_returns_update on payout_returns for update
    using (actor_kind() = 'agent' and state = 'proposed') with check (actor_kind() = 'agent' and decided_by = actor_account());

-- The bank's codes that speak of the account itself: wrong, closed, blocked, of another kind, its holder deceased. Nothing more is sent
-- to it until another account, or the same one again, was proposed and confirmed.
create function payout_account_at_fault(p_code text) returns boolean language sql immutable parallel safe
    as $$ select p_code in ('AC01', 'AC03', 'AC04', 'AC06', 'AC07', 'AG01', 'BE01', 'MD07', 'RC04') $$;
create index payouts_rejected_account on payouts (bank_account_id) where state = 'rejected';

-- The same plan, and why a merchant's account is not paid to.
drop function payout_plan(timestamptz);
create function payout_plan(p_until timestamptz) returns table (
    merchant_id uuid, merchant_name text, bank_account_id uuid, line_count bigint, lines_cents bigint, carried_cents bigint,
    disputed_cents bigint, hold_reason text) language sql stable as $$
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
         where b.state = 'approved' and b.effective_from <= instant() order by b.merchant_id, b.effective_from desc, b.id desc),
    refused as (
        select distinct on (p.bank_account_id) p.bank_account_id, p.reason_code from payouts p
         where p.state = 'rejected' and payout_account_at_fault(p.reason_code) order by p.bank_account_id, p.id desc)
    select m.merchant_id,
           coalesce((select f.merchant_name from affiliations f where f.merchant_id = m.merchant_id order by f.id desc limit 1), ''),
           accounts.id, coalesce(lines.line_count, 0), coalesce(lines.lines_cents, 0), coalesce(carries.carried_cents, 0),
           coalesce(lines.disputed_cents, 0), refused.reason_code
      from (select lines.merchant_id from lines union select carries.merchant_id from carries) m
      left join lines on lines.merchant_id = m.merchant_id
      left join carries on carries.merchant_id = m.merchant_id
      left join accounts on accounts.merchant_id = m.merchant_id
      left join refused on refused.bank_account_id = accounts.id
$$;

create or replace function payout_freeze(p_batch uuid, p_until timestamptz, p_prefix text) returns bigint language sql as $$
    with plan as materialized (
        select * from payout_plan(p_until) where bank_account_id is not null and hold_reason is null
                                      and (line_count > 0 or carried_cents > 0)),
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

-- A line of a statement tells its till, what it gives back and why.
drop function payout_statement(uuid);
create function payout_statement(p_payout uuid) returns table (
    transfer_id uuid, kind text, at timestamptz, wallet_kind text, activity_label text, activity_date date, amount_cents bigint,
    client_id uuid, reverses uuid, reason text)
    language sql stable security definer set search_path = public, pg_temp as $$
    select l.transfer_id, t.kind, t.at, w.kind, t.activity_label, t.activity_date, l.amount_cents, t.client_id,
           t.reverses, t.reason
      from payout_lines l
      join payouts p on p.id = l.payout_id
      join payout_batches b on b.id = p.batch_id
      join transfers t on t.id = l.transfer_id
      join wallets w on w.id = t.wallet_id
     where l.payout_id = p_payout
       and (actor_is_department() or (actor_kind() = 'device' and p.merchant_id = actor_merchant() and b.sent_at is not null))
     order by t.at, l.transfer_id
$$;

-- The end of the account number a payout goes to, for those who see the payout.
create function payout_account_end(p_payout uuid) returns text
    language sql stable security definer set search_path = public, pg_temp as $$
    select a.iban_last4
      from payouts p join payout_batches b on b.id = p.batch_id join bank_accounts a on a.id = p.bank_account_id
     where p.id = p_payout
       and (actor_is_department() or (actor_kind() = 'device' and p.merchant_id = actor_merchant() and b.sent_at is not null))
$$;
