drop function payout_account_end(uuid);
drop function payout_statement(uuid);
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

drop function payout_plan(timestamptz);
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

create or replace function payout_freeze(p_batch uuid, p_until timestamptz, p_prefix text) returns bigint language sql as $$
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

drop index payouts_rejected_account;
drop function payout_account_at_fault(text);
drop table payout_returns;
alter table payout_batches drop constraint payout_batches_state, drop constraint payout_batches_sent;
update payout_batches set state = 'partly_rejected' where state = 'rejected';
alter table payout_batches
    add constraint payout_batches_state
        check (state in ('frozen', 'approved', 'sent', 'settled', 'partly_rejected', 'cancelled')),
    add constraint payout_batches_sent check ((state in ('sent', 'settled', 'partly_rejected')) = (sent_at is not null));
