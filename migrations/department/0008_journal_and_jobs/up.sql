create table audit (
    id uuid primary key,
    at timestamptz not null,
    request_id uuid not null,
    actor_kind text not null,
    actor_id uuid,
    action text not null,
    object_kind text not null,
    object_id text not null,
    details jsonb not null
);
create index audit_object on audit (object_kind, object_id, id);

create table jobs (
    id uuid primary key,
    kind text not null,
    payload jsonb not null,
    created_at timestamptz not null,
    run_at timestamptz not null,
    attempts integer not null default 0 constraint jobs_attempts check (attempts >= 0),
    last_error text
);
create index jobs_run_at on jobs (run_at);

alter table audit enable row level security;
create policy audit_read on audit for select using (actor_is_department());
-- Nobody writes in another's name.
create policy audit_insert on audit for insert with check (
    actor_kind = actor_kind()
    and actor_id is not distinct from coalesce(actor_account(), actor_device()));
alter table jobs enable row level security;
create policy jobs_all on jobs for all using (actor_kind() = 'system') with check (true);
