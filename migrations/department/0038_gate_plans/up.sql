-- Gates wait for the answer: their doors are planned once a connection, as the ledger's are, and not again for each card.
alter function gate_look(bytea[], bytea[], uuid[], date[], boolean) set plan_cache_mode = force_generic_plan;
alter function gate_record(boolean, bigint[], date[], timestamptz[], uuid[], boolean[], text[], text[], text[], text[], bytea[])
    set plan_cache_mode = force_generic_plan;
