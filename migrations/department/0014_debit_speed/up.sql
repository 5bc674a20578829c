-- A debit costs the same however much its merchant sold before: what a child's other wallet paid is found by the wallet, of which there are
-- some lines, never by the merchant, of which there may be a hundred thousand. And the sweep of many debits grows in proportion to them.

-- Few families ask for a word at each debit: whether this one did is asked of a small index.
create index families_debit_notices on families (id) where debit_notices;

-- The two wallets cannot be added together on one activity: whether this child pays, or sets money aside for, this one with the other.
-- `is not distinct from` keeps the merchant's index out of the plan.
create or replace function ledger_paid_otherwise(p_child uuid, p_wallet_kind text, p_merchant uuid, p_label text, p_date date) returns boolean
    language plpgsql stable as $$
begin
    return exists (
        select 1 from wallets other join transfers t on t.wallet_id = other.id
         where other.child_id = p_child and other.kind <> p_wallet_kind and t.kind = 'debit'
           and t.merchant_id is not distinct from p_merchant and t.activity_date = p_date and folded(t.activity_label) = folded(p_label)
           and t.amount_cents > (select coalesce(sum(r.amount_cents), 0) from transfers r where r.reverses = t.id))
        or exists (
        select 1 from wallets other join holds h on h.wallet_id = other.id
         where other.child_id = p_child and other.kind <> p_wallet_kind and h.state = 'authorised'
           and h.merchant_id is not distinct from p_merchant and h.activity_date = p_date and folded(h.activity_label) = folded(p_label));
end $$;

-- Many debits in one statement and one commit: those that are plainly in order, in one sweep. Known card, convention, one open wallet that
-- covers all that is asked of it, nothing said before under the key, no rule that needs a closer look. Nothing is refused here and nothing
-- is done by halves: what is not swept is left untouched for the single step. Questions are named by their place, from 1; those done come
-- with what the till shows of the holder.
create or replace function ledger_debits(
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
    day date := today();
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
    -- All open wallets of the children, locked by id and read as they are then: what is said of one depends on what the other paid.
    with item as (
        select *, count(*) over (partition by client, key) as twins
          from unnest(p_client, p_merchant, p_key, p_card, p_wallet_kind, p_amount, p_activity_date) with ordinality
            as i(client, merchant, key, card, wallet_kind, amount, date, ord)
    ), locked as materialized (
        select i.ord, i.client, i.key, i.merchant, i.wallet_kind, w.id, w.child_id, w.kind, w.family_id, w.enrolment_id, w.version,
               w.balance_cents, w.held_cents, w.head, w.spend_before, split_part(ch.first_names, ' ', 1) as first_name,
               left(ch.last_name, 1) as initial
          from item i
          join cards k on k.code_fingerprint = i.card and k.state = 'active' and k.valid_until >= day
          join children ch on ch.id = k.child_id
          join wallets w on w.child_id = k.child_id and w.spend_before > swept.at
         where i.twins = 1 and i.date between day - interval '1 year' and day + interval '1 year'
           and i.amount <= coalesce(rules.debit_max_cents, i.amount)
         order by w.id for update of w
    ), wallet as (
        select l.*, rank() over (partition by l.ord, l.kind order by l.spend_before, l.id) as turn,
               array_agg(l.id) filter (where l.version > 1 or l.held_cents > 0) over (partition by l.ord) as moved
          from locked l
    )
    select array_agg(row(w.ord, a.account_id, w.child_id, w.first_name, w.initial, w.id, w.version, w.balance_cents,
                         w.balance_cents - w.held_cents, w.head, nullif(array_remove(w.moved, w.id), '{}'))::ledger_candidate)
      into candidates
      from wallet w
      join affiliations a on a.merchant_id = w.merchant and a.wallet_kind = w.wallet_kind and a.state = 'active'
           and a.starts_on <= day and (a.ends_on is null or a.ends_on >= day)
      join enrolments e on e.id = w.enrolment_id and e.state = 'active'
     where w.kind = w.wallet_kind and w.turn = 1
       -- The single step leaves a word to those that asked for it.
       and not exists (select 1 from families f where f.id = w.family_id and f.debit_notices)
       and not exists (select 1 from ledger_refusals r where r.client_id = w.client and r.key = w.key)
       and not exists (select 1 from holds h where h.client_id = w.client and h.key = w.key);
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
                   and t.merchant_id is not distinct from p_merchant[c.ord] and t.activity_date = p_activity_date[c.ord]) and not exists (
                select 1 from holds h where h.wallet_id = any(c.others) and h.merchant_id is not distinct from p_merchant[c.ord]
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
