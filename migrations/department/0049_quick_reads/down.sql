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
