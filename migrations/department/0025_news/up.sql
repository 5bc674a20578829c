-- News that a department writes to the guardians who want them. Written by one person, approved by another, sent by the worker in
-- batches to those whose last word is a yes, asked once more when each letter leaves.
create table news (
    id uuid primary key,
    subject text not null,
    body text not null,
    state text not null constraint news_state check (state in ('proposed', 'withdrawn', 'approved', 'sent')),
    written_by uuid not null,
    written_at timestamptz not null,
    decided_by uuid,
    decided_at timestamptz,
    -- The last guardian whom a batch wrote to: the next one begins after him.
    last_guardian uuid,
    letters bigint not null default 0,
    sent_at timestamptz,
    constraint news_decided check ((decided_by is null) = (decided_at is null) and (state = 'proposed') = (decided_by is null)),
    constraint news_four_eyes check (state not in ('approved', 'sent') or decided_by <> written_by)
);
alter table news enable row level security;
create policy news_read on news for select using (actor_is_department());
create policy news_insert on news for insert
    with check (actor_kind() = 'agent' and written_by = actor_account() and state = 'proposed' and letters = 0);
create policy news_decide on news for update
    using (actor_kind() = 'system' or (actor_kind() = 'agent' and state = 'proposed'))
    with check (actor_kind() = 'system' or (actor_kind() = 'agent' and decided_by = actor_account() and state in ('approved', 'withdrawn')));
