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
create or replace function canteen_overdue_cents(payer uuid) returns bigint language sql stable security definer set search_path = public, pg_temp
    as $$ select greatest(0, coalesce(sum(cents) filter (where kind <> 'bill' or due_on < today()), 0))::bigint
            from (select 'bill' as kind, due_on, total_cents as cents from canteen_bills where payer_id = payer and kind = 'bill'
                  union all select 'credit', null, total_cents from canteen_bills where payer_id = payer and kind = 'credit_note'
                  union all select 'payment', null, -amount_cents from canteen_payments where payer_id = payer) e $$;
