-- The ledger an auditor can check: every transfer is chained to the one before it in its wallet; money can be set aside before it moves
-- (holds); what a department allows is dated data; what is left at the end of a season is lost by a movement like any other.

drop view merchant_operations;
drop view ledger_entries;
drop function ledger_refund(uuid, uuid, uuid, bytea, uuid, bigint);
drop function ledger_debit(uuid, uuid, uuid, bytea, bytea, text, bigint, text, date);
drop function ledger_replay(uuid, uuid, bytea);
drop type ledger_outcome;
drop function ledger_grant(uuid, uuid, uuid, text, text, bigint, timestamptz);

-- Where lost credit goes, apart from the funding it came from, so that both sums can be read.
alter table ledger_accounts drop constraint ledger_accounts_kind;
alter table ledger_accounts add constraint ledger_accounts_kind check (kind in ('funding', 'merchant', 'expired'));
create unique index ledger_accounts_one_expired on ledger_accounts (kind) where kind = 'expired';
insert into ledger_accounts (id, kind) values (gen_random_uuid(), 'expired');

alter table wallets
    -- Nothing held is captured from that instant on.
    add column capture_before timestamptz,
    -- Hash of the last transfer; 32 zero bytes before the first.
    add column head bytea not null default decode(repeat('00', 32), 'hex') constraint wallets_head check (octet_length(head) = 32),
    -- When what was left was taken back at the end of the season: once.
    add column swept_at timestamptz;
update wallets set capture_before = spend_before + interval '1 year';
alter table wallets alter column capture_before set not null,
    add constraint wallets_capture_after_spending check (capture_before >= spend_before);

-- Money set aside: by a till before it knows the final sum, by a family as a ticket, or for a merchant that has yet to accept. It leaves
-- the available balance at once and the wallet only when captured. Its one change of state is a conditional update.
create table holds (
    id uuid primary key,
    kind text not null constraint holds_kind check (kind in ('till', 'ticket', 'remote')),
    wallet_id uuid not null constraint holds_wallet_fk references wallets on delete restrict,
    amount_cents bigint not null constraint holds_amount_positive check (amount_cents > 0),
    state text not null default 'authorised' constraint holds_state check (state in ('authorised', 'captured', 'voided', 'expired')),
    captured_cents bigint not null default 0,
    -- Who may capture: any affiliated merchant for a free ticket.
    merchant_id uuid,
    -- The caller's key, as on transfers.
    client_id uuid not null,
    key uuid not null,
    fingerprint bytea not null,
    request_id uuid not null,
    made_at timestamptz not null,
    expires_at timestamptz not null,
    closed_at timestamptz,
    -- Tickets: the code is nowhere in clear, as for cards.
    code_fingerprint bytea constraint holds_code_unique unique,
    code_sealed bytea,
    activity_label text,
    activity_date date,
    holder_first_name text not null,
    holder_initial text not null,
    constraint holds_key_unique unique (client_id, key),
    constraint holds_merchant_known check (merchant_id is not null or kind = 'ticket'),
    constraint holds_code_of_tickets check ((kind = 'ticket') = (code_fingerprint is not null and code_sealed is not null)),
    constraint holds_captured_within check (captured_cents between 0 and amount_cents and (state = 'captured') = (captured_cents > 0)),
    constraint holds_closed check ((state = 'authorised') = (closed_at is null))
);
create index holds_wallet on holds (wallet_id);
create index holds_merchant on holds (merchant_id, id) where merchant_id is not null;
create index holds_due on holds (expires_at) where state = 'authorised';

alter table transfers
    drop constraint transfers_kind,
    drop constraint transfers_shape,
    drop constraint transfers_grant_once,
    drop constraint transfers_key_unique,
    -- Who asked is the client, whatever it is: a device, an agent.
    drop column device_id,
    add column hold_id uuid,
    add column request_id uuid,
    -- Why a person reversed it.
    add column reason text,
    add column hash bytea constraint transfers_hash check (octet_length(hash) = 32);
create unique index transfers_key_unique on transfers (client_id, key) where key is not null;
-- What captured a hold.
create index transfers_hold on transfers (hold_id) where hold_id is not null;
create unique index transfers_grant_once on transfers (wallet_id, grant_kind) where grant_kind is not null;
alter table transfers
    add constraint transfers_kind check (kind in ('grant', 'debit', 'refund', 'expiry', 'reversal')),
    add constraint transfers_shape check (case kind
        when 'grant' then grant_kind is not null and merchant_id is null and reverses is null and hold_id is null
        when 'debit' then grant_kind is null and merchant_id is not null and key is not null and reverses is null
        when 'refund' then grant_kind is null and merchant_id is not null and reverses is not null and hold_id is null
        when 'expiry' then grant_kind is null and merchant_id is null and key is null
        when 'reversal' then grant_kind is null and reverses is not null and reason is not null
    end),
    add constraint transfers_wallet_is_a_side check ((from_account = wallet_id) <> (to_account = wallet_id));

-- The bytes of a transfer that its hash covers, version 1: fixed widths and big-endian, an absent id is sixteen zero bytes, an absent
-- fingerprint thirty-two, an instant counts microseconds from 2000-01-01T00:00Z, the cause closes the record. No name is in it: what is
-- erased about a person breaks no chain.
create function ledger_body(
    p_kind text, p_id uuid, p_from uuid, p_to uuid, p_amount bigint, p_wallet uuid, p_version bigint, p_balance_after bigint,
    p_at timestamptz, p_client uuid, p_key uuid, p_merchant uuid, p_reverses uuid, p_hold uuid, p_request uuid, p_fingerprint bytea,
    p_cause text) returns bytea language sql stable parallel safe as $$
    select case p_kind when 'grant' then '\x01'::bytea when 'debit' then '\x02' when 'refund' then '\x03' when 'expiry' then '\x04'
                       when 'reversal' then '\x05' end
        || uuid_send(p_id) || uuid_send(p_from) || uuid_send(p_to) || int8send(p_amount) || uuid_send(p_wallet)
        || int8send(p_version) || int8send(p_balance_after) || timestamptz_send(p_at)
        || coalesce(uuid_send(p_client), '\x00000000000000000000000000000000') || coalesce(uuid_send(p_key), '\x00000000000000000000000000000000')
        || coalesce(uuid_send(p_merchant), '\x00000000000000000000000000000000') || coalesce(uuid_send(p_reverses), '\x00000000000000000000000000000000')
        || coalesce(uuid_send(p_hold), '\x00000000000000000000000000000000') || coalesce(uuid_send(p_request), '\x00000000000000000000000000000000')
        || coalesce(p_fingerprint, '\x0000000000000000000000000000000000000000000000000000000000000000')
        || coalesce(convert_to(p_cause, 'UTF8'), '')
$$;

-- A link: the version of the format, the link before, the record.
create function ledger_link(p_previous bytea, p_body bytea) returns bytea language sql immutable parallel safe
    as $$ select sha256('\x01'::bytea || p_previous || p_body) $$;
-- The same as a window: links of one wallet within one statement.
create function ledger_next_link(p_link bytea, p_head bytea, p_body bytea) returns bytea language plpgsql immutable parallel safe
    as $$ begin return sha256('\x01'::bytea || coalesce(p_link, p_head) || p_body); end $$;
create aggregate ledger_chain (p_head bytea, p_body bytea) (sfunc = ledger_next_link, stype = bytea);

-- What was moved before is chained as it stands.
do $$
declare
    t transfers;
    link bytea;
begin
    for t in select * from transfers order by wallet_id, wallet_version loop
        select ledger_link(head, ledger_body(t.kind, t.id, t.from_account, t.to_account, t.amount_cents, t.wallet_id, t.wallet_version,
                   t.balance_after_cents, t.at, t.client_id, t.key, t.merchant_id, t.reverses, null, null, t.fingerprint, t.grant_kind))
          into strict link from wallets where id = t.wallet_id;
        update transfers set hash = link where id = t.id;
        update wallets set head = link where id = t.wallet_id;
    end loop;
end $$;
alter table transfers alter column hash set not null;

-- A refusal for a key that was voided before its debit came has neither body nor amount.
alter table ledger_refusals alter column fingerprint drop not null, alter column merchant_id drop not null,
    alter column amount_cents drop not null;
create index ledger_refusals_card on ledger_refusals (card_id, at) where card_id is not null;
drop policy ledger_refusals_read on ledger_refusals;
-- A family reads what was refused to its own cards.
create policy ledger_refusals_read on ledger_refusals for select using (
    actor_is_department() or (actor_kind() = 'guardian' and exists (select 1 from cards c where c.id = card_id)));

create view ledger_entries with (security_invoker = true) as
    select id as transfer_id, from_account as account_id, -amount_cents as cents, at from transfers
    union all
    select id, to_account, amount_cents, at from transfers;

alter table holds enable row level security;
create policy holds_read on holds for select
    using (actor_is_department() or (actor_kind() = 'guardian' and exists (select 1 from wallets w where w.id = wallet_id)));

-- What a department allows, from an instant on: the last line that took effect counts. An absent cap is no cap.
create table ledger_rules (
    id uuid primary key,
    effective_from timestamptz not null constraint ledger_rules_one_per_instant unique,
    debit_max_cents bigint constraint ledger_rules_debit_max check (debit_max_cents > 0),
    card_day_max_cents bigint constraint ledger_rules_card_day_max check (card_day_max_cents > 0),
    till_minute_max_debits integer constraint ledger_rules_till_minute_max check (till_minute_max_debits > 0),
    -- How long a till's hold stands.
    till_hold_minutes integer not null constraint ledger_rules_till_hold check (till_hold_minutes between 1 and 44640),
    -- Above that a merchant's refund, an agent's correction need a second person.
    refund_alone_max_cents bigint not null constraint ledger_rules_refund_alone check (refund_alone_max_cents >= 0),
    correction_alone_max_cents bigint not null constraint ledger_rules_correction_alone check (correction_alone_max_cents >= 0),
    -- Days within which a family may contest a debit.
    dispute_days integer not null constraint ledger_rules_dispute_days check (dispute_days between 0 and 400),
    set_by uuid,
    set_at timestamptz not null
);
insert into ledger_rules (id, effective_from, till_hold_minutes, refund_alone_max_cents, correction_alone_max_cents, dispute_days, set_at)
    values (gen_random_uuid(), '2000-01-01', 10080, 20000, 20000, 60, now());
alter table ledger_rules enable row level security;
-- Not personal: merchants and families may know what limits them.
create policy ledger_rules_read on ledger_rules for select using (actor_kind() is not null);
create policy ledger_rules_insert on ledger_rules for insert with check (actor_is_department() and effective_from > instant());

-- Debits of a device within the running minute: written only where the department caps them.
create table till_minutes (
    client_id uuid primary key,
    minute timestamptz not null,
    debits integer not null
);
alter table till_minutes enable row level security;
create policy till_minutes_read on till_minutes for select using (actor_is_department());

-- A family says that a debit was not its own doing: until an agent decides, the line is not paid out.
create table disputes (
    id uuid primary key,
    transfer_id uuid not null constraint disputes_one_per_debit unique constraint disputes_transfer_fk references transfers on delete restrict,
    family_id uuid not null constraint disputes_family_fk references families on delete restrict,
    merchant_id uuid not null,
    state text not null constraint disputes_state check (state in ('open', 'upheld', 'rejected')),
    reason text not null constraint disputes_reason check (reason in ('not_mine', 'wrong_amount', 'twice', 'activity_not_held', 'other')),
    note text,
    opened_by uuid not null,
    opened_at timestamptz not null,
    decided_by uuid,
    decided_at timestamptz,
    decision_note text,
    -- What gave the money back.
    reversal_id uuid,
    constraint disputes_decided check ((state = 'open') = (decided_at is null))
);
create index disputes_open on disputes (opened_at) where state = 'open';
create index disputes_family on disputes (family_id);
alter table disputes enable row level security;
create policy disputes_read on disputes for select
    using (actor_is_department() or (actor_kind() = 'guardian' and family_id in (select my_families())));
create policy disputes_insert on disputes for insert
    with check (actor_kind() = 'guardian' and state = 'open' and opened_by = actor_account() and family_id in (select my_own_families()));
create policy disputes_update on disputes for update using (actor_is_department()) with check (actor_is_department());

-- The journal: what people and devices did, and what they moved. A movement by key is its own line, chained and unchangeable, and is not
-- written twice.
create view journal with (security_invoker = true) as
    select id, at, request_id, actor_kind, actor_id, action, object_kind, object_id, details from audit
    union all
    select id, at, request_id, 'device', client_id, case kind when 'debit' then 'debited' else 'refunded' end, 'transfer', id::text,
           jsonb_build_object('amount_cents', amount_cents, 'wallet_id', wallet_id)
               || case when reverses is null then '{}'::jsonb else jsonb_build_object('debit_id', reverses) end
      from transfers where request_id is not null and kind in ('debit', 'refund');

-- Families that want a word for each debit.
alter table families add column debit_notices boolean not null default false;
create policy families_update on families for update using (id in (select my_own_families())) with check (id in (select my_own_families()));
