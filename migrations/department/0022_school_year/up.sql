-- The school year: last season's children are carried over as requests that the family has still to confirm, collèges say whole classes
-- at once whom they know, and what both have said becomes active in a few statements, however many they are.

alter table enrolments drop constraint enrolments_state;
alter table enrolments add constraint enrolments_state
    check (state in ('draft', 'to_confirm', 'submitted', 'confirmed', 'active', 'refused', 'suspended', 'expired'));
-- What a season's end still has to close.
create index enrolments_open on enrolments (season) where state in ('to_confirm', 'submitted', 'confirmed', 'active', 'suspended');
-- The same pupil in another file is looked for at each confirmation.
create index children_pupil on children (birth_date, folded(last_name));

-- A family that was carried over rewrites its request, or leaves it as it stands, and submits it.
drop policy enrolments_update on enrolments;
create policy enrolments_update on enrolments for update
    using (actor_is_department() or family_id in (select my_own_families())
        or (actor_kind() = 'secretary' and college_uai = actor_college() and in_network and state <> 'draft'))
    with check (actor_is_department()
        or (state in ('draft', 'to_confirm', 'submitted', 'refused') and family_id in (select my_own_families()))
        or (actor_kind() = 'secretary' and college_uai = actor_college() and in_network));

-- The service's own jobs write a request and its first line in one statement: the line cannot see the request yet.
drop policy enrolment_events_insert on enrolment_events;
create policy enrolment_events_insert on enrolment_events for insert
    with check (actor_kind() = 'system' or exists (select 1 from enrolments e where e.id = enrolment_id));

-- A collège's word on a pupil whose family has not answered yet. It holds for that collège and that level, until the request is given back:
-- a family that changes either, or asks again, is looked at again.
create table enrolment_attestations (
    enrolment_id uuid primary key constraint enrolment_attestations_enrolment_fk references enrolments on delete restrict,
    college_uai text not null,
    level text not null constraint enrolment_attestations_level check (level in ('6e', '5e', '4e', '3e')),
    attested_by uuid not null,
    attested_at timestamptz not null
);
alter table enrolment_attestations enable row level security;
create policy enrolment_attestations_read on enrolment_attestations for select
    using (exists (select 1 from enrolments e where e.id = enrolment_id));
create policy enrolment_attestations_write on enrolment_attestations for all
    using (actor_kind() in ('secretary', 'agent') and exists (select 1 from enrolments e where e.id = enrolment_id))
    with check (actor_kind() in ('secretary', 'agent') and attested_by = actor_account()
        and exists (select 1 from enrolments e where e.id = enrolment_id)
        and (actor_kind() = 'agent' or college_uai = actor_college()));

-- Orders to open a season: who, when, what was expected, how far it is.
create table season_openings (
    id uuid primary key,
    season text not null,
    from_season text not null,
    expected_children bigint not null,
    ordered_by uuid not null,
    ordered_at timestamptz not null,
    runs_at timestamptz not null,
    state text not null constraint season_openings_state check (state in ('ordered', 'withdrawn', 'done')),
    -- The last family that was done: the next batch begins after it.
    last_family uuid,
    carried bigint not null default 0,
    leaving bigint not null default 0,
    families bigint not null default 0,
    done_at timestamptz,
    constraint season_openings_done check ((state = 'done') = (done_at is not null))
);
create unique index season_openings_one_waiting on season_openings (season) where state = 'ordered';
alter table season_openings enable row level security;
create policy season_openings_read on season_openings for select using (actor_is_department());
create policy season_openings_insert on season_openings for insert
    with check (actor_kind() = 'agent' and ordered_by = actor_account() and state = 'ordered' and carried = 0 and last_family is null);
create policy season_openings_update on season_openings for update
    using (actor_kind() = 'system' or (actor_kind() = 'agent' and state = 'ordered' and last_family is null))
    with check (actor_kind() = 'system' or (actor_kind() = 'agent' and state = 'withdrawn'));

-- The base amounts of enrolments that have just become active: two wallets each, opened with their first movement, by the formula chosen
-- and the rules in force when the family submitted. For the owner's functions: it runs with the rights of whoever calls it.
create function ledger_grant_base(p_request uuid, p_enrolments uuid[]) returns void language plpgsql as $$
declare
    funding uuid;
begin
    select id into strict funding from ledger_accounts where kind = 'funding';
    with chosen as materialized (
        select e.id, e.child_id, e.family_id, e.season, e.formula,
               (select v.version from season_versions v
                 where v.season = e.season and v.state = 'published' and v.effective_from <= e.submitted_at
                 order by v.effective_from desc limit 1) as version
          from enrolments e where e.id = any(p_enrolments) and e.state = 'active'),
    lines as materialized (
        select v.season, v.version, a.formula, a.wallet, a.amount_cents,
               ((v.rules ->> 'spend_until')::date + 1)::timestamp at time zone 'Europe/Paris' as spend_before,
               ((v.rules ->> 'capture_until')::date + 1)::timestamp at time zone 'Europe/Paris' as capture_before
          from season_versions v
         cross join jsonb_to_recordset(v.rules -> 'amounts') as a(formula text, "grant" text, wallet text, amount_cents bigint)
         where (v.season, v.version) in (select season, version from chosen) and a."grant" = 'base' and a.amount_cents > 0),
    granted as materialized (
        select c.*, l.wallet as kind, l.amount_cents, l.spend_before, l.capture_before, time_ordered_id() as wallet,
               time_ordered_id() as transfer
          from chosen c join lines l on l.season = c.season and l.version = c.version and l.formula = c.formula),
    linked as materialized (
        select g.*, ledger_link(decode(repeat('00', 32), 'hex'),
                                ledger_body('grant', transfer, funding, wallet, amount_cents, wallet, 1, amount_cents, instant(), null, null,
                                            null, null, null, p_request, null, 'base')) as link
          from granted g),
    opened as (
        insert into wallets (id, child_id, family_id, enrolment_id, season, kind, balance_cents, version, spend_before, capture_before, head)
            select wallet, child_id, family_id, id, season, kind, amount_cents, 1, spend_before, capture_before, link from linked),
    moved as (
        insert into transfers (id, kind, from_account, to_account, amount_cents, wallet_id, wallet_version, balance_after_cents, at,
                               request_id, grant_kind, hash)
            select transfer, 'grant', funding, wallet, amount_cents, wallet, 1, amount_cents, instant(), p_request, 'base', link
              from linked)
    insert into audit (id, at, request_id, actor_kind, actor_id, action, object_kind, object_id, details)
        select time_ordered_id(), instant(), p_request, actor_kind(), actor_account(), 'granted', 'transfer', transfer::text,
               jsonb_build_object('enrolment_id', id, 'wallet', kind, 'grant', 'base', 'amount_cents', amount_cents)
          from linked;
end $$;

-- Whether two writings of given names may be one child's: the same ones, or the same first one where either tells no other.
create function same_given_names(a text, b text) returns boolean language sql immutable parallel safe as $$
    select folded(a) = folded(b)
        or (folded(split_part(trim(a), ' ', 1)) = folded(split_part(trim(b), ' ', 1))
            and (position(' ' in trim(a)) = 0 or position(' ' in trim(b)) = 0)) $$;

-- Makes submitted requests active and gives what they are for. By a secretary for the own collège; by an agent; by the family itself where
-- the collège has already said that it knows this pupil at this level. Returns those done; the others are not submitted any more, or the
-- same pupil has his rights through another file.
create function activate_enrolments(p_request uuid, p_enrolments uuid[]) returns uuid[]
    language plpgsql security definer set search_path = public, pg_temp as $$
declare
    one enrolments;
    locked uuid[];
    chosen uuid[];
begin
    if actor_kind() is null or actor_kind() not in ('system', 'agent', 'secretary', 'guardian') then
        raise insufficient_privilege using message = 'this actor activates nothing';
    end if;
    -- Two desks that confirm two files of one pupil at one moment wait for each other: pupil by pupil, or, when there are many, all of them.
    if cardinality(p_enrolments) = 1 then
        select * into one from enrolments where id = p_enrolments[1];
        perform pg_advisory_xact_lock_shared(hashtextextended('enrolments ' || one.season, 1));
        perform pg_advisory_xact_lock(hashtextextended(folded(last_name) || birth_date || one.season, 1))
           from children where id = one.child_id;
    else
        perform pg_advisory_xact_lock(hashtextextended('enrolments ' || season, 1))
           from (select distinct season from enrolments where id = any(p_enrolments) order by season) s;
    end if;
    select array_agg(id) into locked from (
        select e.id from enrolments e
         where e.id = any(p_enrolments) and e.state = 'submitted'
           and case actor_kind()
                   when 'secretary' then e.in_network and e.college_uai = actor_college()
                   when 'guardian' then e.in_network and e.family_id in (select my_own_families())
                        and exists (select 1 from enrolment_attestations a
                                     where a.enrolment_id = e.id and a.college_uai = e.college_uai and a.level = e.level
                                       and a.attested_at > coalesce(e.decided_at, e.created_at))
                   else true end
         order by e.id for update) e;
    -- A pupil once: in this list, and among those who have their rights.
    with pupils as materialized (
        select e.id, e.season, c.birth_date, c.id as child, c.last_name, c.first_names
          from enrolments e join children c on c.id = e.child_id where e.id = any(locked))
    select array_agg(id) into chosen from pupils p
     where not exists (
        select 1 from pupils earlier
         where earlier.birth_date = p.birth_date and earlier.season = p.season and earlier.id < p.id and earlier.child <> p.child
           and folded(earlier.last_name) = folded(p.last_name) and same_given_names(earlier.first_names, p.first_names))
       and not exists (
        select 1 from children other join enrolments taken on taken.child_id = other.id
         where other.birth_date = p.birth_date and folded(other.last_name) = folded(p.last_name) and other.id <> p.child
           and same_given_names(other.first_names, p.first_names)
           and taken.season = p.season and taken.state in ('confirmed', 'active', 'suspended'));
    if chosen is null then
        return '{}';
    end if;
    update enrolments set state = 'active', decided_at = instant(), version = version + 2 where id = any(chosen);
    -- Ids tell the order of what happens in one instant.
    with steps as materialized (select id, time_ordered_id() as first, time_ordered_id() as second from unnest(chosen) c (id))
    insert into enrolment_events (id, enrolment_id, at, event, state, actor_kind)
        select least(first, second), id, instant(), 'confirm', 'confirmed', actor_kind() from steps
        union all
        select greatest(first, second), id, instant(), 'activate', 'active', actor_kind() from steps;
    insert into audit (id, at, request_id, actor_kind, actor_id, action, object_kind, object_id, details)
        select time_ordered_id(), instant(), p_request, actor_kind(), actor_account(), 'enrolment_confirmed', 'enrolment', id::text, '{}'
          from unnest(chosen) c (id);
    perform ledger_grant_base(p_request, chosen);
    insert into jobs (id, kind, payload, created_at, run_at)
        select time_ordered_id(), 'enrolment_notice', jsonb_build_object('enrolment_id', id), instant(), instant()
          from unnest(chosen) c (id);
    -- Proven before it was active: the worker gives what a scholarship adds.
    insert into jobs (id, kind, payload, created_at, run_at)
        select time_ordered_id(), 'top_up', jsonb_build_object('enrolment_id', e.id), instant(), instant()
          from enrolments e
         where e.id = any(chosen)
           and exists (select 1 from documents d
                        where d.child_id = e.child_id and d.season = e.season and d.kind = 'scholarship_notice' and d.state = 'accepted');
    return chosen;
end $$;

-- Living cards are good until those days at least: whoever makes an enrolment active lets the child's cards live on. Returns the children
-- that have one in use.
drop function revalidate_card(uuid, date);
create function revalidate_cards(p_children uuid[], p_until date[]) returns uuid[]
    language plpgsql security definer set search_path = public, pg_temp as $$
declare
    provided uuid[];
begin
    if not actor_is_department() and exists (
        select 1 from unnest(p_children) c (id)
         where not exists (select 1 from enrolments e
                            where e.child_id = c.id and e.state = 'active' and e.in_network
                              and ((actor_kind() = 'secretary' and e.college_uai = actor_college())
                                   or (actor_kind() = 'guardian' and e.family_id in (select my_own_families()))))) then
        raise insufficient_privilege using message = 'this actor revalidates no card of these children';
    end if;
    with revalidated as (
        update cards set valid_until = greatest(valid_until, until) from unnest(p_children, p_until) c (id, until)
         where child_id = c.id and state in ('ordered', 'printed', 'posted', 'active', 'blocked')
        returning child_id, state)
    select coalesce(array_agg(child_id) filter (where state in ('active', 'blocked')), '{}') into provided from revalidated;
    return provided;
end $$;
