drop view ledger_entries;
drop table ledger_refusals, transfers, wallets, ledger_accounts;
