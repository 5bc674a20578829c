drop table canteen_closures, canteen_calendars;
