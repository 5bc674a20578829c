-- Passages that somebody looks at again: those of staff without reservation, those that came too late, those that a gate undid, and those of
-- who passed at two collèges.

-- The gate was told that he eats, did not hear it, and turned him away.
alter table canteen_passages
    add column turned_away boolean not null default false,
    drop constraint canteen_passages_reason,
    add constraint canteen_passages_reason
        check (reason in ('reserved', 'cancelled', 'not_enrolled', 'already_passed', 'unknown_card', 'unknown_code', 'stale_code',
                          'card_not_in_use', 'other_college', 'closed', 'too_late'));
create function gate_turned_away(p_sequences bigint[]) returns void
    language sql security definer set search_path = public, pg_temp as $$
    update canteen_passages set turned_away = true
     where actor_kind() = 'gate' and device_id = actor_device() and sequence = any (p_sequences) and let_in and not offline $$;

-- The highest number that the calling gate has used.
create function gate_last() returns bigint
    language sql stable security definer set search_path = public, pg_temp as $$
    select greatest((select deleted_until from canteen_gates where actor_kind() = 'gate' and device_id = actor_device()),
                    (select max(sequence) from canteen_passages where actor_kind() = 'gate' and device_id = actor_device()), 0) $$;

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

-- Adults of the calling gate's list of that day: its collège's staff, and who has a meal there.
create or replace function gate_adults(p_day date) returns table (person_id uuid, kind text)
    language sql stable security definer set search_path = public, pg_temp as $$
    select a.id, a.kind from canteen_adults a
     where actor_kind() = 'gate' and a.college_uai in (select my_sites(p_day)) and a.left_at is null
       and (a.kind = 'commensal'
            or exists (select 1 from canteen_meals m where m.person_id = a.id and m.day = p_day and m.college_uai = a.college_uai)) $$;

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
          select s.open and t.person is not null and coalesce(m.college_uai, e.college_uai, a.college_uai,
                     attended_college(t.person, t.day)) is not distinct from actor_college()
                 as here) p
     order by t.n;
end $$;

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
