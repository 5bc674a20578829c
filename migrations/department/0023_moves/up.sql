-- What leaves the usual way: pupils who come from another collège or leave the scheme, families enrolled by a collège's secretary, and
-- children whom a person lets in though no rule does.

-- By a person, for a reason, until a day. The reason stays with the department.
create table derogations (
    id uuid primary key,
    child_id uuid not null constraint derogations_child_fk references children on delete restrict,
    family_id uuid not null constraint derogations_family_fk references families on delete restrict,
    season text not null,
    waives text not null constraint derogations_waives check (waives in ('eligibility', 'deadline')),
    reason text not null,
    until date not null,
    granted_by uuid not null,
    granted_at timestamptz not null,
    revoked_by uuid,
    revoked_at timestamptz,
    constraint derogations_revoked check ((revoked_by is null) = (revoked_at is null))
);
create unique index derogations_one_living on derogations (child_id, season, waives) where revoked_at is null;
create index derogations_family on derogations (family_id);
alter table derogations enable row level security;
create policy derogations_read on derogations for select using (actor_is_department() or family_id in (select my_families()));
create policy derogations_insert on derogations for insert
    with check (actor_kind() = 'agent' and granted_by = actor_account() and revoked_at is null);
create policy derogations_revoke on derogations for update
    using (actor_kind() = 'agent' and revoked_at is null) with check (actor_kind() = 'agent' and revoked_by = actor_account());

-- As before, and for requests that wait for their families too: there the new collège's word is kept, so that the rights open with the
-- family's.
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
             where e.season = p_season and e.state in ('to_confirm', 'submitted', 'active', 'suspended')
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
    insert into enrolment_attestations (enrolment_id, college_uai, level, attested_by, attested_at)
        select id, college_uai, level, actor_account(), instant() from enrolments where id = found_ids[1] and state = 'to_confirm'
        on conflict (enrolment_id) do update
           set (college_uai, level, attested_by, attested_at)
             = (excluded.college_uai, excluded.level, excluded.attested_by, excluded.attested_at);
    return found_ids[1];
end $$;

-- A family that a secretary enrols at the own collège: file, guardian without account yet, child and submitted request in one step. Null
-- when the pupil is known to the department already. Nobody's account has opened such a file: the guardian's record stands for it.
create function enrol_on_behalf(
    p_family uuid, p_guardian uuid, p_child uuid, p_enrolment uuid, p_guardian_first_names text, p_guardian_last_name text, p_email text,
    p_phone text, p_invitation_hash bytea, p_invitation_expires_at timestamptz, p_first_names text, p_last_name text, p_birth_date date,
    p_residence text, p_season text, p_college_name text, p_level text, p_formula text, p_declares_scholarship boolean, p_rule text)
    returns uuid language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if actor_kind() is distinct from 'secretary' or actor_college() is null then
        raise insufficient_privilege using message = 'only a secretary enrols on behalf of a family';
    end if;
    -- Two secretaries who enter one pupil at one moment wait for each other.
    perform pg_advisory_xact_lock(hashtextextended('pupil ' || folded(p_last_name) || p_birth_date, 1));
    if exists (select 1 from children where birth_date = p_birth_date and folded(last_name) = folded(p_last_name)
                                        and same_given_names(first_names, p_first_names)) then
        return null;
    end if;
    insert into families (id, created_by, created_at) values (p_family, p_guardian, instant());
    insert into guardians (id, family_id, first_names, last_name, email, phone, rights, rights_from, invitation_hash,
                           invitation_expires_at, created_at)
        values (p_guardian, p_family, p_guardian_first_names, p_guardian_last_name, p_email, p_phone, 'full', today(), p_invitation_hash,
                p_invitation_expires_at, instant());
    insert into children (id, family_id, first_names, last_name, birth_date, residence, created_at)
        values (p_child, p_family, p_first_names, p_last_name, p_birth_date, p_residence, instant());
    insert into enrolments (id, child_id, family_id, season, state, college_uai, college_name, in_network, level, formula,
                            declares_scholarship, ase, rule, created_at, submitted_at)
        values (p_enrolment, p_child, p_family, p_season, 'submitted', actor_college(), p_college_name, true, p_level, p_formula,
                p_declares_scholarship, false, p_rule, instant(), instant());
    return p_enrolment;
end $$;
