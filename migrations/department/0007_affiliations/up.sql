create table affiliations (
    id uuid primary key,
    merchant_id uuid not null,
    merchant_name text not null,
    account_id uuid not null constraint affiliations_account_fk references ledger_accounts on delete restrict,
    wallet_kind text not null constraint affiliations_wallet_kind check (wallet_kind in ('culture', 'sport')),
    state text not null constraint affiliations_state check (state in ('applied', 'under_review', 'active', 'suspended', 'closed')),
    starts_on date not null,
    ends_on date,
    created_at timestamptz not null,
    version integer not null default 1,
    constraint affiliations_dates check (ends_on is null or ends_on >= starts_on)
);
-- One living convention per merchant and wallet kind; closed ones are history.
create unique index affiliations_one_living on affiliations (merchant_id, wallet_kind) where state <> 'closed';

alter table affiliations enable row level security;
create policy affiliations_read on affiliations for select
    using (actor_is_department() or (actor_kind() = 'device' and merchant_id = actor_merchant())
        -- Families read the merchant's name on their statement.
        or actor_kind() = 'guardian');
create policy affiliations_insert on affiliations for insert with check (actor_is_department());
create policy affiliations_update on affiliations for update using (actor_is_department()) with check (actor_is_department());
