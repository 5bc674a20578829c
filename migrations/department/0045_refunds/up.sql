-- What the treasury paid back: an entry that takes from what the account has in the payer's favour.

alter table canteen_payments
    add column is_refund boolean not null default false,
    drop constraint canteen_payments_sign,
    add constraint canteen_payments_sign check (
        case when (undoes is null) <> is_refund then amount_cents > 0 else amount_cents < 0 end and (undoes is null) = (reason is null));

create or replace view canteen_account_entries with (security_invoker = true) as
    select payer_id, family_id, id, kind, year, number, issued_at as at, issued_on as on_day, due_on, total_cents as cents,
           null::text as means, null::text as reference
      from canteen_bills
    union all
    select payer_id, family_id, id, case when is_refund then 'refund' else 'payment' end || case when undoes is null then '' else '_undone' end,
           null, null, recorded_at, paid_on, null, -amount_cents, means, reference
      from canteen_payments;

-- Bills of which something is left to pay: what was credited or paid settles those first that were due first. A refund takes only what
-- settles none. If a payment that it rests on is undone, more was paid back than came in: no bill's, and late from that day on.
create or replace view canteen_unpaid_bills with (security_invoker = true) as
    select id as bill_id, payer_id, family_id, adult_id, payer_name, year, number, due_on, least(total_cents, upto - credits)::bigint as left_cents
      from (select b.*, sum(b.total_cents) over (partition by b.payer_id order by b.due_on, b.issued_at, b.id) as upto,
                   coalesce(c.cents, 0) as credits
              from canteen_bills b
              left join (select payer_id, -sum(cents) as cents from canteen_account_entries where kind <> 'bill' group by payer_id) c
                on c.payer_id = b.payer_id
             where b.kind = 'bill') u
     where upto > credits and total_cents > 0
    union all
    select null, payer_id, family_id, adult_id, null, null, null, since, cents
      from (select p.payer_id, p.family_id, p.adult_id, max(p.paid_on) filter (where p.undoes is not null and not p.is_refund) - 1 as since,
                   (coalesce((select sum(n.total_cents) from canteen_bills n where n.payer_id = p.payer_id and n.kind = 'credit_note'), 0)
                    - sum(p.amount_cents))::bigint as cents
              from canteen_payments p group by p.payer_id, p.family_id, p.adult_id) o
     where cents > 0;
