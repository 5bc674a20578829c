-- A rate was set for so many days a week: whoever sets it anew later, for a day long past, takes those of that day and not of today.
alter table canteen_rates
    add column days_a_week smallint constraint canteen_rates_days_a_week check (days_a_week between 1 and 5);
