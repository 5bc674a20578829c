-- A request that nobody decided ends with its season.
alter table canteen_rate_requests
    drop constraint canteen_rate_requests_state,
    add constraint canteen_rate_requests_state
        check (state in ('in_progress', 'number_needed', 'document_needed', 'decided', 'withdrawn', 'expired')),
    drop constraint canteen_rate_requests_closed,
    add constraint canteen_rate_requests_closed check ((state in ('decided', 'withdrawn', 'expired')) = (closed_at is not null));
alter table canteen_rate_request_steps
    drop constraint canteen_rate_request_steps_step,
    add constraint canteen_rate_request_steps_step
        check (step in ('requested', 'unavailable', 'number_needed', 'number_given', 'document_needed', 'decided', 'withdrawn', 'expired'));
