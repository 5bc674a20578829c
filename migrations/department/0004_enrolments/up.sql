create table enrolments (
    id uuid primary key,
    child_id uuid not null constraint enrolments_child_fk references children on delete restrict,
    family_id uuid not null constraint enrolments_family_fk references families on delete restrict,
    season text not null,
    state text not null constraint enrolments_state
        check (state in ('draft', 'submitted', 'confirmed', 'active', 'refused', 'suspended', 'expired')),
    college_uai text not null,
    college_name text not null,
    -- False: the school lies outside the department's network, an agent decides on documents instead of a secretary.
    in_network boolean not null,
    level text not null constraint enrolments_level check (level in ('6e', '5e', '4e', '3e')),
    formula text not null,
    declares_scholarship boolean not null,
    ase boolean not null,
    -- Rule by which the child is eligible, and the reason of a refusal.
    rule text,
    refusal_reason text,
    refusal_note text,
    created_at timestamptz not null,
    submitted_at timestamptz,
    decided_at timestamptz,
    version integer not null default 1,
    constraint enrolments_one_per_season unique (child_id, season)
);
create index enrolments_desk on enrolments (college_uai, season, state, id);
create index enrolments_family on enrolments (family_id);

-- Where a request stands, with dates: what the family is shown.
create table enrolment_events (
    id uuid primary key,
    enrolment_id uuid not null constraint enrolment_events_enrolment_fk references enrolments on delete restrict,
    at timestamptz not null,
    event text not null,
    state text not null,
    actor_kind text not null,
    note text
);
create index enrolment_events_enrolment on enrolment_events (enrolment_id, at);

alter table enrolments enable row level security;
create policy enrolments_read on enrolments for select using (
    actor_is_department() or family_id in (select my_families())
    or (actor_kind() = 'secretary' and college_uai = actor_college() and in_network and state <> 'draft'));
-- A family writes and submits; it never decides.
create policy enrolments_insert on enrolments for insert
    with check (actor_is_department() or (state = 'draft' and family_id in (select my_own_families())));
create policy enrolments_update on enrolments for update
    using (actor_is_department() or family_id in (select my_own_families())
        or (actor_kind() = 'secretary' and college_uai = actor_college() and in_network and state <> 'draft'))
    with check (actor_is_department()
        or (state in ('draft', 'submitted', 'refused') and family_id in (select my_own_families()))
        or (actor_kind() = 'secretary' and college_uai = actor_college() and in_network));

alter table enrolment_events enable row level security;
create policy enrolment_events_read on enrolment_events for select
    using (exists (select 1 from enrolments e where e.id = enrolment_id));
create policy enrolment_events_insert on enrolment_events for insert
    with check (exists (select 1 from enrolments e where e.id = enrolment_id));

-- A secretary sees the pupils whose enrolment names his collège, nobody else.
create policy children_read on children for select using (
    actor_is_department() or family_id in (select my_families())
    or (actor_kind() = 'secretary' and exists (select 1 from enrolments e where e.child_id = children.id)));

-- Records that a pupil of another collège has come to the secretary's own. The secretary cannot see other collèges: he names the
-- pupil, and the function moves the enrolment only when exactly one fits. Returns its id, or null.
create function record_arrival(p_season text, p_last_name text, p_first_names text, p_birth_date date, p_level text, p_college_name text)
    returns uuid language plpgsql security definer set search_path = public, pg_temp as $$
declare
    found_ids uuid[];
begin
    if actor_kind() is distinct from 'secretary' or actor_college() is null then
        raise insufficient_privilege using message = 'only a secretary records an arrival';
    end if;
    select array_agg(e.id) into found_ids
      from (select e.id from enrolments e join children c on c.id = e.child_id
             where e.season = p_season and e.state in ('submitted', 'active', 'suspended')
               and e.college_uai <> actor_college()
               and folded(c.last_name) = folded(p_last_name) and folded(c.first_names) = folded(p_first_names)
               and c.birth_date = p_birth_date
             limit 2 for update of e) e;
    if coalesce(array_length(found_ids, 1), 0) <> 1 then
        return null;
    end if;
    update enrolments set college_uai = actor_college(), college_name = p_college_name, in_network = true,
           level = p_level, version = version + 1
     where id = found_ids[1];
    return found_ids[1];
end $$;
