drop function revalidate_cards(uuid[], date[]);
create function revalidate_card(p_child uuid, p_valid_until date) returns boolean
    language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if not coalesce(actor_is_department() or (actor_kind() = 'secretary' and exists (
            select 1 from enrolments where child_id = p_child and college_uai = actor_college() and in_network and state = 'active')), false) then
        raise insufficient_privilege using message = 'this actor revalidates no card of this child';
    end if;
    update cards set valid_until = greatest(valid_until, p_valid_until)
     where child_id = p_child and state in ('ordered', 'printed', 'posted', 'active', 'blocked');
    return found;
end $$;
drop function activate_enrolments(uuid, uuid[]);
drop function same_given_names(text, text);
drop function ledger_grant_base(uuid, uuid[]);
drop table season_openings;
drop table enrolment_attestations;
drop policy enrolment_events_insert on enrolment_events;
create policy enrolment_events_insert on enrolment_events for insert
    with check (exists (select 1 from enrolments e where e.id = enrolment_id));
drop policy enrolments_update on enrolments;
create policy enrolments_update on enrolments for update
    using (actor_is_department() or family_id in (select my_own_families())
        or (actor_kind() = 'secretary' and college_uai = actor_college() and in_network and state <> 'draft'))
    with check (actor_is_department()
        or (state in ('draft', 'submitted', 'refused') and family_id in (select my_own_families()))
        or (actor_kind() = 'secretary' and college_uai = actor_college() and in_network));
drop index children_pupil;
drop index enrolments_open;
-- A request that waits for its family becomes the draft it was like.
update enrolments set state = 'draft' where state = 'to_confirm';
alter table enrolments drop constraint enrolments_state;
alter table enrolments add constraint enrolments_state
    check (state in ('draft', 'submitted', 'confirmed', 'active', 'refused', 'suspended', 'expired'));
