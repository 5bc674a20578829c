-- A season's rules are a document, published in versions: the one in force at an instant is the last that took effect before it.
create table season_versions (
    season text not null,
    version integer not null constraint season_versions_version check (version >= 1),
    state text not null constraint season_versions_state check (state in ('draft', 'published')),
    rules jsonb not null,
    effective_from timestamptz,
    drafted_by uuid,
    drafted_at timestamptz not null,
    published_by uuid,
    published_at timestamptz,
    constraint season_versions_pk primary key (season, version),
    constraint season_versions_effective_unique unique (season, effective_from),
    constraint season_versions_published check ((state = 'published') = (effective_from is not null and published_at is not null))
);
create unique index season_versions_one_draft on season_versions (season) where state = 'draft';

alter table season_versions enable row level security;
create policy season_versions_read on season_versions for select using (state = 'published' or actor_is_department());
create policy season_versions_insert on season_versions for insert with check (actor_is_department());
-- What is published never changes again: only drafts may be written over.
create policy season_versions_update on season_versions for update using (actor_is_department() and state = 'draft') with check (actor_is_department());
create policy season_versions_delete on season_versions for delete using (actor_is_department() and state = 'draft');
