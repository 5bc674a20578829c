drop function enrol_on_behalf(uuid, uuid, uuid, uuid, text, text, text, text, bytea, timestamptz, text, text, date, text, text, text, text,
                              text, boolean, text);
drop table derogations;
create or replace function record_arrival(p_season text, p_last_name text, p_first_names text, p_birth_date date, p_level text, p_college_name text)
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
