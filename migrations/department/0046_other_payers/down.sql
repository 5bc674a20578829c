alter table canteen_cancellations
    drop constraint canteen_cancellations_bill_to,
    drop column bill_to_family_id,
    drop column bill_to_adult_id;
