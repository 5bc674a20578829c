create table cards (
    id uuid primary key,
    child_id uuid not null constraint cards_child_fk references children on delete restrict,
    family_id uuid not null constraint cards_family_fk references families on delete restrict,
    state text not null constraint cards_state
        check (state in ('ordered', 'printed', 'posted', 'active', 'blocked', 'replaced', 'expired')),
    -- The code itself is nowhere in clear: a keyed fingerprint finds the card, a sealed copy lets the family see its QR again.
    code_fingerprint bytea not null constraint cards_code_unique unique,
    code_sealed bytea not null,
    valid_until date not null,
    issued_at timestamptz not null,
    blocked_at timestamptz,
    block_reason text constraint cards_block_reason check (block_reason in ('lost', 'stolen', 'other'))
);
create unique index cards_one_live on cards (child_id) where state in ('ordered', 'printed', 'posted', 'active', 'blocked');
create index cards_family on cards (family_id);

create table card_keys (
    kid text primary key,
    public_key bytea not null,
    private_sealed bytea not null,
    created_at timestamptz not null
);

alter table cards enable row level security;
create policy cards_read on cards for select using (actor_is_department() or family_id in (select my_families()));
create policy cards_insert on cards for insert with check (
    actor_is_department() or family_id in (select my_own_families())
    or (actor_kind() = 'secretary' and exists (select 1 from enrolments e where e.child_id = cards.child_id)));
create policy cards_update on cards for update
    using (actor_is_department() or family_id in (select my_families()))
    with check (actor_is_department() or family_id in (select my_families()));

-- Public halves are public; the sealed halves are of no use without the department's key.
alter table card_keys enable row level security;
create policy card_keys_read on card_keys for select using (true);
create policy card_keys_insert on card_keys for insert with check (actor_is_department());

-- Good until that day at least: whoever activates an enrolment lets the child's living card live on. Returns whether there was one.
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
