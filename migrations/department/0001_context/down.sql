drop function today(), instant(), time_ordered_id(), folded(text), actor_is_department(), actor_merchant(), actor_device(), actor_college(), actor_account(), actor_kind();
