alter table canteen_closures drop constraint canteen_closures_once;
drop index canteen_operators_one_name;
