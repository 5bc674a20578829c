drop policy families_update on families;
alter table families drop column debit_notices;
drop view journal;
drop table disputes;
drop table till_minutes;
drop table ledger_rules;
drop view ledger_entries;
drop policy ledger_refusals_read on ledger_refusals;
create policy ledger_refusals_read on ledger_refusals for select using (actor_is_department());
drop index ledger_refusals_card;
delete from ledger_refusals where fingerprint is null or merchant_id is null or amount_cents is null;
alter table ledger_refusals alter column fingerprint set not null, alter column merchant_id set not null,
    alter column amount_cents set not null;
drop aggregate ledger_chain (bytea, bytea);
drop function ledger_next_link(bytea, bytea, bytea);
drop function ledger_link(bytea, bytea);
drop function ledger_body(text, uuid, uuid, uuid, bigint, uuid, bigint, bigint, timestamptz, uuid, uuid, uuid, uuid, uuid, uuid, bytea, text);
alter table transfers drop constraint transfers_wallet_is_a_side, drop constraint transfers_shape, drop constraint transfers_kind;
drop index transfers_grant_once;
drop index transfers_key_unique;
alter table transfers drop column hash, drop column reason, drop column request_id, drop column hold_id, add column device_id uuid;
update transfers set device_id = client_id where client_id is not null;
alter table transfers
    add constraint transfers_key_unique unique (client_id, key),
    add constraint transfers_grant_once unique (wallet_id, grant_kind),
    add constraint transfers_kind check (kind in ('grant', 'debit', 'refund')),
    add constraint transfers_shape check (
        (kind = 'grant' and grant_kind is not null and merchant_id is null and reverses is null)
        or (kind = 'debit' and grant_kind is null and merchant_id is not null and key is not null and reverses is null)
        or (kind = 'refund' and grant_kind is null and merchant_id is not null and key is not null and reverses is not null));
drop table holds;
alter table wallets drop column swept_at, drop column head, drop column capture_before;
drop index ledger_accounts_one_expired;
delete from ledger_accounts where kind = 'expired';
alter table ledger_accounts drop constraint ledger_accounts_kind;
alter table ledger_accounts add constraint ledger_accounts_kind check (kind in ('funding', 'merchant'));
create view ledger_entries with (security_invoker = true) as
    select id as transfer_id, from_account as account_id, -amount_cents as cents, at from transfers
    union all
    select id, to_account, amount_cents, at from transfers;
-- The only ways money moves. They belong to the owner and run as it: the service's own role can read wallets and transfers but
-- change neither, so every movement passes the checks below, whatever the calling code forgot.

-- Opens the wallet of (child, season, kind) and makes one grant, once. Returns whether this call made it.
create function ledger_grant(
    p_transfer uuid, p_wallet uuid, p_enrolment uuid, p_kind text, p_grant_kind text, p_amount bigint, p_spend_before timestamptz)
    returns boolean language plpgsql security definer set search_path = public, pg_temp as $$
declare
    e enrolments;
    w wallets;
    funding uuid;
begin
    if actor_kind() is null or actor_kind() not in ('system', 'agent', 'secretary') then
        raise insufficient_privilege using message = 'this actor grants nothing';
    end if;
    -- A secretary opens rights for the pupils of the own collège only.
    select * into strict e from enrolments where id = p_enrolment and state = 'active'
       and (actor_kind() <> 'secretary' or college_uai = actor_college());
    insert into wallets (id, child_id, family_id, enrolment_id, season, kind, spend_before)
        values (p_wallet, e.child_id, e.family_id, e.id, e.season, p_kind, p_spend_before)
        on conflict on constraint wallets_one_per_season_and_kind do nothing;
    select * into strict w from wallets where child_id = e.child_id and season = e.season and kind = p_kind for update;
    if exists (select 1 from transfers where wallet_id = w.id and grant_kind = p_grant_kind) then
        return false;
    end if;
    select id into strict funding from ledger_accounts where kind = 'funding';
    update wallets set balance_cents = balance_cents + p_amount, version = version + 1 where id = w.id returning * into w;
    insert into transfers (id, kind, from_account, to_account, amount_cents, wallet_id, wallet_version, balance_after_cents, at, grant_kind)
        values (p_transfer, 'grant', funding, w.id, p_amount, w.id, w.version, w.balance_cents, instant(), p_grant_kind);
    return true;
end $$;

-- What a money step answers. `reason` is null when the money moved.
create type ledger_outcome as (
    reason text, replayed boolean, transfer_id uuid, at timestamptz, amount_cents bigint, wallet_kind text,
    activity_label text, activity_date date, holder_first_name text, holder_initial text);

-- What was answered to this client and key before, if anything. Twins wait here for each other. It runs with the rights of whoever calls
-- it: those of the owner inside the steps below, those of the service by itself, to which the policies then show nothing.
create function ledger_replay(p_client uuid, p_key uuid, p_fingerprint bytea) returns ledger_outcome
    language plpgsql set search_path = public, pg_temp as $$
declare
    t transfers;
    r ledger_refusals;
    answer ledger_outcome;
begin
    perform pg_advisory_xact_lock(hashtextextended(p_client::text || p_key::text, 0));
    select * into t from transfers where client_id = p_client and key = p_key;
    if found then
        answer.reason := case when t.fingerprint = p_fingerprint then null else 'key_reused' end;
        answer.replayed := true;
        answer.transfer_id := t.id; answer.at := t.at; answer.amount_cents := t.amount_cents;
        answer.wallet_kind := (select kind from wallets where id = t.wallet_id);
        answer.activity_label := t.activity_label; answer.activity_date := t.activity_date;
        answer.holder_first_name := t.holder_first_name; answer.holder_initial := t.holder_initial;
        return answer;
    end if;
    select * into r from ledger_refusals where client_id = p_client and key = p_key;
    if found then
        answer.reason := case when r.fingerprint = p_fingerprint then r.reason else 'key_reused' end;
        answer.replayed := true;
        return answer;
    end if;
    return null;
end $$;

-- Debits the wallet behind a card: everything between BEGIN and COMMIT, in one statement.
create function ledger_debit(
    p_request uuid, p_transfer uuid, p_key uuid, p_fingerprint bytea, p_card bytea, p_wallet_kind text, p_amount bigint,
    p_activity_label text, p_activity_date date)
    returns ledger_outcome language plpgsql security definer set search_path = public, pg_temp as $$
declare
    client uuid := actor_device();
    merchant uuid := actor_merchant();
    merchant_account uuid;
    c record;
    w wallets;
    answer ledger_outcome;
begin
    if actor_kind() is distinct from 'device' or client is null or merchant is null then
        raise insufficient_privilege using message = 'only a device of a merchant debits';
    end if;
    answer := ledger_replay(client, p_key, p_fingerprint);
    if answer.replayed then
        return answer;
    end if;
    answer.replayed := false;
    -- After the replay: what was bought long ago could not be bought today. Like any wrong field it leaves no trace under the key.
    if p_activity_date not between today() - interval '1 year' and today() + interval '1 year' then
        answer.reason := 'activity_date';
        return answer;
    end if;

    select cards.id, cards.child_id, cards.state, cards.valid_until,
           split_part(children.first_names, ' ', 1) as first_name, left(children.last_name, 1) as initial
      into c from cards join children on children.id = cards.child_id where cards.code_fingerprint = p_card;
    select account_id into merchant_account from affiliations
     where merchant_id = merchant and wallet_kind = p_wallet_kind and state = 'active'
       and starts_on <= today() and (ends_on is null or ends_on >= today());

    answer.reason := case
        when merchant_account is null then 'not_affiliated'
        when c.id is null then 'unknown_card'
        when c.state <> 'active' then 'card_' || c.state
        when c.valid_until < today() then 'card_expired'
    end;
    if answer.reason is null then
        -- Two seasons may be open together: the one that ends first is spent first. The row is locked before its balance is read for
        -- good, and the condition stands again in the update.
        update wallets set balance_cents = balance_cents - p_amount, version = version + 1
         where id = (select wallets.id from wallets join enrolments on enrolments.id = wallets.enrolment_id
                      where wallets.child_id = c.child_id and wallets.kind = p_wallet_kind
                        and wallets.spend_before > instant() and enrolments.state = 'active'
                        and wallets.balance_cents - wallets.held_cents >= p_amount
                      order by wallets.spend_before, wallets.id limit 1 for update of wallets)
           and balance_cents - held_cents >= p_amount
        returning * into w;
        if w.id is null then
            answer.reason := case
                when exists (select 1 from wallets join enrolments on enrolments.id = wallets.enrolment_id
                              where wallets.child_id = c.child_id and wallets.kind = p_wallet_kind
                                and wallets.spend_before > instant() and enrolments.state = 'active')
                then 'insufficient_funds' else 'no_open_wallet' end;
        end if;
    end if;

    if answer.reason is not null then
        insert into ledger_refusals (client_id, key, fingerprint, reason, merchant_id, card_id, amount_cents, at)
            values (client, p_key, p_fingerprint, answer.reason, merchant, c.id, p_amount, instant());
        return answer;
    end if;

    insert into transfers (id, kind, from_account, to_account, amount_cents, wallet_id, wallet_version, balance_after_cents, at,
                           client_id, key, fingerprint, merchant_id, device_id, activity_label, activity_date,
                           holder_first_name, holder_initial)
        values (p_transfer, 'debit', w.id, merchant_account, p_amount, w.id, w.version, w.balance_cents, instant(),
                client, p_key, p_fingerprint, merchant, client, p_activity_label, p_activity_date, c.first_name, c.initial);
    insert into audit (id, at, request_id, actor_kind, actor_id, action, object_kind, object_id, details)
        values (time_ordered_id(), instant(), p_request, 'device', client, 'debited', 'transfer', p_transfer::text,
                jsonb_build_object('amount_cents', p_amount, 'wallet_id', w.id));
    answer.transfer_id := p_transfer; answer.at := instant(); answer.amount_cents := p_amount; answer.wallet_kind := p_wallet_kind;
    answer.activity_label := p_activity_label; answer.activity_date := p_activity_date;
    answer.holder_first_name := c.first_name; answer.holder_initial := c.initial;
    return answer;
end $$;

-- Gives back all or part of a debit of the caller's merchant, to the wallet it came from. Never more than it took.
create function ledger_refund(p_request uuid, p_transfer uuid, p_key uuid, p_fingerprint bytea, p_debit uuid, p_amount bigint)
    returns ledger_outcome language plpgsql security definer set search_path = public, pg_temp as $$
declare
    client uuid := actor_device();
    merchant uuid := actor_merchant();
    d transfers;
    w wallets;
    answer ledger_outcome;
begin
    if actor_kind() is distinct from 'device' or client is null or merchant is null then
        raise insufficient_privilege using message = 'only a device of a merchant refunds';
    end if;
    answer := ledger_replay(client, p_key, p_fingerprint);
    if answer.replayed then
        return answer;
    end if;
    answer.replayed := false;
    select * into d from transfers where id = p_debit and kind = 'debit' and merchant_id = merchant;
    if not found then
        -- Not this merchant's: as good as absent, and not a line of its journal.
        answer.reason := 'unknown_debit';
        return answer;
    end if;
    -- The wallet's lock comes before the sum: two refunds of one debit cannot both read the same past.
    select * into strict w from wallets where id = d.wallet_id for update;
    if d.amount_cents < p_amount + (select coalesce(sum(amount_cents), 0) from transfers where reverses = d.id) then
        answer.reason := 'exceeds_debit';
        insert into ledger_refusals (client_id, key, fingerprint, reason, merchant_id, card_id, amount_cents, at)
            values (client, p_key, p_fingerprint, answer.reason, merchant, null, p_amount, instant());
        return answer;
    end if;
    update wallets set balance_cents = balance_cents + p_amount, version = version + 1 where id = w.id returning * into w;
    insert into transfers (id, kind, from_account, to_account, amount_cents, wallet_id, wallet_version, balance_after_cents, at,
                           client_id, key, fingerprint, merchant_id, device_id, reverses, activity_label, activity_date,
                           holder_first_name, holder_initial)
        values (p_transfer, 'refund', d.to_account, d.from_account, p_amount, w.id, w.version, w.balance_cents, instant(),
                client, p_key, p_fingerprint, merchant, client, d.id, d.activity_label, d.activity_date,
                d.holder_first_name, d.holder_initial);
    insert into audit (id, at, request_id, actor_kind, actor_id, action, object_kind, object_id, details)
        values (time_ordered_id(), instant(), p_request, 'device', client, 'refunded', 'transfer', p_transfer::text,
                jsonb_build_object('amount_cents', p_amount, 'wallet_id', w.id, 'debit_id', d.id));
    answer.transfer_id := p_transfer; answer.at := instant(); answer.amount_cents := p_amount; answer.wallet_kind := w.kind;
    answer.activity_label := d.activity_label; answer.activity_date := d.activity_date;
    answer.holder_first_name := d.holder_first_name; answer.holder_initial := d.holder_initial;
    return answer;
end $$;

-- What a merchant sees of its operations: never a balance, never a wallet.
create view merchant_operations with (security_barrier = true) as
    select t.id, t.kind, t.amount_cents, t.at, t.key, t.client_id, t.device_id, t.reverses, w.kind as wallet_kind,
           t.activity_label, t.activity_date, t.holder_first_name, t.holder_initial,
           (select coalesce(sum(r.amount_cents), 0)::bigint from transfers r where r.reverses = t.id) as refunded_cents
      from transfers t join wallets w on w.id = t.wallet_id
     where actor_kind() = 'device' and t.merchant_id = actor_merchant();

