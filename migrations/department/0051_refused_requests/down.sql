update canteen_enrolments set end_reason = 'left_scheme' where end_reason = 'request_refused';
alter table canteen_enrolments
    drop constraint canteen_enrolments_end_reason,
    add constraint canteen_enrolments_end_reason
        check (end_reason in ('at_familys_wish', 'changed_college', 'left_scheme', 'by_department'));
