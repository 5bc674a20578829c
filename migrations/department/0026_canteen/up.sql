-- The canteen: when the department has one, which collèges are in its scope, and what a meal costs. All of it is dated data that agents
-- write and that anybody may read. A department without a row has no canteen.

create table canteen_services (
    id uuid primary key,
    starts_on date not null,
    ends_on date,
    declared_by uuid not null,
    declared_at timestamptz not null,
    constraint canteen_services_period check (starts_on <= ends_on),
    constraint canteen_services_one_at_a_time exclude using gist (daterange(starts_on, ends_on, '[]') with &&)
);
alter table canteen_services enable row level security;
create policy canteen_services_read on canteen_services for select using (true);
create policy canteen_services_insert on canteen_services for insert
    with check (actor_kind() = 'agent' and declared_by = actor_account());
create policy canteen_services_update on canteen_services for update
    using (actor_kind() = 'agent') with check (actor_kind() = 'agent');
-- What has begun may be ended, never undone.
create policy canteen_services_delete on canteen_services for delete using (actor_kind() = 'agent' and starts_on > today());

create table canteen_colleges (
    id uuid primary key,
    uai text not null constraint canteen_colleges_uai check (uai ~ '^[0-9]{7}[A-Z]$'),
    starts_on date not null,
    ends_on date,
    declared_by uuid not null,
    declared_at timestamptz not null,
    constraint canteen_colleges_period check (starts_on <= ends_on),
    -- The letter of a national code follows from its seven digits, and a range of one number needs no extension to be compared.
    constraint canteen_colleges_once_a_day exclude using gist (
        int4range(left(uai, 7)::integer, left(uai, 7)::integer, '[]') with &&, daterange(starts_on, ends_on, '[]') with &&)
);
alter table canteen_colleges enable row level security;
create policy canteen_colleges_read on canteen_colleges for select using (true);
create policy canteen_colleges_insert on canteen_colleges for insert
    with check (actor_kind() = 'agent' and declared_by = actor_account());
create policy canteen_colleges_update on canteen_colleges for update
    using (actor_kind() = 'agent') with check (actor_kind() = 'agent');
create policy canteen_colleges_delete on canteen_colleges for delete using (actor_kind() = 'agent' and starts_on > today());

-- Whether this department serves meals in that collège on that day.
create function canteen_offered(p_uai text, p_day date) returns boolean language sql stable as $$
    select exists (select 1 from canteen_services where p_day >= starts_on and (ends_on is null or p_day <= ends_on))
       and exists (select 1 from canteen_colleges where uai = p_uai and p_day >= starts_on and (ends_on is null or p_day <= ends_on)) $$;

-- For tables whose rows stand where meals are served; its arguments are the columns of the collège and of the day:
--   create trigger … before insert or update on … for each row execute function canteen_must_be_offered('college_uai', 'starts_on');
-- A database without a canteen cannot hold such a row.
create function canteen_must_be_offered() returns trigger language plpgsql as $$
begin
    if not canteen_offered(to_jsonb(new) ->> tg_argv[0], (to_jsonb(new) ->> tg_argv[1])::date) then
        raise check_violation using message = 'no meals are served there on that day', constraint = 'canteen_offered';
    end if;
    return new;
end $$;

-- Tariff grids: one document each, written by one person and published by another. A published grid never changes; another one may take
-- its place from a day to come, and then only the last day on which it is in force moves.
create table canteen_grids (
    id uuid primary key,
    diner text not null constraint canteen_grids_diner check (diner in ('pupil', 'commensal', 'guest')),
    version integer not null constraint canteen_grids_version check (version >= 1),
    state text not null constraint canteen_grids_state check (state in ('draft', 'published', 'replaced')),
    grid jsonb not null,
    -- The grid whose place this one takes.
    replaces uuid constraint canteen_grids_replaces_fk references canteen_grids on delete restrict,
    -- When it is in force; not known of a draft.
    starts_on date,
    ends_on date,
    drafted_by uuid not null,
    drafted_at timestamptz not null,
    published_by uuid,
    published_at timestamptz,
    constraint canteen_grids_numbered unique (diner, version),
    constraint canteen_grids_period check (starts_on <= ends_on),
    constraint canteen_grids_published check (
        case when state = 'draft' then num_nonnulls(starts_on, ends_on, published_by, published_at) = 0
             else num_nonnulls(starts_on, ends_on, published_by, published_at) = 4 end),
    constraint canteen_grids_four_eyes check (published_by <> drafted_by),
    -- One price a day. A range of one number needs no extension to be compared.
    constraint canteen_grids_one_at_a_time exclude using gist (
        int4range(array_position(array['pupil', 'commensal', 'guest'], diner),
                  array_position(array['pupil', 'commensal', 'guest'], diner), '[]') with &&,
        daterange(starts_on, ends_on, '[]') with &&) where (state = 'published')
);
create unique index canteen_grids_one_draft on canteen_grids (diner) where state = 'draft';
alter table canteen_grids enable row level security;
create policy canteen_grids_read on canteen_grids for select using (state <> 'draft' or actor_is_department());
create policy canteen_grids_insert on canteen_grids for insert
    with check (actor_kind() = 'agent' and state = 'draft' and drafted_by = actor_account());
create policy canteen_grids_update on canteen_grids for update
    using (actor_kind() = 'agent')
    with check (actor_kind() = 'agent' and (state <> 'draft' or drafted_by = actor_account()));
create policy canteen_grids_delete on canteen_grids for delete using (actor_kind() = 'agent' and state = 'draft');

create function canteen_grids_stay() returns trigger language plpgsql as $$
begin
    if old.state <> 'draft' and (old.state = 'replaced' or new.state = 'draft'
            or to_jsonb(new) - array['state', 'ends_on'] is distinct from to_jsonb(old) - array['state', 'ends_on']
            or new.ends_on > old.ends_on
            or (new.state = 'published' and new.ends_on < today())
            or (new.state = 'replaced' and (new.ends_on is distinct from old.ends_on or old.starts_on <= today()))) then
        raise restrict_violation using message = 'a published grid never changes', constraint = 'canteen_grids_stay';
    end if;
    return new;
end $$;
create trigger canteen_grids_stay before update on canteen_grids for each row execute function canteen_grids_stay();
