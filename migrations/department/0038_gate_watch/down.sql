create or replace function canteen_forecast(p_from date, p_until date)
    returns table (day date, college_uai text, reserved bigint, pupils bigint, commensaux bigint, guests bigint, no_pork bigint,
                   no_meat bigint, care bigint, own_meals bigint, walk_ins bigint)
    language sql stable security definer set search_path = public, pg_temp as $$
    select m.day, m.college_uai,
           count(*) filter (where r.expected),
           count(*) filter (where r.expected and a.id is null),
           count(*) filter (where r.expected and a.kind = 'commensal'),
           count(*) filter (where r.expected and a.kind = 'guest'),
           count(*) filter (where r.expected and e.diet = 'no_pork'),
           count(*) filter (where r.expected and e.diet = 'no_meat'),
           count(*) filter (where r.expected and plan.own_meal is not null),
           count(*) filter (where r.expected and plan.own_meal),
           count(*) filter (where not r.expected)
      from canteen_meals m
     cross join lateral (select m.state <> 'walk_in' as expected) r
      left join canteen_enrolments e on e.id = m.enrolment_id
      left join canteen_adults a on a.id = m.person_id
      left join lateral (
          select x.own_meal from canteen_care_plans x
           where x.child_id = m.person_id and x.ended_at is null and m.day between x.starts_on and x.ends_on limit 1) plan on true
     where m.day between p_from and p_until and m.state in ('reserved', 'consumed', 'no_show', 'walk_in')
       and (actor_is_department() or (actor_kind() = 'secretary' and m.college_uai = actor_college())
            or (actor_kind() = 'kitchen' and m.college_uai in (select s.college_uai from canteen_operator_sites s
                  where s.operator_id = actor_operator() and m.day >= s.starts_on and (s.ends_on is null or m.day <= s.ends_on))))
     group by m.day, m.college_uai order by m.day, m.college_uai $$;

create or replace function gate_list()
    returns table (person_id uuid, first_name text, initial text, diet text, meal text, own_meal boolean, care boolean, card_id uuid,
                   code_sealed bytea, photo_sealed bytea)
    language sql stable security definer set search_path = public, pg_temp as $$
    with here as (select x as uai from my_sites(today()) x where actor_kind() = 'gate'),
    diners as (
        select e.person_id from canteen_enrolments e join here on here.uai = e.college_uai
         where e.state = 'active' and today() between e.starts_on and e.ends_on
        union select m.person_id from canteen_meals m join here on here.uai = m.college_uai where m.day = today())
    select d.person_id, split_part(coalesce(ch.first_names, a.first_names), ' ', 1), left(coalesce(ch.last_name, a.last_name), 1),
           coalesce(e.diet, 'everything'), m.state, coalesce(plan.own_meal, false), plan.own_meal is not null, c.id, c.code_sealed,
           ph.gate_sealed
      from diners d
      left join children ch on ch.id = d.person_id
      left join canteen_adults a on a.id = d.person_id
      left join canteen_meals m on m.person_id = d.person_id and m.day = today()
      left join lateral (
          select x.diet from canteen_enrolments x where x.person_id = d.person_id and today() between x.starts_on and x.ends_on
           order by x.state, x.starts_on desc limit 1) e on true
      left join lateral (
          select x.own_meal from canteen_care_plans x
           where x.child_id = d.person_id and x.ended_at is null and today() between x.starts_on and x.ends_on limit 1) plan on true
      left join cards c on c.child_id = d.person_id and c.state = 'active' and c.valid_until >= today()
      left join photos ph on ph.child_id = d.person_id and ph.state = 'accepted'
     where m.college_uai is null or m.college_uai in (select uai from here)
     order by d.person_id $$;

create or replace function gate_look(p_cards bytea[], p_codes bytea[], p_people uuid[], p_days date[], p_portraits boolean)
    returns table (n bigint, person_id uuid, card_in_use boolean, here boolean, open boolean, locked boolean, walk_ins boolean, meal text,
                   first_name text, initial text, diet text, own_meal boolean, care boolean, photo_sealed bytea)
    language plpgsql volatile security definer set search_path = public, pg_temp as $$
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
                  select 1 from canteen_enrolments e where e.person_id = t.person and e.college_uai = actor_college()
                     and t.day between e.starts_on and e.ends_on)
                  or exists (select 1 from canteen_meals m where m.person_id = t.person and m.day = t.day and m.college_uai = actor_college())
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
           case when p.here then coalesce(e.diet, 'everything') end,
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
          select x.college_uai, x.diet from canteen_enrolments x
           where x.person_id = t.person and t.day between x.starts_on and x.ends_on
           order by x.state, x.starts_on desc limit 1) e on true
      left join lateral (
          select x.own_meal from canteen_care_plans x
           where x.child_id = t.person and x.ended_at is null and t.day between x.starts_on and x.ends_on limit 1) plan on true
     cross join lateral (
          select exists (select 1 from my_sites(t.day)) and canteen_offered(actor_college(), t.day) and canteen_passage_taken(t.day)
                 as open) s
     cross join lateral (
          select s.open and t.person is not null and coalesce(m.college_uai, e.college_uai, a.college_uai,
                     (select y.college_uai from enrolments y where y.child_id = t.person and y.in_network
                         and y.state in ('active', 'suspended') order by y.season desc limit 1)) is not distinct from actor_college()
                 as here) p
     order by t.n;
end $$;

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
end $$;

create or replace function gate_gaps(p_limit integer) returns table (first bigint, last bigint)
    language sql stable security definer set search_path = public, pg_temp as $$
    select g.before + 1, g.sequence - 1
      from (select p.sequence, lag(p.sequence, 1, 0::bigint) over (order by p.sequence) as before
              from canteen_passages p where actor_kind() = 'gate' and p.device_id = actor_device()) g
     where g.sequence > g.before + 1 order by 1 limit p_limit $$;

drop function gate_sent(bigint[]);
create function gate_sent(p_sequences bigint[])
    returns table (sequence bigint, person_id uuid, let_in boolean, reason text, outcome text, fingerprint bytea)
    language sql stable security definer set search_path = public, pg_temp as $$
    select p.sequence, p.person_id, p.let_in, p.reason, p.outcome, p.fingerprint
      from canteen_passages p
     where actor_kind() = 'gate' and p.device_id = actor_device() and p.sequence = any (p_sequences) $$;

drop function canteen_seen_by_gate(uuid, date), canteen_passed_twice(date), canteen_away(text, date), canteen_gate_gaps(text, date, date),
    canteen_gates_at_work(text), gate_turned_away(bigint[]), gate_last(), canteen_tell_walk_ins(uuid[]), gate_adults(date), gate_heard(),
    attended_college(uuid, date);

update canteen_passages set reason = 'closed' where reason = 'too_late';
alter table canteen_passages
    drop column turned_away,
    drop constraint canteen_passages_reason,
    add constraint canteen_passages_reason
        check (reason in ('reserved', 'cancelled', 'not_enrolled', 'already_passed', 'unknown_card', 'unknown_code', 'stale_code',
                          'card_not_in_use', 'other_college', 'closed'));

drop index canteen_passages_away;
drop policy canteen_passages_delete on canteen_passages;
alter table canteen_attendance_locks drop column accepted_gaps;
drop table canteen_gates;
