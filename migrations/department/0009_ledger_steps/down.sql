drop function card_holder(bytea);
drop view merchant_operations;
drop function ledger_refund(uuid, uuid, uuid, bytea, uuid, bigint);
drop function ledger_debit(uuid, uuid, uuid, bytea, bytea, text, bigint, text, date);
drop function ledger_replay(uuid, uuid, bytea);
drop type ledger_outcome;
drop function ledger_grant(uuid, uuid, uuid, text, text, bigint, timestamptz);
