-- One pupil eats by one file: the one by which he has his rights. As `activate_enrolments` tells who is the same pupil.
create function pupil_is_elsewhere(p_child uuid, p_season text) returns boolean
    language sql stable security definer set search_path = public, pg_temp as $$
    select exists (
        select 1 from children p
          join children other on other.birth_date = p.birth_date and folded(other.last_name) = folded(p.last_name) and other.id <> p.id
               and same_given_names(other.first_names, p.first_names)
          join enrolments taken on taken.child_id = other.id
         where p.id = p_child and taken.season = p_season and taken.state in ('confirmed', 'active', 'suspended')
           and (actor_kind() in ('system', 'agent') or p.family_id in (select my_families()))) $$;
alter table canteen_enrolments
    drop constraint canteen_enrolments_end_reason,
    add constraint canteen_enrolments_end_reason
        check (end_reason in ('at_familys_wish', 'changed_college', 'left_scheme', 'request_refused', 'pupil_elsewhere', 'by_department'));
