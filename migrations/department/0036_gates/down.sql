drop function kitchen_care(), canteen_forecast(date, date), gate_list(),
    gate_record(boolean, bigint[], date[], timestamptz[], uuid[], boolean[], text[], text[], text[], text[], bytea[]),
    gate_look(bytea[], bytea[], uuid[], date[], boolean), gate_gaps(integer), gate_sent(bigint[]), canteen_passage_taken(date);
drop index canteen_meals_reserved;
drop table canteen_passages, canteen_day_codes, canteen_gate_rules, canteen_operator_sites, canteen_operators;
drop function my_sites(date), actor_operator();
