drop table canteen_grids;
drop function canteen_grids_stay();
drop function canteen_must_be_offered();
drop function canteen_offered(text, date);
drop table canteen_colleges;
drop table canteen_services;
