drop function canteen_away(text, date), canteen_gate_gaps(text, date, date), canteen_gates_at_work(text);
create or replace function gate_gaps(p_limit integer) returns table (first bigint, last bigint)
    language sql stable security definer set search_path = public, pg_temp as $$
    select g.before + 1, g.sequence - 1
      from (select p.sequence, lag(p.sequence, 1, 0::bigint) over (order by p.sequence) as before
              from canteen_passages p where actor_kind() = 'gate' and p.device_id = actor_device()) g
     where g.sequence > g.before + 1 order by 1 limit p_limit $$;
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
drop function canteen_tell_walk_ins(uuid[]), gate_adults(date), gate_heard();
drop index canteen_passages_away;
drop policy canteen_passages_delete on canteen_passages;
alter table canteen_attendance_locks drop column accepted_gaps;
drop table canteen_gates;
