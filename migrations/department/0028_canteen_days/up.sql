-- When the canteen serves: a calendar for each season, written by one person and published by another, and closures, which come when they
-- come. Anybody may read both: there is no person in them.

create table canteen_calendars (
    season text not null,
    version integer not null constraint canteen_calendars_version check (version >= 1),
    state text not null constraint canteen_calendars_state check (state in ('draft', 'published')),
    calendar jsonb not null,
    drafted_by uuid not null,
    drafted_at timestamptz not null,
    published_by uuid,
    published_at timestamptz,
    constraint canteen_calendars_pk primary key (season, version),
    constraint canteen_calendars_published check (
        (state = 'published') = (published_by is not null) and (published_by is null) = (published_at is null)),
    constraint canteen_calendars_four_eyes check (published_by <> drafted_by)
);
create unique index canteen_calendars_one_draft on canteen_calendars (season) where state = 'draft';
alter table canteen_calendars enable row level security;
create policy canteen_calendars_read on canteen_calendars for select using (state = 'published' or actor_is_department());
create policy canteen_calendars_insert on canteen_calendars for insert
    with check (actor_kind() = 'agent' and state = 'draft' and drafted_by = actor_account());
-- What is published never changes: only drafts are written over, and published.
create policy canteen_calendars_update on canteen_calendars for update
    using (actor_kind() = 'agent' and state = 'draft')
    with check (actor_kind() = 'agent' and actor_account() in (drafted_by, published_by));

create table canteen_closures (
    id uuid primary key,
    -- Absent: everywhere.
    college_uai text constraint canteen_closures_uai check (college_uai ~ '^[0-9]{7}[A-Z]$'),
    from_day date not null,
    until_day date not null,
    kind text not null constraint canteen_closures_kind check (kind in ('strike', 'outing', 'works', 'incident')),
    label text not null,
    declared_by uuid not null,
    declared_at timestamptz not null,
    withdrawn_by uuid,
    withdrawn_at timestamptz,
    constraint canteen_closures_period check (from_day <= until_day),
    constraint canteen_closures_withdrawn check ((withdrawn_by is null) = (withdrawn_at is null))
);
create index canteen_closures_days on canteen_closures (from_day, until_day) where withdrawn_at is null;
alter table canteen_closures enable row level security;
create policy canteen_closures_read on canteen_closures for select using (true);
create policy canteen_closures_insert on canteen_closures for insert
    with check (actor_kind() = 'agent' and declared_by = actor_account() and withdrawn_at is null);
create policy canteen_closures_update on canteen_closures for update
    using (actor_kind() = 'agent' and withdrawn_at is null)
    with check (actor_kind() = 'agent' and withdrawn_by = actor_account());
