-- Passages that somebody takes back.

-- Whether a gate, wherever it stands, counted that diner's meal of that day; for the department, and the secretary whose collège the meal is of.
create function canteen_seen_by_gate(p_person uuid, p_day date) returns boolean
    language sql stable security definer set search_path = public, pg_temp as $$
    select coalesce(actor_is_department() or (actor_kind() = 'secretary' and exists (
                select 1 from canteen_meals m where m.person_id = p_person and m.day = p_day and m.college_uai = actor_college())), false)
       and exists (select 1 from canteen_passages p where p.day = p_day and p.person_id = p_person and p.outcome = 'counted') $$;
