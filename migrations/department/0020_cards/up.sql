-- Cards that are printed: by batches, for a card maker who alone opens what he is sent.

-- Who prints the department's cards, and the public key (age, X25519) his batches are encrypted to. The newest is in force.
create table card_makers (
    id uuid primary key,
    name text not null,
    recipient text not null,
    registered_by uuid not null,
    registered_at timestamptz not null
);

create table card_batches (
    id uuid primary key,
    number integer not null constraint card_batches_number unique,
    state text not null constraint card_batches_state check (state in ('frozen', 'approved', 'cancelled', 'printed', 'posted')),
    cards integer not null constraint card_batches_cards check (cards > 0),
    -- SHA-256 of what is to be printed: nothing of it changes after somebody has frozen it.
    hash bytea not null,
    recipient text not null,
    frozen_by uuid not null,
    frozen_at timestamptz not null,
    approved_by uuid,
    approved_at timestamptz,
    printed_at timestamptz,
    posted_at timestamptz,
    constraint card_batches_four_eyes check (approved_by <> frozen_by),
    constraint card_batches_approved check ((approved_by is null) = (approved_at is null)
        and (state in ('frozen', 'cancelled') or approved_by is not null))
);

-- A digital card is used at once. A plastic one is a card by itself, with a code of its own, that pays nothing until the family has it in
-- its hands; then the former one is replaced. A child has at most one card in use and one on its way.
alter table cards
    add column form text not null default 'digital' constraint cards_form check (form in ('digital', 'plastic')),
    add column batch_id uuid constraint cards_batch_fk references card_batches on delete restrict,
    add column batch_rank integer,
    -- A card that was marked on its way before there was plastic never existed as such.
    add constraint cards_digital_is_used check (form = 'plastic' or state not in ('ordered', 'printed', 'posted')) not valid,
    add constraint cards_batched check ((batch_id is null) = (batch_rank is null));
drop index cards_one_live;
create unique index cards_one_used on cards (child_id) where state in ('active', 'blocked');
create unique index cards_one_coming on cards (child_id) where state in ('ordered', 'printed', 'posted');
create index cards_child on cards (child_id);
create unique index cards_batch_place on cards (batch_id, batch_rank) where batch_id is not null;
create index cards_to_print on cards (issued_at, id) where state = 'ordered' and batch_id is null;
create index cards_last_day on cards (valid_until) where state in ('ordered', 'printed', 'posted', 'active', 'blocked');
-- What tills without network are told to refuse.
create index cards_refused on cards (valid_until) where state in ('ordered', 'printed', 'posted', 'blocked', 'replaced');

-- A card that somebody found. What he says of the place is for the family and the department; who he is, nobody asks.
create table found_cards (
    id uuid primary key,
    card_id uuid not null constraint found_cards_card_fk references cards on delete restrict,
    family_id uuid not null constraint found_cards_family_fk references families on delete restrict,
    place text,
    reported_at timestamptz not null
);
create index found_cards_card on found_cards (card_id);

alter table card_makers enable row level security;
create policy card_makers_read on card_makers for select using (actor_is_department());
create policy card_makers_insert on card_makers for insert with check (actor_kind() = 'agent' and registered_by = actor_account());
alter table card_batches enable row level security;
create policy card_batches_read on card_batches for select using (actor_is_department());
create policy card_batches_insert on card_batches for insert
    with check (actor_kind() = 'agent' and frozen_by = actor_account() and state = 'frozen');
create policy card_batches_update on card_batches for update
    using (actor_kind() = 'agent' and state in ('frozen', 'approved', 'printed')) with check (actor_kind() = 'agent');
alter table found_cards enable row level security;
create policy found_cards_read on found_cards for select using (actor_is_department() or family_id in (select my_families()));
create policy found_cards_insert on found_cards for insert with check (actor_kind() = 'system');
