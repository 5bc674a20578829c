drop function canteen_called_off(text, date);
update canteen_rate_requests set state = 'expired' where state = 'left_canteen';
update canteen_rate_request_steps set step = 'expired' where step = 'left_canteen';
alter table canteen_rate_requests
    drop constraint canteen_rate_requests_state,
    add constraint canteen_rate_requests_state
        check (state in ('in_progress', 'number_needed', 'document_needed', 'decided', 'withdrawn', 'expired')),
    drop constraint canteen_rate_requests_closed,
    add constraint canteen_rate_requests_closed check ((state in ('decided', 'withdrawn', 'expired')) = (closed_at is not null));
alter table canteen_rate_request_steps
    drop constraint canteen_rate_request_steps_step,
    add constraint canteen_rate_request_steps_step
        check (step in ('requested', 'unavailable', 'number_needed', 'number_given', 'document_needed', 'decided', 'withdrawn', 'expired'));
alter table canteen_meals drop column is_single;
drop view canteen_unpaid_bills;
drop view canteen_account_entries;
create view canteen_account_entries with (security_invoker = true) as
    select payer_id, family_id, id, kind, year, number, issued_at as at, issued_on as on_day, due_on, total_cents as cents from canteen_bills
    union all
    select payer_id, family_id, id, case when undoes is null then 'payment' else 'payment_undone' end, null, null, recorded_at, paid_on, null,
           -amount_cents
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
