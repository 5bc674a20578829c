-- Gates as the department knows them, and what it is told of their passages: numbers that lack, where a child passed, adults of the list,
-- meals without reservation.

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

-- The calling gate has network: the department hears from it.
create function gate_heard() returns void language sql security definer set search_path = public, pg_temp as $$
    insert into canteen_gates (device_id, operator_id, college_uai, heard_at)
    select actor_device(), actor_operator(), actor_college(), instant() where actor_kind() = 'gate'
    on conflict (device_id) do update set heard_at = excluded.heard_at $$;

-- Adults of the calling gate's list of that day.
create function gate_adults(p_day date) returns table (person_id uuid, kind text)
    language sql stable security definer set search_path = public, pg_temp as $$
    select a.id, a.kind from canteen_adults a
     where actor_kind() = 'gate' and a.college_uai in (select my_sites(p_day)) and a.left_at is null
       and (exists (select 1 from canteen_enrolments e
                     where e.person_id = a.id and e.college_uai = a.college_uai and e.state = 'active' and p_day between e.starts_on and e.ends_on)
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

-- Numbers that the calling gate has not sent though it sent a higher one.
create or replace function gate_gaps(p_limit integer) returns table (first bigint, last bigint)
    language sql stable security definer set search_path = public, pg_temp as $$
    select g.before + 1, g.sequence - 1
      from (select p.sequence, lag(p.sequence, 1, d.until) over (order by p.sequence) as before
              from (select coalesce((select deleted_until from canteen_gates where device_id = actor_device()), 0) as until) d
              join canteen_passages p on actor_kind() = 'gate' and p.device_id = actor_device() and p.sequence > d.until) g
     where g.sequence > g.before + 1 order by 1 limit p_limit $$;

-- Keeps passages of the calling gate and moves the meals they count for: from a state that was just read under lock, to the one that the
-- rules give. Anything that changed meanwhile makes the whole transaction begin again.
create or replace function gate_record(p_offline boolean, p_sequences bigint[], p_days date[], p_scanned timestamptz[], p_people uuid[],
                            p_let_in boolean[], p_reasons text[], p_outcomes text[], p_from text[], p_to text[], p_prints bytea[])
    returns void language plpgsql security definer set search_path = public, pg_temp as $$
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
    on conflict do nothing;
    get diagnostics kept = row_count;
    update canteen_meals m set state = t.next, changed_at = instant()
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

-- Numbers that lack between what these gates sent around those days: how many, and what was read just before and just after. Looked for
-- from the last number before the first day to the first number after the last one. An instant that a wrong clock gave tells no day.
create function canteen_gate_gaps(p_college text, p_from date, p_until date)
    returns table (device_id uuid, missing bigint, since timestamptz, until timestamptz)
    language sql stable security definer set search_path = public, pg_temp as $$
    select g.device_id, r.sequence - r.before - 1, r.since, r.scanned_at
      from canteen_gates g
     cross join lateral (
           select coalesce((select p.sequence from canteen_passages p
                             where p.device_id = g.device_id and p.sequence > g.deleted_until and p.day < p_from
                               and p.scanned_at > p.received_at - interval '32 days'
                             order by p.sequence desc limit 1), g.deleted_until) as low) l
     cross join lateral (
           select (select p.sequence from canteen_passages p
                    where p.device_id = g.device_id and p.sequence > l.low and p.day > p_until
                      and p.scanned_at > p.received_at - interval '32 days'
                    order by p.sequence limit 1) as high) u
     cross join lateral (
           select p.sequence, p.scanned_at, lag(p.sequence, 1, l.low) over w as before, lag(p.scanned_at) over w as since
             from canteen_passages p
            where p.device_id = g.device_id and p.sequence >= l.low and (u.high is null or p.sequence <= u.high)
           window w as (order by p.sequence)) r
     where r.sequence > r.before + 1 and (p_college is null or g.college_uai = p_college)
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
                    (select y.college_uai from enrolments y where y.child_id = p.person_id and y.in_network
                        and y.state in ('active', 'suspended') order by y.season desc limit 1)) = p_college
       and (actor_is_department() or (actor_kind() = 'secretary' and p_college = actor_college()))
     order by p.person_id, p.scanned_at $$;
