-- Operators of the canteen, their gates and kitchens. A gate and a kitchen read no table of persons: each has a few doors, functions that
-- look past the policies and show what serves, of their own sites only. No door leads to a wallet, an income, a rate or a bill.
create function actor_operator() returns uuid language sql stable
    as $$ select nullif(current_setting('app.operator', true), '')::uuid $$;

-- Who serves the meals of a collège, and from when until when.
create table canteen_operators (
    id uuid primary key,
    name text not null,
    declared_by uuid not null,
    declared_at timestamptz not null
);
alter table canteen_operators enable row level security;
create policy canteen_operators_read on canteen_operators for select using (actor_is_department() or id = actor_operator());
create policy canteen_operators_insert on canteen_operators for insert
    with check (actor_kind() = 'agent' and declared_by = actor_account());

create table canteen_operator_sites (
    id uuid primary key,
    operator_id uuid not null constraint canteen_operator_sites_operator_fk references canteen_operators on delete restrict,
    college_uai text not null constraint canteen_operator_sites_uai check (college_uai ~ '^[0-9]{7}[A-Z]$'),
    starts_on date not null,
    ends_on date,
    declared_by uuid not null,
    declared_at timestamptz not null,
    constraint canteen_operator_sites_period check (starts_on <= ends_on),
    -- One operator a collège and day.
    constraint canteen_operator_sites_one_a_day exclude using gist (
        int4range(left(college_uai, 7)::integer, left(college_uai, 7)::integer, '[]') with &&, daterange(starts_on, ends_on, '[]') with &&)
);
create index canteen_operator_sites_operator on canteen_operator_sites (operator_id);
alter table canteen_operator_sites enable row level security;
create policy canteen_operator_sites_read on canteen_operator_sites for select
    using (actor_is_department() or operator_id = actor_operator());
create policy canteen_operator_sites_insert on canteen_operator_sites for insert
    with check (actor_kind() = 'agent' and declared_by = actor_account());
create policy canteen_operator_sites_update on canteen_operator_sites for update
    using (actor_kind() = 'agent') with check (actor_kind() = 'agent');

-- Where the calling gate or kitchen serves on that day: a gate in its own collège or nowhere.
create function my_sites(p_day date) returns setof text
    language sql stable security definer set search_path = public, pg_temp as $$
    select s.college_uai from canteen_operator_sites s
     where s.operator_id = actor_operator() and p_day >= s.starts_on and (s.ends_on is null or p_day <= s.ends_on)
       and (actor_kind() = 'kitchen' or (actor_kind() = 'gate' and s.college_uai = actor_college())) $$;

-- Whether those who reserved no meal eat all the same, from a day on. A collège without a rule lets them eat.
create table canteen_gate_rules (
    college_uai text not null constraint canteen_gate_rules_uai check (college_uai ~ '^[0-9]{7}[A-Z]$'),
    starts_on date not null,
    walk_ins boolean not null,
    set_by uuid not null,
    set_at timestamptz not null,
    constraint canteen_gate_rules_pk primary key (college_uai, starts_on)
);
alter table canteen_gate_rules enable row level security;
create policy canteen_gate_rules_read on canteen_gate_rules for select
    using (actor_is_department() or (actor_kind() = 'secretary' and college_uai = actor_college())
        or college_uai in (select my_sites(today())));
create policy canteen_gate_rules_insert on canteen_gate_rules for insert
    with check (actor_kind() = 'agent' and set_by = actor_account() and starts_on >= today());
create policy canteen_gate_rules_update on canteen_gate_rules for update
    using (actor_kind() = 'agent' and starts_on >= today()) with check (actor_kind() = 'agent' and set_by = actor_account());

-- Stands for a forgotten card: one child, one day, one collège. What is kept is a keyed hash.
create table canteen_day_codes (
    id uuid primary key,
    child_id uuid not null constraint canteen_day_codes_child_fk references children on delete restrict,
    family_id uuid not null constraint canteen_day_codes_family_fk references families on delete restrict,
    college_uai text not null,
    day date not null,
    code_hash bytea not null constraint canteen_day_codes_unique unique,
    issued_by uuid not null,
    issued_at timestamptz not null
);
create index canteen_day_codes_child on canteen_day_codes (child_id, day);
alter table canteen_day_codes enable row level security;
create policy canteen_day_codes_read on canteen_day_codes for select
    using (actor_is_department() or family_id in (select my_families())
        or (actor_kind() = 'secretary' and college_uai = actor_college()));
create policy canteen_day_codes_insert on canteen_day_codes for insert
    with check (issued_by = actor_account() and day = today()
        and (actor_instructs() or family_id in (select my_own_families())
            or (actor_kind() = 'secretary' and college_uai = actor_college())));
create policy canteen_day_codes_delete on canteen_day_codes for delete using (actor_kind() = 'system' and day < today());

-- What gates saw, by gate and number: each counted once, whenever it comes.
create table canteen_passages (
    device_id uuid not null,
    sequence bigint not null constraint canteen_passages_sequence check (sequence > 0),
    operator_id uuid not null,
    college_uai text not null,
    day date not null,
    scanned_at timestamptz not null,
    received_at timestamptz not null,
    offline boolean not null,
    -- Absent when nobody is known by what was shown.
    person_id uuid,
    family_id uuid,
    let_in boolean not null,
    reason text not null constraint canteen_passages_reason
        check (reason in ('reserved', 'cancelled', 'not_enrolled', 'already_passed', 'unknown_card', 'unknown_code', 'stale_code',
                          'card_not_in_use', 'other_college', 'closed')),
    outcome text not null constraint canteen_passages_outcome
        check (outcome in ('counted', 'double', 'refused', 'unknown', 'not_served', 'locked')),
    -- Of what was sent, to tell a repetition from another passage under the same number.
    fingerprint bytea not null,
    constraint canteen_passages_pk primary key (device_id, sequence),
    constraint canteen_passages_known check (outcome not in ('counted', 'double') or person_id is not null)
);
create index canteen_passages_day on canteen_passages (day, college_uai, person_id);
create index canteen_passages_family on canteen_passages (family_id) where family_id is not null;
alter table canteen_passages enable row level security;
create policy canteen_passages_read on canteen_passages for select
    using (actor_is_department() or family_id in (select my_families())
        or (actor_kind() = 'secretary' and college_uai = actor_college()));

-- Reserved meals whose day is over are looked for each minute.
create index canteen_meals_reserved on canteen_meals (day) where state = 'reserved';

-- How long passages may come after their day.
create function canteen_passage_taken(p_day date) returns boolean language sql stable
    as $$ select p_day between today() - 31 and today() $$;

-- What the calling gate has sent before under these numbers.
create function gate_sent(p_sequences bigint[])
    returns table (sequence bigint, person_id uuid, let_in boolean, reason text, outcome text, fingerprint bytea)
    language sql stable security definer set search_path = public, pg_temp as $$
    select p.sequence, p.person_id, p.let_in, p.reason, p.outcome, p.fingerprint
      from canteen_passages p
     where actor_kind() = 'gate' and p.device_id = actor_device() and p.sequence = any (p_sequences) $$;

-- Numbers that the calling gate has not sent though it sent a higher one.
create function gate_gaps(p_limit integer) returns table (first bigint, last bigint)
    language sql stable security definer set search_path = public, pg_temp as $$
    select g.before + 1, g.sequence - 1
      from (select p.sequence, lag(p.sequence, 1, 0::bigint) over (order by p.sequence) as before
              from canteen_passages p where actor_kind() = 'gate' and p.device_id = actor_device()) g
     where g.sequence > g.before + 1 order by 1 limit p_limit $$;

-- Who stands at the calling gate, for each of what was shown there: a card, a one-day code, or a diner of its list. The meals of that day
-- are locked, so that two gates decide one after the other; and who locks a past month for its bills waits, as for any other change of its
-- meals. Names and portraits are those of its own collège only.
create function gate_look(p_cards bytea[], p_codes bytea[], p_people uuid[], p_days date[], p_portraits boolean)
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

-- Keeps passages of the calling gate and moves the meals they count for: from a state that was just read under lock, to the one that the
-- rules give. Anything that changed meanwhile makes the whole transaction begin again.
create function gate_record(p_offline boolean, p_sequences bigint[], p_days date[], p_scanned timestamptz[], p_people uuid[],
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

-- Today's diners of the calling gate, with what its signed list is made of.
create function gate_list()
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

-- Meals to cook, by collège and day: counts, for the department, the secretary of the collège and the operator's kitchen.
create function canteen_forecast(p_from date, p_until date)
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

-- What the calling kitchen has to do today, child by child.
create function kitchen_care()
    returns table (plan_id uuid, child_id uuid, college_uai text, first_name text, initial text, own_meal boolean, measures_sealed bytea)
    language sql stable security definer set search_path = public, pg_temp as $$
    select p.id, p.child_id, m.college_uai, split_part(ch.first_names, ' ', 1), left(ch.last_name, 1), p.own_meal, p.measures_sealed
      from canteen_meals m
      join canteen_care_plans p on p.child_id = m.person_id and p.ended_at is null and today() between p.starts_on and p.ends_on
      join children ch on ch.id = p.child_id
     where actor_kind() = 'kitchen' and m.day = today() and m.state in ('reserved', 'consumed', 'walk_in')
       and m.college_uai in (select my_sites(today()))
     order by m.college_uai, p.child_id $$;
