-- Double entry in cents. A transfer is immutable and moves a positive amount from one account to another; a wallet is an account
-- whose balance is also kept as a column, moved in the statement that appends the transfer. Merchant and department accounts have no
-- balance column, so that no debit ever waits for another child's debit: their sums come from the transfers.
create table ledger_accounts (
    id uuid primary key,
    kind text not null constraint ledger_accounts_kind check (kind in ('funding', 'merchant')),
    merchant_id uuid constraint ledger_accounts_merchant_unique unique,
    constraint ledger_accounts_shape check ((kind = 'merchant') = (merchant_id is not null))
);
create unique index ledger_accounts_one_funding on ledger_accounts (kind) where kind = 'funding';
insert into ledger_accounts (id, kind) values (gen_random_uuid(), 'funding');

create table wallets (
    id uuid primary key,
    child_id uuid not null constraint wallets_child_fk references children on delete restrict,
    family_id uuid not null constraint wallets_family_fk references families on delete restrict,
    enrolment_id uuid not null constraint wallets_enrolment_fk references enrolments on delete restrict,
    season text not null,
    kind text not null constraint wallets_kind check (kind in ('culture', 'sport')),
    balance_cents bigint not null default 0,
    held_cents bigint not null default 0,
    -- Number of the last transfer: gapless, so that a missing line shows.
    version bigint not null default 0,
    spend_before timestamptz not null,
    constraint wallets_one_per_season_and_kind unique (child_id, season, kind),
    constraint wallets_balance_covers_held check (held_cents >= 0 and balance_cents >= held_cents)
) with (fillfactor = 70);
create index wallets_family on wallets (family_id);

create table transfers (
    id uuid primary key,
    kind text not null constraint transfers_kind check (kind in ('grant', 'debit', 'refund')),
    from_account uuid not null,
    to_account uuid not null,
    amount_cents bigint not null constraint transfers_amount_positive check (amount_cents > 0),
    wallet_id uuid not null,
    wallet_version bigint not null,
    balance_after_cents bigint not null constraint transfers_balance_after check (balance_after_cents >= 0),
    at timestamptz not null,
    -- The caller's key: it names this movement for ever, in the transaction that makes it.
    client_id uuid,
    key uuid,
    fingerprint bytea,
    merchant_id uuid,
    device_id uuid,
    reverses uuid,
    grant_kind text constraint transfers_grant_kind check (grant_kind in ('base', 'top_up')),
    activity_label text,
    activity_date date,
    -- What the till was shown, kept so that a replay answers the same.
    holder_first_name text,
    holder_initial text,
    constraint transfers_two_accounts check (from_account <> to_account),
    constraint transfers_version_unique unique (wallet_id, wallet_version),
    constraint transfers_key_unique unique (client_id, key),
    constraint transfers_grant_once unique (wallet_id, grant_kind),
    constraint transfers_shape check (
        (kind = 'grant' and grant_kind is not null and merchant_id is null and reverses is null)
        or (kind = 'debit' and grant_kind is null and merchant_id is not null and key is not null and reverses is null)
        or (kind = 'refund' and grant_kind is null and merchant_id is not null and key is not null and reverses is not null))
);
create index transfers_merchant on transfers (merchant_id, id) where merchant_id is not null;
create index transfers_reverses on transfers (reverses) where reverses is not null;

-- A refusal is final for its key, and says inside what it never says outside.
create table ledger_refusals (
    client_id uuid not null,
    key uuid not null,
    fingerprint bytea not null,
    reason text not null,
    merchant_id uuid not null,
    card_id uuid,
    amount_cents bigint not null,
    at timestamptz not null,
    constraint ledger_refusals_pk primary key (client_id, key)
);

-- The two legs of each transfer: per account, their sum is the balance.
create view ledger_entries with (security_invoker = true) as
    select id as transfer_id, from_account as account_id, -amount_cents as cents, at from transfers
    union all
    select id, to_account, amount_cents, at from transfers;

alter table ledger_accounts enable row level security;
create policy ledger_accounts_read on ledger_accounts for select using (actor_is_department());
create policy ledger_accounts_insert on ledger_accounts for insert with check (actor_is_department());
alter table wallets enable row level security;
create policy wallets_read on wallets for select using (actor_is_department() or family_id in (select my_families()));
alter table transfers enable row level security;
create policy transfers_read on transfers for select
    using (actor_is_department() or exists (select 1 from wallets w where w.id = wallet_id));
alter table ledger_refusals enable row level security;
create policy ledger_refusals_read on ledger_refusals for select using (actor_is_department());
