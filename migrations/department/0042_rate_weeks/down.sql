alter table canteen_rates drop column days_a_week;
