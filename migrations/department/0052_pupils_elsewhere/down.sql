update canteen_enrolments set end_reason = 'left_scheme' where end_reason = 'pupil_elsewhere';
alter table canteen_enrolments
    drop constraint canteen_enrolments_end_reason,
    add constraint canteen_enrolments_end_reason
        check (end_reason in ('at_familys_wish', 'changed_college', 'left_scheme', 'request_refused', 'by_department'));
drop function pupil_is_elsewhere(uuid, text);
