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
create index audit_object on audit (object_kind, object_id);

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
