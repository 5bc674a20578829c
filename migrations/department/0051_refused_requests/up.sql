-- A refused request ends the canteen until it is sent again: that is no departure.
alter table canteen_enrolments
    drop constraint canteen_enrolments_end_reason,
    add constraint canteen_enrolments_end_reason
        check (end_reason in ('at_familys_wish', 'changed_college', 'left_scheme', 'request_refused', 'by_department'));
