-- A portrait is looked at by the department before anybody else sees it. A child has one accepted at most, one that waits at most, and the
-- trace of the last refusal: its picture is gone. Portraits sent before this rule wait for their review like new ones.
alter table photos drop constraint photos_pkey;
alter table photos
    alter column image_sealed drop not null,
    add column id uuid,
    add column state text,
    add column reason text,
    -- To the family, with the reason.
    add column note text,
    -- What the reviewer is told of the picture; gone with the decision.
    add column hints jsonb,
    add column till_sealed bytea,
    add column gate_sealed bytea,
    add column decided_by uuid,
    add column decided_at timestamptz,
    add column version integer not null default 1;
update photos set id = time_ordered_id(), state = 'submitted';
alter table photos
    alter column id set not null,
    alter column state set not null,
    add constraint photos_pkey primary key (id),
    add constraint photos_one_per_state unique (child_id, state),
    add constraint photos_state check (state in ('submitted', 'accepted', 'refused')),
    add constraint photos_reason check (reason in ('face_not_visible', 'blurred', 'not_a_portrait', 'several_people', 'head_covered',
                                                   'too_old', 'wrong_person', 'inappropriate', 'other')),
    add constraint photos_refused check ((state = 'refused') = (reason is not null) and (state = 'refused') = (image_sealed is null)
                                         and (note is null or state = 'refused')),
    -- The small sizes are drawn when somebody may see them.
    add constraint photos_sizes check ((state = 'accepted') = (till_sealed is not null) and (state = 'accepted') = (gate_sealed is not null)),
    add constraint photos_hints check (hints is null or state = 'submitted'),
    add constraint photos_decided check ((state = 'submitted') = (decided_by is null) and (decided_by is null) = (decided_at is null));
-- The queue of the reviewers, oldest first.
create index photos_waiting on photos (id) where state = 'submitted';

-- A family sends and removes; only an agent decides, in his own name.
drop policy photos_write on photos;
create policy photos_insert on photos for insert
    with check (state = 'submitted' and (actor_is_department() or family_id in (select my_own_families())));
create policy photos_decide on photos for update
    using (actor_kind() = 'agent') with check (actor_kind() = 'agent' and decided_by = actor_account());
create policy photos_delete on photos for delete
    using (actor_is_department() or family_id in (select my_own_families()));

-- A till sees the accepted portrait only, in its own size.
create or replace function card_holder(p_card bytea)
    returns table (usable boolean, child_id uuid, first_name text, initial text, photo_sealed bytea)
    language sql stable security definer set search_path = public, pg_temp as $$
    select u.usable,
           case when u.usable then ch.id end,
           case when u.usable then split_part(ch.first_names, ' ', 1) end,
           case when u.usable then left(ch.last_name, 1) end,
           case when u.usable then p.till_sealed end
      from cards c join children ch on ch.id = c.child_id left join photos p on p.child_id = ch.id and p.state = 'accepted'
     cross join lateral (select c.state = 'active' and c.valid_until >= today()
                            and exists (select 1 from affiliations a where a.merchant_id = actor_merchant() and a.state = 'active'
                                         and a.starts_on <= today() and (a.ends_on is null or a.ends_on >= today())) as usable) u
     where c.code_fingerprint = p_card and actor_kind() = 'device'
$$;
