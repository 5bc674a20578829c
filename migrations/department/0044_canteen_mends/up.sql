-- What families and agents miss once a canteen runs.

-- An account says how something was paid, and under which reference.
create or replace view canteen_account_entries with (security_invoker = true) as
    select payer_id, family_id, id, kind, year, number, issued_at as at, issued_on as on_day, due_on, total_cents as cents,
           null::text as means, null::text as reference
      from canteen_bills
    union all
    select payer_id, family_id, id, case when undoes is null then 'payment' else 'payment_undone' end, null, null, recorded_at, paid_on, null,
           -amount_cents, means, reference
      from canteen_payments;

-- A meal that somebody cancelled or added by itself, against the days of the week of its enrolment: those may change and come back, it stays.
alter table canteen_meals add column is_single boolean not null default false;
update canteen_meals m set is_single = true
  from canteen_enrolments e
 where e.id = m.enrolment_id and e.state = 'active' and m.day > current_date
   and m.state = case when e.weekdays & (1 << (extract(isodow from m.day)::integer - 1)) <> 0 then 'cancelled' else 'reserved' end;

-- A request ends when none of its children eats at the canteen any more.
alter table canteen_rate_requests
    drop constraint canteen_rate_requests_state,
    add constraint canteen_rate_requests_state
        check (state in ('in_progress', 'number_needed', 'document_needed', 'decided', 'withdrawn', 'left_canteen', 'expired')),
    drop constraint canteen_rate_requests_closed,
    add constraint canteen_rate_requests_closed
        check ((state in ('decided', 'withdrawn', 'left_canteen', 'expired')) = (closed_at is not null));
alter table canteen_rate_request_steps
    drop constraint canteen_rate_request_steps_step,
    add constraint canteen_rate_request_steps_step
        check (step in ('requested', 'unavailable', 'number_needed', 'number_given', 'document_needed', 'decided', 'withdrawn',
                        'left_canteen', 'expired'));

-- Whether families were told within a week that nothing is served on that day, and then that it is: they owe what was eaten.
create function canteen_called_off(p_college text, p_day date) returns boolean language sql stable as $$
    select exists (select 1 from canteen_closures c
                    where p_day between c.from_day and c.until_day and (c.college_uai is null or c.college_uai = p_college)
                      and (c.declared_at at time zone 'Europe/Paris')::date <= p_day
                      and (c.withdrawn_at at time zone 'Europe/Paris')::date >= p_day - 7) $$;
