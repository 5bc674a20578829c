drop policy canteen_closures_apply on canteen_closures;
drop index canteen_closures_to_apply;
alter table canteen_closures drop column applied_until;
