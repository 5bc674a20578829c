-- What of an account is late: a credit note settles its own bill, what was paid settles those first that were due first. What a credit note
-- takes back beyond its bill counts as paid. If more was paid back than came in, because a payment was undone, it is no bill's, and late from
-- that day on. One definition for the account, the arrears and the enrolment.
create or replace view canteen_unpaid_bills with (security_invoker = true) as
    select id as bill_id, payer_id, family_id, adult_id, payer_name, year, number, due_on, least(net_cents, upto - paid)::bigint as left_cents
      from (select b.*, sum(b.net_cents) over (partition by b.payer_id order by b.due_on, b.issued_at, b.id) as upto,
                   greatest(sum(b.net_cents) over (partition by b.payer_id) - a.cents, 0) as paid
              from (select b.id, b.payer_id, b.family_id, b.adult_id, b.payer_name, b.year, b.number, b.due_on, b.issued_at,
                           greatest(b.total_cents + coalesce(c.cents, 0), 0) as net_cents
                      from canteen_bills b
                      left join (select payer_id, corrects, sum(total_cents) as cents from canteen_bills where corrects is not null
                                  group by payer_id, corrects) c on c.payer_id = b.payer_id and c.corrects = b.id
                     where b.kind = 'bill') b
              join (select payer_id, sum(cents) as cents from canteen_account_entries group by payer_id) a on a.payer_id = b.payer_id) u
     where upto > paid and net_cents > 0
    union all
    select null, p.payer_id, p.family_id, p.adult_id,
           (select b.payer_name from canteen_bills b where b.payer_id = p.payer_id order by b.issued_at desc, b.id desc limit 1),
           null, null, p.since, (a.cents - n.cents)::bigint
      from (select payer_id, family_id, adult_id, max(paid_on) - 1 as since
              from canteen_payments where undoes is not null and not is_refund group by payer_id, family_id, adult_id) p
     cross join lateral (select sum(e.cents) as cents from canteen_account_entries e where e.payer_id = p.payer_id) a
     cross join lateral (
           select coalesce(sum(greatest(b.total_cents
                                        + coalesce((select sum(x.total_cents) from canteen_bills x where x.corrects = b.id), 0), 0)), 0) as cents
             from canteen_bills b where b.payer_id = p.payer_id and b.kind = 'bill') n
     where a.cents > n.cents;
create or replace function canteen_overdue_cents(payer uuid) returns bigint language sql stable security definer set search_path = public, pg_temp
    as $$ select coalesce(sum(left_cents), 0)::bigint from canteen_unpaid_bills where payer_id = payer and due_on < today() $$;
