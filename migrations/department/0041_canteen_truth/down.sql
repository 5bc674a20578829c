drop index canteen_bills_due;
drop index canteen_meals_invited;
drop index canteen_enrolments_to_empty;
update canteen_enrolments set diet = 'everything' where diet is null;
alter table canteen_enrolments
    alter column diet set not null,
    drop constraint canteen_enrolments_end_reason,
    add constraint canteen_enrolments_end_reason
        check (end_reason in ('at_familys_wish', 'changed_college', 'left_scheme', 'canteen_closed', 'by_department'));
drop policy canteen_care_plans_delete on canteen_care_plans;
drop policy canteen_care_plans_update on canteen_care_plans;
create policy canteen_care_plans_update on canteen_care_plans for update
    using (ended_at is null and (actor_instructs() or (actor_kind() = 'secretary' and college_uai = actor_college())))
    with check (ended_by = actor_account());
drop policy canteen_care_plans_read on canteen_care_plans;
create policy canteen_care_plans_read on canteen_care_plans for select
    using (actor_instructs() or family_id in (select my_families())
        or (actor_kind() = 'secretary' and college_uai = actor_college()));
drop function my_pupil_between(uuid, date, date);
drop index canteen_care_plans_child;
alter table canteen_care_plans drop constraint canteen_care_plans_one;
create unique index canteen_care_plans_one on canteen_care_plans (child_id) where ended_at is null;
drop function id_half(uuid, integer);
