-- The only ways money moves. They belong to the owner and run as it: the service's own role can read wallets and transfers but change
-- neither, so every movement passes the checks below, whatever the calling code forgot. The order of locks is the same everywhere: the
-- caller's key, the till's minute, the wallets by id, the hold.

-- What a money step answers. `reason` is null when the step was done; `transfer_id` is the hold's when money was only set aside.
create type ledger_outcome as (
    reason text, replayed boolean, transfer_id uuid, at timestamptz, amount_cents bigint, wallet_kind text,
    activity_label text, activity_date date, holder_first_name text, holder_initial text, expires_at timestamptz);

-- Moves money into or out of a locked wallet: the balance, what is held, the wallet's number and the chain, in one step. It runs with the
-- rights of whoever calls it: those of the owner inside the steps below, none that suffice by itself. A wallet that is not as it was read
-- was not locked: the whole transaction begins again.
create function ledger_append(
    w wallets, p_transfer uuid, p_kind text, p_from uuid, p_to uuid, p_amount bigint, p_released bigint, p_client uuid, p_key uuid,
    p_fingerprint bytea, p_merchant uuid, p_reverses uuid, p_hold uuid, p_request uuid, p_grant_kind text, p_reason text,
    p_activity_label text, p_activity_date date, p_first_name text, p_initial text) returns wallets
    language plpgsql as $$
declare
    delta bigint := case when p_to = w.id then p_amount else -p_amount end;
    link bytea := ledger_link(w.head, ledger_body(p_kind, p_transfer, p_from, p_to, p_amount, w.id, w.version + 1,
        w.balance_cents + delta, instant(), p_client, p_key, p_merchant, p_reverses, p_hold, p_request, p_fingerprint,
        coalesce(p_grant_kind, p_reason)));
begin
    update wallets set balance_cents = balance_cents + delta, held_cents = held_cents - p_released, version = version + 1, head = link
     where id = w.id and version = w.version and balance_cents + delta >= held_cents - p_released and held_cents >= p_released
    returning * into w;
    if not found then
        raise serialization_failure using message = 'the wallet is not as it was read';
    end if;
    insert into transfers (id, kind, from_account, to_account, amount_cents, wallet_id, wallet_version, balance_after_cents, at, client_id,
                           key, fingerprint, merchant_id, reverses, hold_id, request_id, grant_kind, reason, activity_label,
                           activity_date, holder_first_name, holder_initial, hash)
        values (p_transfer, p_kind, p_from, p_to, p_amount, w.id, w.version, w.balance_cents, instant(), p_client,
                p_key, p_fingerprint, p_merchant, p_reverses, p_hold, p_request, p_grant_kind, p_reason, p_activity_label,
                p_activity_date, p_first_name, p_initial, link);
    -- A word to the families that asked for one: the worker writes the letter, here only the movement is named.
    if p_kind in ('debit', 'refund') and (select debit_notices from families where id = w.family_id) then
        insert into jobs (id, kind, payload, created_at, run_at)
            values (time_ordered_id(), 'debit_notice', jsonb_build_object('transfer_id', p_transfer), instant(), instant());
    end if;
    return w;
end $$;

-- Credit that came back to a wallet whose season is over is lost at once, by a movement.
create function ledger_lose(w wallets, p_amount bigint, p_request uuid) returns wallets
    language plpgsql as $$
begin
    return ledger_append(w, time_ordered_id(), 'expiry', w.id, (select id from ledger_accounts where kind = 'expired'), p_amount, 0, null,
                         null, null, null, null, null, p_request, null, null, null, null, null, null);
end $$;

-- Sets money of a locked wallet aside.
create function ledger_hold(
    w wallets, p_hold uuid, p_kind text, p_amount bigint, p_merchant uuid, p_client uuid, p_key uuid, p_fingerprint bytea, p_request uuid,
    p_expires_at timestamptz, p_code bytea, p_code_sealed bytea, p_activity_label text, p_activity_date date, p_first_name text,
    p_initial text) returns void language plpgsql as $$
begin
    update wallets set held_cents = held_cents + p_amount
     where id = w.id and version = w.version and balance_cents - held_cents >= p_amount;
    if not found then
        raise serialization_failure using message = 'the wallet is not as it was read';
    end if;
    insert into holds (id, kind, wallet_id, amount_cents, merchant_id, client_id, key, fingerprint, request_id, made_at, expires_at,
                       code_fingerprint, code_sealed, activity_label, activity_date, holder_first_name, holder_initial)
        values (p_hold, p_kind, w.id, p_amount, p_merchant, p_client, p_key, p_fingerprint, p_request, instant(), p_expires_at,
                p_code, p_code_sealed, p_activity_label, p_activity_date, p_first_name, p_initial);
end $$;

-- Opens the wallet of (child, season, kind) and makes one grant, once. Returns whether this call made it.
create function ledger_grant(
    p_request uuid, p_transfer uuid, p_wallet uuid, p_enrolment uuid, p_kind text, p_grant_kind text, p_amount bigint,
    p_spend_before timestamptz, p_capture_before timestamptz)
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
    insert into wallets (id, child_id, family_id, enrolment_id, season, kind, spend_before, capture_before)
        values (p_wallet, e.child_id, e.family_id, e.id, e.season, p_kind, p_spend_before, p_capture_before)
        on conflict on constraint wallets_one_per_season_and_kind do nothing;
    select * into strict w from wallets where child_id = e.child_id and season = e.season and kind = p_kind for update;
    if exists (select 1 from transfers where wallet_id = w.id and grant_kind = p_grant_kind) then
        return false;
    end if;
    -- Who waited here while the season ended looks at the clock again.
    if w.swept_at is not null then
        raise serialization_failure using message = 'the season of this wallet is over';
    end if;
    select id into strict funding from ledger_accounts where kind = 'funding';
    w := ledger_append(w, p_transfer, 'grant', funding, w.id, p_amount, 0, null, null, null, null, null, null, p_request, p_grant_kind,
                       null, null, null, null, null);
    return true;
end $$;

-- What was answered to this client and key before, if anything. Twins wait here for each other.
create function ledger_replay(p_client uuid, p_key uuid, p_fingerprint bytea) returns ledger_outcome
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
        -- Nothing more is asked of a key that was voided: whatever came with it is not done.
        answer.reason := case when r.reason = 'voided' or r.fingerprint = p_fingerprint then r.reason else 'key_reused' end;
        answer.replayed := true;
        return answer;
    end if;
    select * into h from holds where client_id = p_client and key = p_key;
    if found then
        answer.reason := case when h.fingerprint = p_fingerprint then null else 'key_reused' end;
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

-- A refusal is final for its key.
create function ledger_refuse(
    p_client uuid, p_key uuid, p_fingerprint bytea, p_reason text, p_merchant uuid, p_card uuid, p_amount bigint) returns ledger_outcome
    language plpgsql as $$
declare
    answer ledger_outcome;
begin
    insert into ledger_refusals (client_id, key, fingerprint, reason, merchant_id, card_id, amount_cents, at)
        values (p_client, p_key, p_fingerprint, p_reason, p_merchant, p_card, p_amount, instant());
    answer.reason := p_reason;
    answer.replayed := false;
    return answer;
end $$;

-- The two wallets cannot be added together on one activity: whether this child pays, or sets money aside for, this one with the other.
create function ledger_paid_otherwise(p_child uuid, p_wallet_kind text, p_merchant uuid, p_label text, p_date date) returns boolean
    language plpgsql stable as $$
begin
    return exists (
        select 1 from wallets other join transfers t on t.wallet_id = other.id
         where other.child_id = p_child and other.kind <> p_wallet_kind and t.kind = 'debit' and t.merchant_id = p_merchant
           and t.activity_date = p_date and folded(t.activity_label) = folded(p_label)
           and t.amount_cents > (select coalesce(sum(r.amount_cents), 0) from transfers r where r.reverses = t.id))
        or exists (
        select 1 from wallets other join holds h on h.wallet_id = other.id
         where other.child_id = p_child and other.kind <> p_wallet_kind and h.state = 'authorised' and h.merchant_id = p_merchant
           and h.activity_date = p_date and folded(h.activity_label) = folded(p_label));
end $$;

-- What a child's wallets paid or set aside since midnight, less what came back of it.
create function ledger_spent_today(p_child uuid) returns bigint language plpgsql stable as $$
declare
    midnight timestamptz := today()::timestamp at time zone 'Europe/Paris';
begin
    return coalesce((
        select sum(t.amount_cents - (select coalesce(sum(r.amount_cents), 0) from transfers r where r.reverses = t.id))
          from wallets w join transfers t on t.wallet_id = w.id
         where w.child_id = p_child and t.kind = 'debit' and t.at >= midnight), 0)
        + coalesce((
        select sum(h.amount_cents) from wallets w join holds h on h.wallet_id = w.id
         where w.child_id = p_child and h.state = 'authorised' and h.made_at >= midnight), 0);
end $$;

create function ledger_rules_now() returns ledger_rules language plpgsql stable as $$
declare
    rules ledger_rules;
begin
    select * into strict rules from ledger_rules where effective_from <= instant() order by effective_from desc limit 1;
    return rules;
end $$;

-- The merchant's account if its convention for that kind is in force today.
create function ledger_merchant_account(p_merchant uuid, p_wallet_kind text) returns uuid language plpgsql stable as $$
begin
    return (select account_id from affiliations
             where merchant_id = p_merchant and wallet_kind = p_wallet_kind and state = 'active'
               and starts_on <= today() and (ends_on is null or ends_on >= today()));
end $$;

-- Debits the wallet behind a card, or with `p_hold` only sets the money aside: everything in one statement, which may be the whole
-- transaction. The ledger's own lane calls it for callers whose permit it has seen; a device may call it for itself.
create function ledger_debit(
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
            answer.reason := 'above_till_cap';
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

-- A debit that waits in `ledger_debits`, with all that is known of its card and the wallet it would take from.
create type ledger_candidate as (
    ord bigint, account_id uuid, child_id uuid, first_name text, initial text, wallet uuid, version bigint, balance_cents bigint,
    available bigint, head bytea, others uuid[]);

-- Many debits in one statement and one commit: those that are plainly in order, in one sweep. Known card, convention, one open wallet that
-- covers all that is asked of it, nothing said before under the key, no rule that needs a closer look. Nothing is refused here and nothing
-- is done by halves: what is not swept is left untouched for the single step. Questions are named by their place, from 1; those done come
-- with what the till shows of the holder.
create type ledger_swept as (at timestamptz, done bigint[], first_names text[], initials text[]);
create function ledger_debits(
    p_client uuid[], p_merchant uuid[], p_request uuid[], p_transfer uuid[], p_key uuid[], p_fingerprint bytea[], p_card bytea[],
    p_wallet_kind text[], p_amount bigint[], p_activity_label text[], p_activity_date date[])
    returns ledger_swept language plpgsql security definer set search_path = public, pg_temp
    -- The plan is the same for one and for two hundred: it is not made again for each number of them.
    set plan_cache_mode = force_generic_plan as $$
declare
    rules ledger_rules;
    candidates ledger_candidate[];
    swept ledger_swept;
    unmoved bigint;
begin
    swept.at := instant();
    if actor_kind() is distinct from 'ledger' then
        raise insufficient_privilege using message = 'only the ledger itself debits for many';
    end if;
    rules := ledger_rules_now();
    -- What a cap allows depends on what comes before: one after the other.
    if rules.card_day_max_cents is not null or rules.till_minute_max_debits is not null then
        return swept;
    end if;
    perform pg_advisory_xact_lock(h.h)
       from (select distinct hashtextextended(i.client::text || i.key::text, 0) as h
               from unnest(p_client, p_key) as i(client, key) order by h) h;
    -- All open wallets of the children, locked by id and read as they are then.
    with locked as materialized (
        select w.id, w.child_id, w.kind, w.version, w.balance_cents, w.held_cents, w.head, w.spend_before,
               split_part(ch.first_names, ' ', 1) as first_name, left(ch.last_name, 1) as initial, k.code_fingerprint
          from cards k join children ch on ch.id = k.child_id join wallets w on w.child_id = k.child_id
          join enrolments e on e.id = w.enrolment_id join families f on f.id = w.family_id
         where k.code_fingerprint = any(p_card) and k.state = 'active' and k.valid_until >= today()
           and w.spend_before > instant() and e.state = 'active'
           -- The single step leaves a word to those that asked for it.
           and not f.debit_notices
         order by w.id for update of w
    ), item as (
        select *, count(*) over (partition by client, key) as twins
          from unnest(p_client, p_merchant, p_key, p_card, p_wallet_kind, p_amount, p_activity_date) with ordinality
            as i(client, merchant, key, card, wallet_kind, amount, date, ord)
    )
    select array_agg(row(i.ord, a.account_id, w.child_id, w.first_name, w.initial, w.id, w.version, w.balance_cents,
                         w.balance_cents - w.held_cents, w.head,
                         (select array_agg(o.id) from locked o where o.child_id = w.child_id and o.kind <> w.kind
                             and (o.version > 1 or o.held_cents > 0)))::ledger_candidate)
      into candidates
      from item i
      join locked w on w.code_fingerprint = i.card and w.kind = i.wallet_kind
      join affiliations a on a.merchant_id = i.merchant and a.wallet_kind = i.wallet_kind and a.state = 'active'
           and a.starts_on <= today() and (a.ends_on is null or a.ends_on >= today())
     where i.twins = 1 and i.date between today() - interval '1 year' and today() + interval '1 year'
       and i.amount <= coalesce(rules.debit_max_cents, i.amount)
       and not exists (select 1 from locked o where o.child_id = w.child_id and o.kind = w.kind
                          and (o.spend_before, o.id) < (w.spend_before, w.id))
       and not exists (select 1 from ledger_refusals r where r.client_id = i.client and r.key = i.key)
       and not exists (select 1 from holds h where h.client_id = i.client and h.key = i.key);
    -- With a fresh view, after the locks.
    with plain as materialized (
        select c.*, p_client[c.ord] as client, p_merchant[c.ord] as merchant, p_request[c.ord] as request,
               p_transfer[c.ord] as transfer, p_key[c.ord] as key, p_fingerprint[c.ord] as fingerprint, p_amount[c.ord] as amount,
               row_number() over so_far as turn, sum(p_amount[c.ord]) over so_far as so_far,
               sum(p_amount[c.ord]) over (partition by c.wallet) as total,
               min(p_wallet_kind[c.ord]) over (partition by c.child_id) <> max(p_wallet_kind[c.ord]) over (partition by c.child_id)
                   as both_wallets
          from unnest(candidates) c
         where not exists (select 1 from transfers t where t.client_id = p_client[c.ord] and t.key = p_key[c.ord])
           -- `ledger_paid_otherwise`, coarser: a payment for that day to that merchant from another wallet deserves the closer look.
           and (c.others is null or not exists (
                select 1 from transfers t where t.wallet_id = any(c.others) and t.kind = 'debit'
                   and t.merchant_id = p_merchant[c.ord] and t.activity_date = p_activity_date[c.ord]) and not exists (
                select 1 from holds h where h.wallet_id = any(c.others) and h.merchant_id = p_merchant[c.ord]
                   and h.activity_date = p_activity_date[c.ord]))
        window so_far as (partition by c.wallet order by c.ord)
    ), linked as materialized (
        select p.*, ledger_chain(p.head, ledger_body('debit', p.transfer, p.wallet, p.account_id, p.amount, p.wallet,
                   p.version + p.turn, p.balance_cents - p.so_far::bigint, instant(), p.client, p.key, p.merchant, null, null,
                   p.request, p.fingerprint, null)) over (partition by p.wallet order by p.ord) as hash
          from plain p
         where p.total <= p.available and not p.both_wallets
    ), last as (
        select distinct on (wallet) wallet, version, version + turn as new_version, so_far, hash
          from linked order by wallet, turn desc
    ), moved as (
        update wallets w set balance_cents = w.balance_cents - l.so_far, version = l.new_version, head = l.hash
          from last l
         where w.id = l.wallet and w.version = l.version and w.balance_cents - w.held_cents >= l.so_far
        returning w.id
    ), written as (
        insert into transfers (id, kind, from_account, to_account, amount_cents, wallet_id, wallet_version, balance_after_cents, at,
                               client_id, key, fingerprint, merchant_id, request_id, activity_label, activity_date,
                               holder_first_name, holder_initial, hash)
        select l.transfer, 'debit', l.wallet, l.account_id, l.amount, l.wallet, l.version + l.turn, l.balance_cents - l.so_far,
               instant(), l.client, l.key, l.fingerprint, l.merchant, l.request, p_activity_label[l.ord], p_activity_date[l.ord],
               l.first_name, l.initial, l.hash
          from linked l
    )
    select array_agg(ord), array_agg(first_name), array_agg(initial), (select count(*) from last) - (select count(*) from moved)
      into swept.done, swept.first_names, swept.initials, unmoved
      from linked;
    if unmoved <> 0 then
        raise serialization_failure using message = 'a wallet is not as it was read';
    end if;
    return swept;
end $$;

-- Gives back all or part of a debit of the caller's merchant, to the wallet it came from. Never more than it took.
create function ledger_refund(p_request uuid, p_transfer uuid, p_key uuid, p_fingerprint bytea, p_debit uuid, p_amount bigint)
    returns ledger_outcome language plpgsql security definer set search_path = public, pg_temp as $$
declare
    client uuid := actor_device();
    merchant uuid := actor_merchant();
    d transfers;
    w wallets;
    back bigint;
    alone bigint;
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
    select p_amount + coalesce(sum(amount_cents), 0), p_amount + coalesce(sum(amount_cents) filter (where kind = 'refund'), 0)
      into strict back, alone from transfers where reverses = d.id;
    if d.amount_cents < back then
        return ledger_refuse(client, p_key, p_fingerprint, 'exceeds_debit', merchant, null, p_amount);
    end if;
    -- All that the merchant gave back of the debit counts: in two pieces it is as much.
    if alone > (ledger_rules_now()).refund_alone_max_cents then
        return ledger_refuse(client, p_key, p_fingerprint, 'refund_needs_agent', merchant, null, p_amount);
    end if;
    w := ledger_append(w, p_transfer, 'refund', d.to_account, d.from_account, p_amount, 0, client, p_key, p_fingerprint, merchant, d.id,
                       null, p_request, null, null, d.activity_label, d.activity_date, d.holder_first_name, d.holder_initial);
    if w.swept_at is not null then
        w := ledger_lose(w, p_amount, p_request);
    end if;
    answer.transfer_id := p_transfer; answer.at := instant(); answer.amount_cents := p_amount; answer.wallet_kind := w.kind;
    answer.activity_label := d.activity_label; answer.activity_date := d.activity_date;
    answer.holder_first_name := d.holder_first_name; answer.holder_initial := d.holder_initial;
    return answer;
end $$;

-- A family sets money aside, as a ticket that the merchant captures with its code or for a merchant that accepts or declines.
create function ledger_set_aside(
    p_request uuid, p_hold uuid, p_key uuid, p_fingerprint bytea, p_kind text, p_wallet uuid, p_merchant uuid, p_amount bigint,
    p_activity_label text, p_activity_date date, p_code bytea, p_code_sealed bytea)
    returns ledger_outcome language plpgsql security definer set search_path = public, pg_temp as $$
declare
    client uuid := actor_account();
    w wallets;
    ch children;
    e enrolments;
    rules ledger_rules := ledger_rules_now();
    answer ledger_outcome;
begin
    if actor_kind() is distinct from 'guardian' or client is null then
        raise insufficient_privilege using message = 'only a guardian sets money aside';
    end if;
    answer := ledger_replay(client, p_key, p_fingerprint);
    if answer.replayed then
        return answer;
    end if;
    answer.replayed := false;
    select * into w from wallets where id = p_wallet and family_id in (select my_own_families());
    if not found then
        answer.reason := 'unknown_wallet';
        return answer;
    end if;
    if p_activity_date not between today() - interval '1 year' and today() + interval '1 year' then
        answer.reason := 'activity_date';
        return answer;
    end if;
    perform 1 from wallets where child_id = w.child_id and (id = w.id or spend_before > instant()) order by id for update;
    select * into strict w from wallets where id = w.id;
    select * into strict ch from children where id = w.child_id;
    select * into strict e from enrolments where id = w.enrolment_id;
    answer.reason := case
        when w.spend_before <= instant() then 'season_closed'
        when e.state <> 'active' then 'no_open_wallet'
        when p_merchant is not null and ledger_merchant_account(p_merchant, w.kind) is null then 'not_affiliated'
        when p_amount > rules.debit_max_cents then 'above_debit_cap'
        when w.balance_cents - w.held_cents < p_amount then 'insufficient_funds'
        when rules.card_day_max_cents is not null and ledger_spent_today(w.child_id) + p_amount > rules.card_day_max_cents
            then 'above_card_cap'
        when p_merchant is not null and ledger_paid_otherwise(w.child_id, w.kind, p_merchant, p_activity_label, p_activity_date)
            then 'paid_with_other_wallet'
    end;
    if answer.reason is not null then
        return ledger_refuse(client, p_key, p_fingerprint, answer.reason, p_merchant, null, p_amount);
    end if;
    perform ledger_hold(w, p_hold, p_kind, p_amount, p_merchant, client, p_key, p_fingerprint, p_request, w.capture_before, p_code,
                        p_code_sealed, p_activity_label, p_activity_date, split_part(ch.first_names, ' ', 1), left(ch.last_name, 1));
    answer.transfer_id := p_hold; answer.at := instant(); answer.amount_cents := p_amount; answer.wallet_kind := w.kind;
    answer.activity_label := p_activity_label; answer.activity_date := p_activity_date;
    answer.holder_first_name := split_part(ch.first_names, ' ', 1); answer.holder_initial := left(ch.last_name, 1);
    answer.expires_at := w.capture_before;
    return answer;
end $$;

-- Captures all or part of a hold, once; the rest goes back to the available balance, or is lost when the season is over. A ticket is named
-- by its code, anything else by its id. A ticket made without an activity gets the one that the merchant names.
create function ledger_capture(
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

-- Lets a hold go, once: its merchant declines or cancels it, the family cancels what it made, the service when its time is over. Returns
-- the state the hold is in when nothing was done, 'unknown_hold', or null when it was released now.
create function ledger_release(p_request uuid, p_hold uuid) returns text
    language plpgsql security definer set search_path = public, pg_temp as $$
declare
    h holds;
    w wallets;
begin
    select * into h from holds where id = p_hold;
    if not found or not coalesce(case actor_kind()
            when 'system' then true
            when 'device' then h.merchant_id = actor_merchant() and h.kind <> 'ticket'
            when 'guardian' then h.kind <> 'till' and exists (
                select 1 from wallets where id = h.wallet_id and family_id in (select my_own_families()))
            else false end, false) then
        return 'unknown_hold';
    end if;
    select * into strict w from wallets where id = h.wallet_id for update;
    update holds set state = case when actor_kind() = 'system' then 'expired' else 'voided' end, closed_at = instant()
     where id = h.id and state = 'authorised' and (actor_kind() <> 'system' or expires_at <= instant());
    if not found then
        return (select state from holds where id = p_hold);
    end if;
    update wallets set held_cents = held_cents - h.amount_cents where id = w.id returning * into w;
    if w.swept_at is not null then
        w := ledger_lose(w, h.amount_cents, p_request);
    end if;
    return null;
end $$;

-- Undoes what a device's key did, all of what is left of it, or makes sure that it never does anything. What it found: 'nothing' (the key
-- is closed now), 'hold', 'debit', or null when it had been voided before.
create function ledger_void(p_request uuid, p_transfer uuid, p_key uuid) returns text
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
        if t.amount_cents > (ledger_rules_now()).refund_alone_max_cents then
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

-- Reverses all or part of a transfer, for a stated reason: what went one way comes back the other way. Agents only; two persons and the
-- threshold between them are the business of whoever calls. A wallet gives back what is available, no more.
create function ledger_reverse(
    p_request uuid, p_transfer uuid, p_key uuid, p_fingerprint bytea, p_target uuid, p_amount bigint, p_reason text)
    returns ledger_outcome language plpgsql security definer set search_path = public, pg_temp as $$
declare
    client uuid := actor_account();
    t transfers;
    w wallets;
    answer ledger_outcome;
begin
    if actor_kind() is distinct from 'agent' or client is null then
        raise insufficient_privilege using message = 'only an agent reverses';
    end if;
    answer := ledger_replay(client, p_key, p_fingerprint);
    if answer.replayed then
        return answer;
    end if;
    answer.replayed := false;
    select * into t from transfers where id = p_target;
    if not found then
        answer.reason := 'unknown_transfer';
        return answer;
    end if;
    select * into strict w from wallets where id = t.wallet_id for update;
    answer.reason := case
        when t.kind = 'reversal' then 'unknown_transfer'
        when t.amount_cents < p_amount + (select coalesce(sum(amount_cents), 0) from transfers where reverses = t.id) then 'exceeds_transfer'
        when t.to_account = w.id and w.balance_cents - w.held_cents < p_amount then 'insufficient_funds'
    end;
    if answer.reason is not null then
        return ledger_refuse(client, p_key, p_fingerprint, answer.reason, t.merchant_id, null, p_amount);
    end if;
    w := ledger_append(w, p_transfer, 'reversal', t.to_account, t.from_account, p_amount, 0, client, p_key, p_fingerprint, t.merchant_id,
                       t.id, null, p_request, null, p_reason, t.activity_label, t.activity_date, t.holder_first_name, t.holder_initial);
    -- Given back to a season that is over it is lost again, unless the loss itself was the mistake.
    if w.swept_at is not null and t.from_account = w.id and t.kind <> 'expiry' then
        w := ledger_lose(w, p_amount, p_request);
    end if;
    answer.transfer_id := p_transfer; answer.at := instant(); answer.amount_cents := p_amount; answer.wallet_kind := w.kind;
    answer.activity_label := t.activity_label; answer.activity_date := t.activity_date;
    answer.holder_first_name := t.holder_first_name; answer.holder_initial := t.holder_initial;
    return answer;
end $$;

-- Takes back what is available in so many wallets of a season whose last day to spend is over, each once. Returns how many were swept
-- (empty ones too) and the cents lost; none left when it returns 0.
create function ledger_sweep(p_request uuid, p_season text, p_limit integer, out wallets_swept bigint, out lost_cents bigint)
    language plpgsql security definer set search_path = public, pg_temp as $$
declare
    expired uuid;
begin
    if actor_kind() is distinct from 'system' then
        raise insufficient_privilege using message = 'only the service ends a season';
    end if;
    select id into strict expired from ledger_accounts where kind = 'expired';
    with due as materialized (
        select *, time_ordered_id() as transfer from wallets
         where season = p_season and spend_before <= instant() and swept_at is null
         order by id limit p_limit for update
    ), linked as materialized (
        select d.*, balance_cents - held_cents as rest, case when balance_cents > held_cents then
               ledger_link(head, ledger_body('expiry', transfer, id, expired, balance_cents - held_cents, id, version + 1, held_cents,
                                             instant(), null, null, null, null, null, p_request, null, null)) end as hash
          from due d
    ), moved as (
        update wallets w set balance_cents = w.balance_cents - l.rest, swept_at = instant(),
               version = w.version + (l.rest > 0)::int, head = coalesce(l.hash, w.head)
          from linked l where w.id = l.id and w.version = l.version
        returning w.id
    ), written as (
        insert into transfers (id, kind, from_account, to_account, amount_cents, wallet_id, wallet_version, balance_after_cents, at,
                               request_id, hash)
        select l.transfer, 'expiry', l.id, expired, l.rest, l.id, l.version + 1, l.held_cents, instant(), p_request, l.hash
          from linked l join moved m on m.id = l.id where l.rest > 0
        returning amount_cents
    )
    select (select count(*) from moved), coalesce((select sum(amount_cents) from written), 0) into wallets_swept, lost_cents;
end $$;

-- What a merchant sees of its operations: never a balance, never a wallet.
create view merchant_operations with (security_barrier = true) as
    select t.id, t.kind, t.amount_cents, t.at, t.key, t.client_id, t.client_id as device_id, t.reverses, t.hold_id, w.kind as wallet_kind,
           t.activity_label, t.activity_date, t.holder_first_name, t.holder_initial,
           (select coalesce(sum(r.amount_cents), 0)::bigint from transfers r where r.reverses = t.id) as refunded_cents
      from transfers t join wallets w on w.id = t.wallet_id
     where actor_kind() = 'device' and t.merchant_id = actor_merchant();

-- What a merchant sees of the money set aside for it: no code, no wallet. A free ticket is nobody's until it is captured.
create view merchant_holds with (security_barrier = true) as
    select h.id, h.kind, h.amount_cents, h.state, h.captured_cents, h.client_id, h.key, h.made_at, h.expires_at, h.closed_at,
           w.kind as wallet_kind, h.activity_label, h.activity_date, h.holder_first_name, h.holder_initial
      from holds h join wallets w on w.id = h.wallet_id
     where actor_kind() = 'device' and h.merchant_id = actor_merchant();
