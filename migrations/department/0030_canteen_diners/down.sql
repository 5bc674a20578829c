drop table canteen_care_plans, canteen_rates, canteen_means, canteen_meals, canteen_enrolments, canteen_adults;
