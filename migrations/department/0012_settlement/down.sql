drop function payout_statement(uuid);
drop function payout_freeze(uuid, timestamptz, text);
drop function payout_plan(timestamptz);
drop view merchant_lines;
drop table payout_lines;
drop table payouts;
drop table payout_batches;
drop table bank_accounts;
