-- Who shall pay for the meals of a bill that went to the wrong payer. A child is in one file: an agent has to say it.

alter table canteen_cancellations
    add column bill_to_family_id uuid constraint canteen_cancellations_to_family_fk references families on delete restrict,
    add column bill_to_adult_id uuid constraint canteen_cancellations_to_adult_fk references canteen_adults on delete restrict,
    add constraint canteen_cancellations_bill_to check (
        case num_nonnulls(bill_to_family_id, bill_to_adult_id)
            when 0 then true when 1 then reason = 'wrong_payer' and bill_again and two_persons else false end);
