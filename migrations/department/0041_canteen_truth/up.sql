-- What lasts, what ends and what is kept in the canteen, told as it is.

-- A child has one care plan a day: one that is over keeps nobody from recording the next. A range of one number needs no extension to be
-- compared, and an id is two numbers.
create function id_half(id uuid, first_digit integer) returns numrange language sql immutable parallel safe
    as $$ select numrange(n, n, '[]')
            from (select ('x' || substr(replace(id::text, '-', ''), first_digit, 16))::bit(64)::bigint::numeric as n) h $$;
drop index canteen_care_plans_one;
alter table canteen_care_plans add constraint canteen_care_plans_one exclude using gist (
    id_half(child_id, 1) with &&, id_half(child_id, 17) with &&, daterange(starts_on, ends_on, '[]') with &&) where (ended_at is null);
create index canteen_care_plans_child on canteen_care_plans (child_id);

-- Whether the calling secretary's collège is the child's in the school year of those days: plans go with the child, wherever they were
-- recorded.
create function my_pupil_between(child uuid, first_day date, last_day date) returns boolean language sql stable
    as $$ select actor_kind() = 'secretary' and exists (
              select 1 from enrolments r where r.child_id = child and r.season in (canteen_season(first_day), canteen_season(last_day))
                 and r.college_uai = actor_college() and r.in_network and r.state not in ('draft', 'refused')) $$;
drop policy canteen_care_plans_read on canteen_care_plans;
create policy canteen_care_plans_read on canteen_care_plans for select
    using (actor_instructs() or family_id in (select my_families()) or my_pupil_between(child_id, starts_on, ends_on));
drop policy canteen_care_plans_update on canteen_care_plans;
create policy canteen_care_plans_update on canteen_care_plans for update
    using (ended_at is null and (actor_instructs() or my_pupil_between(child_id, starts_on, ends_on)))
    with check (ended_by = actor_account());
-- They go with their school year, whole.
create policy canteen_care_plans_delete on canteen_care_plans for delete
    using (actor_kind() = 'system' and canteen_season(ends_on) < canteen_season(today()));

-- So does what a diner ate; where and when stays with the bills. No enrolment ever ended because a canteen closed.
alter table canteen_enrolments
    alter column diet drop not null,
    drop constraint canteen_enrolments_end_reason,
    add constraint canteen_enrolments_end_reason
        check (end_reason in ('at_familys_wish', 'changed_college', 'left_scheme', 'by_department'));
create index canteen_enrolments_to_empty on canteen_enrolments (season) where diet is not null;

-- Invitations are few, and looked at each minute.
create index canteen_meals_invited on canteen_meals (day) where enrolment_id is null and state = 'reserved';
-- Late bills are looked for among those that were due within a year.
create index canteen_bills_due on canteen_bills (due_on) where kind = 'bill';
