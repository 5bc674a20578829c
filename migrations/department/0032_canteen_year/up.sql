-- A closure takes its meals day by day, and gives them back when it is withdrawn.
alter table canteen_closures add column applied_until date;
create index canteen_closures_to_apply on canteen_closures (id)
    where case when withdrawn_at is null then applied_until is distinct from until_day else applied_until is not null end;
create policy canteen_closures_apply on canteen_closures for update
    using (actor_kind() = 'system') with check (actor_kind() = 'system');
