-- A roster of the whole department is checked by one person and applied by another. Of the file nothing is kept but what was counted,
-- and the digest by which the second person is known to apply what the first one saw.
create table roster_checks (
    id uuid primary key,
    digest bytea not null constraint roster_checks_digest check (octet_length(digest) = 32),
    season text not null,
    counts jsonb not null,
    checked_by uuid not null,
    checked_at timestamptz not null
);
create index roster_checks_digest_at on roster_checks (digest, checked_at);

alter table roster_checks enable row level security;
create policy roster_checks_read on roster_checks for select using (actor_kind() = 'agent');
create policy roster_checks_insert on roster_checks for insert
    with check (actor_kind() = 'agent' and checked_by = actor_account());
