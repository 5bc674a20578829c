create table families (
    id uuid primary key,
    -- An account opens one file of its own; it may be invited into others.
    created_by uuid not null constraint families_one_per_creator unique,
    created_at timestamptz not null
);

create table guardians (
    id uuid primary key,
    family_id uuid not null constraint guardians_family_fk references families on delete restrict,
    -- Null until the person has accepted the invitation with an account of his own.
    account_id uuid,
    first_names text not null,
    last_name text not null,
    -- Own contact record: shown to himself and to the department, never to another guardian.
    email text not null,
    phone text,
    postal_address text,
    -- Parental authority has dates, never a cause.
    rights text not null constraint guardians_rights check (rights in ('full', 'consult')),
    rights_from date not null,
    rights_until date,
    invitation_hash bytea constraint guardians_invitation_unique unique,
    invitation_expires_at timestamptz,
    created_at timestamptz not null,
    constraint guardians_account_unique unique (family_id, account_id),
    constraint guardians_dates check (rights_until is null or rights_until >= rights_from)
);
create index guardians_account on guardians (account_id);

create table children (
    id uuid primary key,
    family_id uuid not null constraint children_family_fk references families on delete restrict,
    first_names text not null,
    last_name text not null,
    birth_date date not null,
    -- Department where the child lives: all that eligibility needs of an address.
    residence text not null,
    created_at timestamptz not null,
    version integer not null default 1
);
-- Written otherwise it is the same child, and has the same rights once.
create unique index children_same_child on children (family_id, folded(last_name), folded(first_names), birth_date);

-- A portrait, re-encoded and sealed with the department's key.
create table photos (
    child_id uuid primary key constraint photos_child_fk references children on delete restrict,
    family_id uuid not null constraint photos_family_fk references families on delete restrict,
    image_sealed bytea not null,
    submitted_at timestamptz not null
);

-- A journal: the last line of a guardian and purpose is what he wants now; no line means no.
create table consents (
    id uuid primary key,
    family_id uuid not null constraint consents_family_fk references families on delete restrict,
    guardian_id uuid not null constraint consents_guardian_fk references guardians on delete restrict,
    purpose text not null constraint consents_purpose check (purpose in ('news_email', 'news_sms', 'audience_statistics')),
    granted boolean not null,
    text_version text not null,
    channel text not null constraint consents_channel check (channel in ('web', 'mobile', 'paper')),
    at timestamptz not null
);
create index consents_guardian on consents (guardian_id, purpose, at);

-- The files the calling guardian may open today. The function looks past the policies it serves: it is what they rest on.
create function my_families() returns setof uuid language sql stable security definer set search_path = public, pg_temp
    as $$ select family_id from guardians
          where account_id = actor_account() and rights_from <= today() and (rights_until is null or rights_until >= today()) $$;
-- The files where he may also change something.
create function my_own_families() returns setof uuid language sql stable security definer set search_path = public, pg_temp
    as $$ select family_id from guardians
          where account_id = actor_account() and rights = 'full'
            and rights_from <= today() and (rights_until is null or rights_until >= today()) $$;
-- A file just opened by the caller, still without guardian: he may enter himself as the first.
create function is_my_new_family(family uuid) returns boolean language sql stable security definer set search_path = public, pg_temp
    as $$ select exists (select 1 from families where id = family and created_by = actor_account())
             and not exists (select 1 from guardians where family_id = family) $$;

-- The one door by which an invited guardian enters a file he cannot see yet.
create function accept_guardian_invitation(token_hash bytea) returns uuid language sql security definer set search_path = public, pg_temp
    as $$ update guardians set account_id = actor_account(), invitation_hash = null, invitation_expires_at = null
          where invitation_hash = token_hash and invitation_expires_at > instant() and account_id is null
            and actor_kind() = 'guardian'
          returning family_id $$;

-- The one way to change what a guardian may do: the service has no right to update these columns by itself.
create function set_guardian_rights(guardian uuid, new_rights text, new_until date) returns void language plpgsql
    security definer set search_path = public, pg_temp as $$
begin
    if not actor_is_department() then
        raise insufficient_privilege using message = 'only the department changes the rights of a guardian';
    end if;
    update guardians set rights = new_rights, rights_until = new_until where id = guardian;
end $$;

alter table families enable row level security;
create policy families_read on families for select using (actor_is_department() or id in (select my_families()));
create policy families_insert on families for insert
    with check (actor_is_department() or (actor_kind() = 'guardian' and created_by = actor_account()));

alter table guardians enable row level security;
create policy guardians_read on guardians for select using (actor_is_department() or family_id in (select my_families()));
create policy guardians_insert on guardians for insert with check (
    actor_is_department()
    or (account_id is null and family_id in (select my_own_families()))
    or (account_id = actor_account() and is_my_new_family(family_id)));
create policy guardians_update on guardians for update
    using (actor_is_department() or (account_id = actor_account() and family_id in (select my_families())))
    with check (actor_is_department() or account_id = actor_account());

alter table children enable row level security;
create policy children_write_insert on children for insert
    with check (actor_is_department() or family_id in (select my_own_families()));
create policy children_write_update on children for update
    using (actor_is_department() or family_id in (select my_own_families()))
    with check (actor_is_department() or family_id in (select my_own_families()));

alter table photos enable row level security;
create policy photos_read on photos for select using (actor_is_department() or family_id in (select my_families()));
create policy photos_write on photos for all
    using (actor_is_department() or family_id in (select my_own_families()))
    with check (actor_is_department() or family_id in (select my_own_families()));

alter table consents enable row level security;
create policy consents_read on consents for select using (actor_is_department() or family_id in (select my_families()));
create policy consents_insert on consents for insert with check (
    guardian_id in (select g.id from guardians g where g.account_id = actor_account() and g.family_id = consents.family_id));
