-- What tills asked for after trying: an answer that may be asked again, a void that works at the counter, reads that name nobody.
--
-- A key of zeros stands for none in the links of the chain; the service refuses it where keys are read. The table of transfers is left
-- alone: one more check would be paid by every debit, for what no caller can send.

-- What was answered to this client and key before, if anything. Twins wait here for each other.
create or replace function ledger_replay(p_client uuid, p_key uuid, p_fingerprint bytea) returns ledger_outcome
    language plpgsql as $$
declare
    t transfers;
    h holds;
    r ledger_refusals;
    answer ledger_outcome;
begin
    perform pg_advisory_xact_lock(hashtextextended(p_client::text || p_key::text, 0));
    if not exists (select 1 from transfers where client_id = p_client and key = p_key)
            and not exists (select 1 from ledger_refusals where client_id = p_client and key = p_key)
            and not exists (select 1 from holds where client_id = p_client and key = p_key) then
        return null;
    end if;
    select * into t from transfers where client_id = p_client and key = p_key;
    if found then
        -- A debit given back by the void of its key reads as one that the void forestalled: a till that asks again learns that it is not paid.
        answer.reason := case
            when t.kind = 'debit' and exists (select 1 from transfers v where v.reverses = t.id and v.reason = 'voided') then 'voided'
            when t.fingerprint is distinct from p_fingerprint then 'key_reused'
        end;
        answer.replayed := true;
        answer.transfer_id := t.id; answer.at := t.at; answer.amount_cents := t.amount_cents;
        answer.wallet_kind := (select kind from wallets where id = t.wallet_id);
        answer.activity_label := t.activity_label; answer.activity_date := t.activity_date;
        answer.holder_first_name := t.holder_first_name; answer.holder_initial := t.holder_initial;
        return answer;
    end if;
    select * into r from ledger_refusals where client_id = p_client and key = p_key;
    if found then
        -- Nothing more is asked of a key that was voided: whatever came with it is not done.
        answer.reason := case when r.reason = 'voided' or r.fingerprint = p_fingerprint then r.reason else 'key_reused' end;
        answer.replayed := true;
        return answer;
    end if;
    select * into h from holds where client_id = p_client and key = p_key;
    if found then
        answer.reason := case
            when h.kind = 'till' and h.state = 'voided' then 'voided'
            when h.fingerprint is distinct from p_fingerprint then 'key_reused'
        end;
        answer.replayed := true;
        answer.transfer_id := h.id; answer.at := h.made_at; answer.amount_cents := h.amount_cents;
        answer.wallet_kind := (select kind from wallets where id = h.wallet_id);
        answer.activity_label := h.activity_label; answer.activity_date := h.activity_date;
        answer.holder_first_name := h.holder_first_name; answer.holder_initial := h.holder_initial;
        answer.expires_at := h.expires_at;
        return answer;
    end if;
    return null;
end $$;

-- Debits the wallet behind a card, or with `p_hold` only sets the money aside: everything in one statement, which may be the whole
-- transaction. The ledger's own lane calls it for callers whose permit it has seen; a device may call it for itself.
create or replace function ledger_debit(
    p_client uuid, p_merchant uuid, p_request uuid, p_transfer uuid, p_key uuid, p_fingerprint bytea, p_card bytea, p_wallet_kind text,
    p_amount bigint, p_activity_label text, p_activity_date date, p_hold boolean)
    returns ledger_outcome language plpgsql security definer set search_path = public, pg_temp
    set plan_cache_mode = force_generic_plan as $$
declare
    c record;
    one wallets;
    w wallets;
    open_wallets integer := 0;
    others_moved boolean := false;
    answer ledger_outcome;
begin
    if not coalesce(actor_kind() = 'ledger'
            or (actor_kind() = 'device' and p_client = actor_device() and p_merchant = actor_merchant()), false) then
        raise insufficient_privilege using message = 'only a device of a merchant debits';
    end if;
    answer := ledger_replay(p_client, p_key, p_fingerprint);
    if answer.replayed then
        return answer;
    end if;
    answer.replayed := false;
    -- After the replay: what was bought long ago could not be bought today. Like any wrong field it leaves no trace under the key.
    if p_activity_date not between today() - interval '1 year' and today() + interval '1 year' then
        answer.reason := 'activity_date';
        return answer;
    end if;

    select k.id, k.child_id, k.state, k.valid_until, split_part(h.first_names, ' ', 1) as first_name, left(h.last_name, 1) as initial,
           a.account_id, r.debit_max_cents, r.card_day_max_cents, r.till_minute_max_debits, r.till_hold_minutes
      into strict c
      from (select * from ledger_rules where effective_from <= instant() order by effective_from desc limit 1) r
      left join (cards k join children h on h.id = k.child_id) on k.code_fingerprint = p_card
      left join affiliations a on a.merchant_id = p_merchant and a.wallet_kind = p_wallet_kind and a.state = 'active'
           and a.starts_on <= today() and (a.ends_on is null or a.ends_on >= today());
    answer.reason := case
        when c.account_id is null then 'not_affiliated'
        when p_amount > c.debit_max_cents then 'above_debit_cap'
        when c.id is null then 'unknown_card'
        when c.state <> 'active' then 'card_' || c.state
        when c.valid_until < today() then 'card_expired'
    end;
    if answer.reason is null and c.till_minute_max_debits is not null then
        insert into till_minutes as m (client_id, minute, debits) values (p_client, date_trunc('minute', instant()), 1)
            on conflict (client_id) do update
               set debits = case when m.minute = excluded.minute then m.debits + 1 else 1 end, minute = excluded.minute;
        if (select debits > c.till_minute_max_debits from till_minutes where client_id = p_client) then
            -- Nothing against the debit: the till sends it again, under the same key, in the next minute.
            answer.reason := 'above_till_cap';
            return answer;
        end if;
    end if;
    if answer.reason is null then
        -- All open wallets of the child are locked, by id, as they are read: what is said of one depends on what the other paid. Two
        -- seasons may be open together: the one that ends first is spent first.
        for one in select wallets.* from wallets join enrolments on enrolments.id = wallets.enrolment_id
                    where wallets.child_id = c.child_id and wallets.spend_before > instant() and enrolments.state = 'active'
                    order by wallets.id for update of wallets
        loop
            if one.kind <> p_wallet_kind then
                others_moved := others_moved or one.version > 1 or one.held_cents > 0;
            else
                open_wallets := open_wallets + 1;
                if one.balance_cents - one.held_cents >= p_amount and (w.id is null or one.spend_before < w.spend_before) then
                    w := one;
                end if;
            end if;
        end loop;
        answer.reason := case
            when open_wallets = 0 then 'no_open_wallet'
            when w.id is null then 'insufficient_funds'
        end;
        if answer.reason is null and others_moved
                and ledger_paid_otherwise(c.child_id, p_wallet_kind, p_merchant, p_activity_label, p_activity_date) then
            answer.reason := 'paid_with_other_wallet';
        end if;
        if answer.reason is null and c.card_day_max_cents is not null
                and ledger_spent_today(c.child_id) + p_amount > c.card_day_max_cents then
            answer.reason := 'above_card_cap';
        end if;
    end if;
    if answer.reason is not null then
        return ledger_refuse(p_client, p_key, p_fingerprint, answer.reason, p_merchant, c.id, p_amount);
    end if;

    if p_hold then
        answer.expires_at := least(instant() + make_interval(mins => c.till_hold_minutes), w.capture_before);
        perform ledger_hold(w, p_transfer, 'till', p_amount, p_merchant, p_client, p_key, p_fingerprint, p_request, answer.expires_at,
                            null, null, p_activity_label, p_activity_date, c.first_name, c.initial);
    else
        w := ledger_append(w, p_transfer, 'debit', w.id, c.account_id, p_amount, 0, p_client, p_key, p_fingerprint, p_merchant, null,
                           null, p_request, null, null, p_activity_label, p_activity_date, c.first_name, c.initial);
    end if;
    answer.transfer_id := p_transfer; answer.at := instant(); answer.amount_cents := p_amount; answer.wallet_kind := p_wallet_kind;
    answer.activity_label := p_activity_label; answer.activity_date := p_activity_date;
    answer.holder_first_name := c.first_name; answer.holder_initial := c.initial;
    return answer;
end $$;

-- Captures all or part of a hold, once; the rest goes back to the available balance, or is lost when the season is over. A ticket is named
-- by its code, anything else by its id. A ticket made without an activity gets the one that the merchant names.
create or replace function ledger_capture(
    p_request uuid, p_transfer uuid, p_key uuid, p_fingerprint bytea, p_hold uuid, p_code bytea, p_amount bigint,
    p_activity_label text, p_activity_date date)
    returns ledger_outcome language plpgsql security definer set search_path = public, pg_temp as $$
declare
    client uuid := actor_device();
    merchant uuid := actor_merchant();
    merchant_account uuid;
    h holds;
    w wallets;
    label text;
    day date;
    answer ledger_outcome;
begin
    if actor_kind() is distinct from 'device' or client is null or merchant is null then
        raise insufficient_privilege using message = 'only a device of a merchant captures';
    end if;
    answer := ledger_replay(client, p_key, p_fingerprint);
    if answer.replayed then
        return answer;
    end if;
    answer.replayed := false;
    -- Two statements: each by its own index.
    if p_code is null then
        select * into h from holds where id = p_hold and merchant_id = merchant and kind <> 'ticket';
    else
        select * into h from holds where code_fingerprint = p_code and coalesce(merchant_id, merchant) = merchant;
    end if;
    if h.id is null then
        answer.reason := 'unknown_hold';
        return answer;
    end if;
    perform 1 from wallets where child_id = (select child_id from wallets where id = h.wallet_id)
        and (id = h.wallet_id or spend_before > instant()) order by id for update;
    select * into strict w from wallets where id = h.wallet_id;
    select * into strict h from holds where id = h.id for update;
    merchant_account := ledger_merchant_account(merchant, w.kind);
    label := coalesce(h.activity_label, p_activity_label);
    day := coalesce(h.activity_date, p_activity_date);
    if label is null or day is null then
        answer.reason := 'activity_missing';
        return answer;
    end if;
    if h.activity_date is null and day not between today() - interval '1 year' and today() + interval '1 year' then
        answer.reason := 'activity_date';
        return answer;
    end if;
    answer.reason := case
        when h.state <> 'authorised' then 'hold_' || h.state
        when h.expires_at <= instant() then 'hold_expired'
        when p_amount > h.amount_cents then 'exceeds_hold'
        -- A family that sent a sum is told that it was accepted, or declined: not that some of it was.
        when h.kind = 'remote' and p_amount < h.amount_cents then 'remote_in_part'
        -- What the family wrote on its ticket is what it pays for; a till may repeat it, not change it.
        when folded(p_activity_label) <> folded(h.activity_label) or p_activity_date <> h.activity_date then 'other_activity'
        when merchant_account is null then 'not_affiliated'
        -- What was set aside for one merchant and activity was looked at then.
        when (h.merchant_id is null or h.activity_label is null or h.activity_date is null)
             and ledger_paid_otherwise(w.child_id, w.kind, merchant, label, day) then 'paid_with_other_wallet'
    end;
    if answer.reason is not null then
        return ledger_refuse(client, p_key, p_fingerprint, answer.reason, merchant, null, p_amount);
    end if;
    update holds set state = 'captured', captured_cents = p_amount, closed_at = instant() where id = h.id and state = 'authorised';
    if not found then
        raise serialization_failure using message = 'the hold is not as it was read';
    end if;
    w := ledger_append(w, p_transfer, 'debit', w.id, merchant_account, p_amount, h.amount_cents, client, p_key, p_fingerprint, merchant,
                       null, h.id, p_request, null, null, label, day, h.holder_first_name, h.holder_initial);
    if w.swept_at is not null and h.amount_cents > p_amount then
        w := ledger_lose(w, h.amount_cents - p_amount, p_request);
    end if;
    answer.transfer_id := p_transfer; answer.at := instant(); answer.amount_cents := p_amount; answer.wallet_kind := w.kind;
    answer.activity_label := label; answer.activity_date := day;
    answer.holder_first_name := h.holder_first_name; answer.holder_initial := h.holder_initial;
    return answer;
end $$;

-- Undoes what a device's key did, all of what is left of it, or makes sure that it never does anything. What it found: 'nothing' (the key
-- is closed now), 'hold', 'debit', or null when it had been voided before.
create or replace function ledger_void(p_request uuid, p_transfer uuid, p_key uuid) returns text
    language plpgsql security definer set search_path = public, pg_temp as $$
declare
    client uuid := actor_device();
    merchant uuid := actor_merchant();
    t transfers;
    h holds;
    w wallets;
    refused text;
    rest bigint;
begin
    if actor_kind() is distinct from 'device' or client is null or merchant is null then
        raise insufficient_privilege using message = 'only a device of a merchant voids';
    end if;
    perform pg_advisory_xact_lock(hashtextextended(client::text || p_key::text, 0));
    select * into t from transfers where client_id = client and key = p_key;
    if found then
        if t.kind <> 'debit' then
            return 'not_a_debit';
        end if;
        select * into strict w from wallets where id = t.wallet_id for update;
        rest := t.amount_cents - (select coalesce(sum(amount_cents), 0) from transfers where reverses = t.id);
        if rest = 0 then
            return null;
        end if;
        -- A sale just made is undone whatever it cost: the customer still stands at the counter. Later it is a refund like any other.
        if t.at <= instant() - interval '1 hour' and t.amount_cents > (ledger_rules_now()).refund_alone_max_cents then
            return 'refund_needs_agent';
        end if;
        w := ledger_append(w, p_transfer, 'refund', t.to_account, t.from_account, rest, 0, client, null, null, merchant, t.id, null,
                           p_request, null, 'voided', t.activity_label, t.activity_date, t.holder_first_name, t.holder_initial);
        if w.swept_at is not null then
            w := ledger_lose(w, rest, p_request);
        end if;
        return 'debit';
    end if;
    select * into h from holds where client_id = client and key = p_key;
    if found then
        refused := ledger_release(p_request, h.id);
        return case when refused is null then 'hold' when refused = 'voided' then null else 'hold_' || refused end;
    end if;
    select reason into refused from ledger_refusals where client_id = client and key = p_key;
    if found then
        -- Refused or voided: it moved nothing and never will.
        return case when refused = 'voided' then null else 'nothing' end;
    end if;
    insert into ledger_refusals (client_id, key, reason, merchant_id, at) values (client, p_key, 'voided', merchant, instant());
    return 'nothing';
end $$;

-- A reversal is an agent's, who is nobody's business at a counter; its sum is signed as the merchant counts it.
create or replace view merchant_operations with (security_barrier = true) as
    select t.id, t.kind, t.amount_cents, t.at, case when t.kind <> 'reversal' then t.key end as key,
           case when t.kind <> 'reversal' then t.client_id end as client_id,
           case when t.kind <> 'reversal' then t.client_id end as device_id, t.reverses, t.hold_id, w.kind as wallet_kind,
           t.activity_label, t.activity_date, t.holder_first_name, t.holder_initial,
           (select coalesce(sum(r.amount_cents), 0)::bigint from transfers r where r.reverses = t.id) as refunded_cents,
           (select d.state from disputes d where d.transfer_id = t.id) as dispute_state,
           case when t.to_account = t.wallet_id then -t.amount_cents else t.amount_cents end as merchant_cents
      from transfers t join wallets w on w.id = t.wallet_id
     where actor_kind() = 'device' and t.merchant_id = actor_merchant();

-- What a device's own keys moved, found by its index; and those under which nothing moved and nothing will: no card, no reason.
create view device_keys with (security_barrier = true) as
    select t.key, t.id as transfer_id, t.kind = 'debit' and exists (
               select 1 from transfers r where r.reverses = t.id and r.reason = 'voided') as voided
      from transfers t where actor_kind() = 'device' and t.client_id = actor_device() and t.key is not null
    union all
    select r.key, null, r.reason = 'voided'
      from ledger_refusals r where actor_kind() = 'device' and r.client_id = actor_device();
