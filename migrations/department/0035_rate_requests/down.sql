drop table canteen_rate_request_steps, canteen_rate_request_children, canteen_rate_requests;
delete from authority_calls where enrolment_id is null;
drop index authority_calls_request;
alter table authority_calls drop constraint authority_calls_matter;
alter table authority_calls drop column request_id;
alter table authority_calls alter enrolment_id set not null;
