drop view canteen_unpaid_bills;
create or replace view canteen_account_entries with (security_invoker = true) as
    select payer_id, family_id, id, kind, year, number, issued_at as at, issued_on as on_day, due_on, total_cents as cents,
           null::text as means, null::text as reference
      from canteen_bills
    union all
    select payer_id, family_id, id, case when undoes is null then 'payment' else 'payment_undone' end, null, null, recorded_at, paid_on, null,
           -amount_cents, means, reference
      from canteen_payments;
create view canteen_unpaid_bills with (security_invoker = true) as
    select id as bill_id, payer_id, family_id, adult_id, payer_name, year, number, due_on, least(total_cents, upto - credits)::bigint as left_cents
      from (select b.*, sum(b.total_cents) over (partition by b.payer_id order by b.due_on, b.issued_at, b.id) as upto,
                   coalesce(c.cents, 0) as credits
              from canteen_bills b
              left join (select payer_id, -sum(cents) as cents from canteen_account_entries where kind <> 'bill' group by payer_id) c
                on c.payer_id = b.payer_id
             where b.kind = 'bill') u
     where upto > credits and total_cents > 0;
-- Fails when something was paid back: no former row tells that.
alter table canteen_payments
    drop constraint canteen_payments_sign,
    drop column is_refund,
    add constraint canteen_payments_sign check (
        case when undoes is null then amount_cents > 0 and reason is null else amount_cents < 0 and reason is not null end);
