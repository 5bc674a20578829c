-- Gates as the department knows them, what it is told of their passages, and the doors by which they read and write: quick however many
-- meals and passages there are, planned once a connection, and for the day that is asked about.

-- Kept when a gate is invited, or when it is first heard. How it signs in is the directory's.
create table canteen_gates (
    device_id uuid primary key,
    operator_id uuid not null,
    college_uai text not null constraint canteen_gates_uai check (college_uai ~ '^[0-9]{7}[A-Z]$'),
    -- Absent of a gate that was invited before this table was.
    label text,
    -- When it last took a list or sent a batch. Its passages with network tell by themselves.
    heard_at timestamptz,
    revoked_at timestamptz,
    -- Passages up to this number were deleted when their term was over: none of them lacks.
    deleted_until bigint not null default 0 constraint canteen_gates_deleted check (deleted_until >= 0)
);
create index canteen_gates_college on canteen_gates (college_uai);
alter table canteen_gates enable row level security;
create policy canteen_gates_read on canteen_gates for select
    using (actor_is_department() or (actor_kind() = 'secretary' and college_uai = actor_college()));
create policy canteen_gates_insert on canteen_gates for insert with check (actor_kind() = 'agent');
create policy canteen_gates_update on canteen_gates for update using (actor_is_department()) with check (actor_is_department());
insert into canteen_gates (device_id, operator_id, college_uai)
select distinct on (device_id) device_id, operator_id, college_uai from canteen_passages order by device_id, sequence desc;

-- Why a month was locked although passages may lack.
alter table canteen_attendance_locks add column accepted_gaps text;

-- Passages go when their term is over.
create policy canteen_passages_delete on canteen_passages for delete using (actor_kind() = 'system');
-- The few of people who do not eat there.
create index canteen_passages_away on canteen_passages (day) where outcome = 'counted' and reason in ('other_college', 'card_not_in_use');

-- The gate was told that he eats, did not hear it, and turned him away.
alter table canteen_passages
    add column turned_away boolean not null default false,
    drop constraint canteen_passages_reason,
    add constraint canteen_passages_reason
        check (reason in ('reserved', 'cancelled', 'not_enrolled', 'already_passed', 'unknown_card', 'unknown_code', 'stale_code',
                          'card_not_in_use', 'other_college', 'closed', 'too_late'));

-- The collège where a child attends on that day: of the newest school year that has begun, or else of the first one to come.
create function attended_college(p_child uuid, p_day date) returns text language sql stable as $$
    select y.college_uai from enrolments y
     where y.child_id = p_child and y.in_network and y.state in ('active', 'suspended')
     order by y.season <= canteen_season(p_day) desc, case when y.season <= canteen_season(p_day) then y.season end desc, y.season limit 1 $$;

-- The calling gate has network: the department hears from it.
create function gate_heard() returns void language sql security definer set search_path = public, pg_temp as $$
    insert into canteen_gates (device_id, operator_id, college_uai, heard_at)
    select actor_device(), actor_operator(), actor_college(), instant() where actor_kind() = 'gate'
    on conflict (device_id) do update set heard_at = excluded.heard_at $$;

-- Adults of the calling gate's list of that day: its collège's staff, and who has a meal there.
create function gate_adults(p_day date) returns table (person_id uuid, kind text)
    language sql stable security definer set search_path = public, pg_temp as $$
    select a.id, a.kind from canteen_adults a
     where actor_kind() = 'gate' and a.college_uai in (select my_sites(p_day)) and a.left_at is null
       and (a.kind = 'commensal'
            or exists (select 1 from canteen_meals m where m.person_id = a.id and m.day = p_day and m.college_uai = a.college_uai)) $$;

-- A word to the families of these children about meals without reservation that were recorded today: one a family and day, whatever the
-- number of meals, on the next morning. The id of the job is that of its family and day. Whoever records such a meal calls it; what the
-- letter says is read when it leaves.
create function canteen_tell_walk_ins(p_children uuid[]) returns void
    language sql security definer set search_path = public, pg_temp as $$
    insert into jobs (id, kind, payload, created_at, run_at)
    select md5('canteen_walk_ins ' || f.family_id || ' ' || today())::uuid, 'canteen_walk_ins',
           jsonb_build_object('family_id', f.family_id, 'day', today()), instant(),
           (today() + 1 + time '07:00') at time zone 'Europe/Paris'
      from (select distinct c.family_id from children c where c.id = any (p_children)) f
     where actor_kind() in ('gate', 'secretary', 'agent')
     order by f.family_id
    on conflict (id) do nothing $$;

-- What the calling gate has sent before under these numbers.
drop function gate_sent(bigint[]);
create function gate_sent(p_sequences bigint[])
    returns table (sequence bigint, person_id uuid, let_in boolean, reason text, outcome text, fingerprint bytea, offline boolean,
                   scanned_at timestamptz)
    language plpgsql stable security definer set search_path = public, pg_temp set plan_cache_mode = force_generic_plan as $$
begin
    return query
    select p.sequence, p.person_id, p.let_in, p.reason, p.outcome, p.fingerprint, p.offline, p.scanned_at
      from canteen_passages p
     where actor_kind() = 'gate' and p.device_id = actor_device() and p.sequence = any (p_sequences);
end $$;

-- The highest number that the calling gate has used.
create function gate_last() returns bigint
    language plpgsql stable security definer set search_path = public, pg_temp set plan_cache_mode = force_generic_plan as $$
begin
    return greatest((select deleted_until from canteen_gates where actor_kind() = 'gate' and device_id = actor_device()),
                    (select max(sequence) from canteen_passages where actor_kind() = 'gate' and device_id = actor_device()), 0);
end $$;

-- Numbers that the calling gate has not sent though it sent a higher one, in the days whose passages still count; the last ones first
-- when there are more than are asked for. A gate of a thousand diners fills the 25,000 that are read in those days.
create or replace function gate_gaps(p_limit integer) returns table (first bigint, last bigint)
    language sql stable security definer set search_path = public, pg_temp as $$
    with heard as materialized (
        select p.sequence, p.received_at from canteen_passages p
         where actor_kind() = 'gate' and p.device_id = actor_device() order by p.sequence desc limit 25000),
    before as (
        select case when count(*) = 25000 then min(h.sequence)
                    else coalesce((select deleted_until from canteen_gates where device_id = actor_device()), 0) end as until
          from heard h)
    select l.first, l.last
      from (select g.before + 1 as first, g.sequence - 1 as last
              from (select h.sequence, h.received_at, lag(h.sequence, 1, b.until) over (order by h.sequence) as before
                      from heard h cross join before b where h.sequence > b.until) g
             where g.sequence > g.before + 1 and g.received_at >= instant() - interval '32 days'
             order by 1 desc limit p_limit) l
     order by 1 $$;

create or replace function gate_look(p_cards bytea[], p_codes bytea[], p_people uuid[], p_days date[], p_portraits boolean)
    returns table (n bigint, person_id uuid, card_in_use boolean, here boolean, open boolean, locked boolean, walk_ins boolean, meal text,
                   first_name text, initial text, diet text, own_meal boolean, care boolean, photo_sealed bytea)
    language plpgsql volatile security definer set search_path = public, pg_temp set plan_cache_mode = force_generic_plan as $$
declare
    people uuid[];
begin
    if actor_kind() is distinct from 'gate' then
        raise insufficient_privilege using message = 'only a gate looks who stands there';
    end if;
    people := array(
        select coalesce(c.child_id, d.child_id, listed.person)
          from unnest(p_cards, p_codes, p_people, p_days) with ordinality t (card, code, person, day, n)
          left join cards c on c.code_fingerprint = t.card
          left join canteen_day_codes d on d.code_hash = t.code and d.college_uai = actor_college() and d.day = t.day
          left join lateral (
              select t.person where exists (
                  select 1 from canteen_enrolments e where e.person_id = t.person and e.diner = 'pupil' and e.college_uai = actor_college()
                     and t.day between e.starts_on and e.ends_on)
                  or exists (select 1 from canteen_meals m where m.person_id = t.person and m.day = t.day and m.college_uai = actor_college())
                  -- Staff, until the day on which they left.
                  or exists (select 1 from canteen_adults a where a.id = t.person and a.kind = 'commensal' and a.college_uai = actor_college()
                                and (a.left_at is null or t.day <= (a.left_at at time zone 'Europe/Paris')::date))
          ) listed on true
         order by t.n);
    if (select min(day) from unnest(p_days) day) < date_trunc('month', today()) then
        perform pg_advisory_xact_lock_shared(canteen_month_key(uai, month))
           from (select distinct c.uai, date_trunc('month', u.day)::date as month
                   from unnest(people, p_days) u (person, day)
                   left join canteen_meals m on m.person_id = u.person and m.day = u.day
                  cross join lateral (values (actor_college()), (m.college_uai)) c (uai)
                  where u.day < date_trunc('month', today()) and canteen_passage_taken(u.day) and c.uai is not null
                  order by 1, 2) past;
    end if;
    perform 1 from canteen_meals m
     where (m.person_id, m.day) in (select u.person, u.day from unnest(people, p_days) u (person, day))
     order by m.person_id, m.day for update;
    return query
    select t.n, t.person, c.state = 'active' and c.valid_until >= t.day, p.here, s.open, canteen_is_locked(coalesce(m.college_uai, actor_college()), t.day),
           coalesce((select r.walk_ins from canteen_gate_rules r where r.college_uai = actor_college() and r.starts_on <= t.day
                      order by r.starts_on desc limit 1), true),
           m.state,
           case when p.here then split_part(coalesce(ch.first_names, a.first_names), ' ', 1) end,
           case when p.here then left(coalesce(ch.last_name, a.last_name), 1) end,
           case when p.here then coalesce(eats.diet, 'everything') end,
           p.here and coalesce(plan.own_meal, false),
           p.here and plan.own_meal is not null,
           case when p.here and p_portraits
                then (select ph.gate_sealed from photos ph where ph.child_id = t.person and ph.state = 'accepted') end
      from unnest(p_cards, people, p_days) with ordinality t (card, person, day, n)
      left join cards c on c.code_fingerprint = t.card
      left join children ch on ch.id = t.person
      left join canteen_adults a on a.id = t.person
      left join canteen_meals m on m.person_id = t.person and m.day = t.day
      left join lateral (
          select x.college_uai from canteen_enrolments x
           where x.person_id = t.person and t.day between x.starts_on and x.ends_on
           order by x.state, x.starts_on desc limit 1) e on true
      -- As the family asked for this school year, though the enrolment may begin later.
      left join lateral (
          select x.diet from canteen_enrolments x
           where x.person_id = t.person and (t.day between x.starts_on and x.ends_on
                  or (x.state = 'active' and x.season = canteen_season(t.day) and x.starts_on > t.day))
           order by x.state, x.starts_on desc limit 1) eats on true
      left join lateral (
          select x.own_meal from canteen_care_plans x
           where x.child_id = t.person and x.ended_at is null and t.day between x.starts_on and x.ends_on limit 1) plan on true
     cross join lateral (
          select exists (select 1 from my_sites(t.day)) and canteen_offered(actor_college(), t.day) and canteen_passage_taken(t.day)
                 as open) s
     cross join lateral (
          -- Where he eats today, and where he would: there he is told that he has eaten elsewhere.
          select s.open and t.person is not null and (m.college_uai is not distinct from actor_college()
                     or coalesce(e.college_uai, a.college_uai, attended_college(t.person, t.day)) is not distinct from actor_college())
                 as here) p
     order by t.n;
end $$;

-- Keeps passages of the calling gate and moves the meals they count for: from a state that was just read under lock, to the one that the
-- rules give. Anything that changed meanwhile makes the whole transaction begin again.
create or replace function gate_record(p_offline boolean, p_sequences bigint[], p_days date[], p_scanned timestamptz[], p_people uuid[],
                            p_let_in boolean[], p_reasons text[], p_outcomes text[], p_from text[], p_to text[], p_prints bytea[])
    returns void language plpgsql security definer set search_path = public, pg_temp set plan_cache_mode = force_generic_plan as $$
declare
    kept integer;
    moved integer;
    made integer;
begin
    if actor_kind() is distinct from 'gate' or actor_college() is null or actor_operator() is null then
        raise insufficient_privilege using message = 'only a gate records passages';
    end if;
    if exists (select 1 from unnest(p_days, p_to) t (day, next)
                where t.next is not null and (t.next not in ('consumed', 'walk_in') or not exists (select 1 from my_sites(t.day))
                      or not canteen_passage_taken(t.day))) then
        raise insufficient_privilege using message = 'a gate moves no such meal';
    end if;
    if not exists (select 1 from canteen_gates where device_id = actor_device()) then
        insert into canteen_gates (device_id, operator_id, college_uai) values (actor_device(), actor_operator(), actor_college())
            on conflict (device_id) do nothing;
    end if;
    insert into canteen_passages (device_id, sequence, operator_id, college_uai, day, scanned_at, received_at, offline, person_id,
                                  family_id, let_in, reason, outcome, fingerprint)
    select actor_device(), t.sequence, actor_operator(), actor_college(), t.day, t.scanned, instant(), p_offline, t.person,
           c.family_id, t.let_in, t.reason, t.outcome, t.print
      from unnest(p_sequences, p_days, p_scanned, p_people, p_let_in, p_reasons, p_outcomes, p_prints)
           t (sequence, day, scanned, person, let_in, reason, outcome, print)
      left join children c on c.id = t.person
    -- The same reading, refused with network and let in without.
    on conflict (device_id, sequence) do update
       set let_in = excluded.let_in, reason = excluded.reason, outcome = excluded.outcome, offline = excluded.offline,
           received_at = excluded.received_at, fingerprint = excluded.fingerprint
     where not canteen_passages.offline and not canteen_passages.let_in and excluded.offline and excluded.let_in
       and date_trunc('milliseconds', canteen_passages.scanned_at) = date_trunc('milliseconds', excluded.scanned_at)
       and canteen_passages.person_id is not distinct from excluded.person_id;
    get diagnostics kept = row_count;
    update canteen_meals m set state = t.next, changed_at = instant(),
           college_uai = case when t.next = 'walk_in' then actor_college() else m.college_uai end
      from unnest(p_people, p_days, p_from, p_to) t (person, day, former, next)
     where m.person_id = t.person and m.day = t.day and m.state = t.former and t.next is not null;
    get diagnostics moved = row_count;
    insert into canteen_meals (person_id, day, family_id, college_uai, state, changed_at)
    select t.person, t.day, c.family_id, actor_college(), t.next, instant()
      from unnest(p_people, p_days, p_from, p_to) t (person, day, former, next) left join children c on c.id = t.person
     where t.next is not null and t.former is null
    on conflict do nothing;
    get diagnostics made = row_count;
    if kept <> cardinality(p_sequences) or moved + made <> (select count(*) from unnest(p_to) next where next is not null) then
        raise serialization_failure using message = 'another gate was quicker';
    end if;
    if 'walk_in' = any (p_to) then
        perform canteen_tell_walk_ins(array(select t.person from unnest(p_people, p_to) t (person, next) where t.next = 'walk_in'));
    end if;
end $$;

create function gate_turned_away(p_sequences bigint[]) returns void
    language sql security definer set search_path = public, pg_temp as $$
    update canteen_passages set turned_away = true
     where actor_kind() = 'gate' and device_id = actor_device() and sequence = any (p_sequences) and let_in and not offline $$;

create or replace function gate_list()
    returns table (person_id uuid, first_name text, initial text, diet text, meal text, own_meal boolean, care boolean, card_id uuid,
                   code_sealed bytea, photo_sealed bytea)
    language sql stable security definer set search_path = public, pg_temp as $$
    with here as (select x as uai from my_sites(today()) x where actor_kind() = 'gate'),
    diners as (
        select e.person_id from canteen_enrolments e join here on here.uai = e.college_uai
         where e.state = 'active' and today() between e.starts_on and e.ends_on
        union select m.person_id from canteen_meals m join here on here.uai = m.college_uai where m.day = today()
        union select person_id from gate_adults(today()))
    select d.person_id, split_part(coalesce(ch.first_names, a.first_names), ' ', 1), left(coalesce(ch.last_name, a.last_name), 1),
           coalesce(e.diet, 'everything'), m.state, coalesce(plan.own_meal, false), plan.own_meal is not null, c.id, c.code_sealed,
           ph.gate_sealed
      from diners d
      left join children ch on ch.id = d.person_id
      left join canteen_adults a on a.id = d.person_id
      left join canteen_meals m on m.person_id = d.person_id and m.day = today()
      left join lateral (
          select x.diet from canteen_enrolments x
           where x.person_id = d.person_id and (today() between x.starts_on and x.ends_on
                  or (x.state = 'active' and x.season = canteen_season(today()) and x.starts_on > today()))
           order by x.state, x.starts_on desc limit 1) e on true
      left join lateral (
          select x.own_meal from canteen_care_plans x
           where x.child_id = d.person_id and x.ended_at is null and today() between x.starts_on and x.ends_on limit 1) plan on true
      left join cards c on c.child_id = d.person_id and c.state = 'active' and c.valid_until >= today()
      left join photos ph on ph.child_id = d.person_id and ph.state = 'accepted'
     where (m.college_uai is null or m.college_uai in (select uai from here)) and a.left_at is null
     order by d.person_id $$;

-- The gates of a collège, or of all: until which day each is at work, and when it was last heard. For the department, and the secretary of
-- the collège. A gate that was never heard is none yet.
create function canteen_gates_at_work(p_college text)
    returns table (device_id uuid, college_uai text, label text, heard_at timestamptz, last_day date)
    language sql stable security definer set search_path = public, pg_temp as $$
    select g.device_id, g.college_uai, g.label, h.heard_at,
           least((g.revoked_at at time zone 'Europe/Paris')::date, s.last_day)
      from canteen_gates g
     cross join lateral (
           select greatest(g.heard_at, (select p.received_at from canteen_passages p where p.device_id = g.device_id
                                         order by p.sequence desc limit 1)) as heard_at) h
      -- Of an operator that serves there without a known end: for ever.
      left join lateral (
           select nullif(max(coalesce(x.ends_on, 'infinity')), 'infinity') as last_day from canteen_operator_sites x
            where x.operator_id = g.operator_id and x.college_uai = g.college_uai) s on true
     where (p_college is null or g.college_uai = p_college) and h.heard_at is not null
       and (actor_is_department() or (actor_kind() = 'secretary' and g.college_uai = actor_college()))
     order by g.college_uai, g.device_id $$;

-- Numbers that lack between what these gates sent around those days: how many, and what was read just before and just after, in the order
-- of time. Looked for from the last number a month before the first day to the first one a month after the last: a clock that was wrong by
-- less than the days whose passages count hides no gap. An instant that it gave beyond them tells no day.
create function canteen_gate_gaps(p_college text, p_from date, p_until date)
    returns table (device_id uuid, missing bigint, since timestamptz, until timestamptz)
    language sql stable security definer set search_path = public, pg_temp as $$
    select g.device_id, r.sequence - r.before - 1, case when r.since is not null then least(r.since, r.scanned_at) end,
           greatest(r.since, r.scanned_at)
      from canteen_gates g
     cross join lateral (
           select coalesce((select p.sequence from canteen_passages p
                             where p.device_id = g.device_id and p.sequence > g.deleted_until and p.day < p_from - 32
                               and p.scanned_at > p.received_at - interval '32 days'
                             order by p.sequence desc limit 1), g.deleted_until) as low) l
     cross join lateral (
           select (select p.sequence from canteen_passages p
                    where p.device_id = g.device_id and p.sequence > l.low and p.day > p_until + 32
                      and p.scanned_at > p.received_at - interval '32 days'
                    order by p.sequence limit 1) as high) u
     cross join lateral (
           select p.sequence, p.scanned_at, t.at, lag(p.sequence, 1, l.low) over w as before, lag(p.scanned_at) over w as since,
                  lag(t.at) over w as since_at
             from canteen_passages p
            cross join lateral (
                  select case when p.scanned_at > p.received_at - interval '32 days' then p.scanned_at else p.received_at end as at) t
            where p.device_id = g.device_id and p.sequence >= l.low and (u.high is null or p.sequence <= u.high)
           window w as (order by p.sequence)) r
     where r.sequence > r.before + 1 and (p_college is null or g.college_uai = p_college)
       and (greatest(r.at, r.since_at) at time zone 'Europe/Paris')::date >= p_from
       and (r.since_at is null or (least(r.at, r.since_at) at time zone 'Europe/Paris')::date <= p_until)
       and (actor_is_department() or (actor_kind() = 'secretary' and g.college_uai = actor_college()))
     order by g.device_id, r.sequence $$;

-- Pupils of a collège whom the gate of another one let in on that day: where, and what it made of their meal. For the department and the
-- secretary of their own collège, who learn nothing else of the other one.
create function canteen_away(p_college text, p_day date)
    returns table (person_id uuid, passed_at text, meal_college text, state text, changed_at timestamptz)
    language sql stable security definer set search_path = public, pg_temp as $$
    select distinct on (p.person_id) p.person_id, p.college_uai, m.college_uai, m.state, m.changed_at
      from canteen_passages p
      join canteen_meals m on m.person_id = p.person_id and m.day = p.day
      join children c on c.id = p.person_id
     where p.day = p_day and p.outcome = 'counted' and p.reason in ('other_college', 'card_not_in_use') and p.college_uai <> p_college
       and coalesce((select e.college_uai from canteen_enrolments e where e.person_id = p.person_id and p.day between e.starts_on and e.ends_on
                      order by e.state, e.starts_on desc limit 1),
                    attended_college(p.person_id, p.day)) = p_college
       and (actor_is_department() or (actor_kind() = 'secretary' and p_college = actor_college()))
     order by p.person_id, p.scanned_at $$;

-- Who was let in more than once on that day, and whether at two collèges; for the department, and for the secretary of a collège where he was.
create function canteen_passed_twice(p_day date) returns table (person_id uuid, elsewhere boolean)
    language sql stable security definer set search_path = public, pg_temp as $$
    select p.person_id, count(distinct p.college_uai) > 1
      from canteen_passages p
     where p.day = p_day and p.outcome in ('counted', 'double')
       and (actor_is_department() or actor_kind() = 'secretary')
     group by p.person_id
    having count(*) > 1 and (actor_is_department() or bool_or(p.college_uai = actor_college())) $$;

-- Whether a gate, wherever it stands, counted that diner's meal of that day; for the department, and the secretary whose collège the meal is of.
create function canteen_seen_by_gate(p_person uuid, p_day date) returns boolean
    language sql stable security definer set search_path = public, pg_temp as $$
    select coalesce(actor_is_department() or (actor_kind() = 'secretary' and exists (
                select 1 from canteen_meals m where m.person_id = p_person and m.day = p_day and m.college_uai = actor_college())), false)
       and exists (select 1 from canteen_passages p where p.day = p_day and p.person_id = p_person and p.outcome = 'counted') $$;

-- Meals to cook, by collège and day: counts, for the department, the secretary of the collège and the operator's kitchen. Who asks is known
-- before the meals are read: only those of his own collèges and of these days are.
create or replace function canteen_forecast(p_from date, p_until date)
    returns table (day date, college_uai text, reserved bigint, pupils bigint, commensaux bigint, guests bigint, no_pork bigint,
                   no_meat bigint, care bigint, own_meals bigint, walk_ins bigint)
    language sql stable security definer set search_path = public, pg_temp as $$
    with sites as materialized (
        select distinct c.uai, p_from as first, p_until as last from canteen_colleges c where actor_is_department()
        union all select actor_college(), p_from, p_until where actor_kind() = 'secretary'
        union all select s.college_uai, greatest(p_from, s.starts_on), least(p_until, s.ends_on) from canteen_operator_sites s
                   where actor_kind() = 'kitchen' and s.operator_id = actor_operator())
    select m.day, m.college_uai,
           count(*) filter (where r.expected),
           count(*) filter (where r.expected and a.id is null),
           count(*) filter (where r.expected and a.kind = 'commensal'),
           count(*) filter (where r.expected and a.kind = 'guest'),
           count(*) filter (where r.expected and e.diet = 'no_pork' and plan.own_meal is not true),
           count(*) filter (where r.expected and e.diet = 'no_meat' and plan.own_meal is not true),
           count(*) filter (where r.expected and plan.own_meal is not null),
           count(*) filter (where r.expected and plan.own_meal),
           count(*) filter (where not r.expected)
      from sites s
      join canteen_meals m on m.college_uai = s.uai and m.day between s.first and s.last
     cross join lateral (select m.state <> 'walk_in' as expected) r
      left join canteen_enrolments e on e.id = m.enrolment_id
      left join canteen_adults a on a.id = m.person_id
      left join lateral (
          select x.own_meal from canteen_care_plans x
           where x.child_id = m.person_id and x.ended_at is null and m.day between x.starts_on and x.ends_on limit 1) plan on true
     where m.state in ('reserved', 'consumed', 'no_show', 'walk_in')
     group by m.day, m.college_uai order by m.day, m.college_uai $$;
