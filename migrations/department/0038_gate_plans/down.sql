alter function gate_record(boolean, bigint[], date[], timestamptz[], uuid[], boolean[], text[], text[], text[], text[], bytea[])
    reset plan_cache_mode;
alter function gate_look(bytea[], bytea[], uuid[], date[], boolean) reset plan_cache_mode;
