drop function canteen_seen_by_gate(uuid, date);
