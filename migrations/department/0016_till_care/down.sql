-- The functions keep their signatures and stay: without them a merchant would only be refused what it is now granted.
drop view device_keys;
drop view merchant_operations;
create view merchant_operations with (security_barrier = true) as
    select t.id, t.kind, t.amount_cents, t.at, t.key, t.client_id, t.client_id as device_id, t.reverses, t.hold_id, w.kind as wallet_kind,
           t.activity_label, t.activity_date, t.holder_first_name, t.holder_initial,
           (select coalesce(sum(r.amount_cents), 0)::bigint from transfers r where r.reverses = t.id) as refunded_cents,
           (select d.state from disputes d where d.transfer_id = t.id) as dispute_state
      from transfers t join wallets w on w.id = t.wallet_id
     where actor_kind() = 'device' and t.merchant_id = actor_merchant();
