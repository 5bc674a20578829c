-- Requests for a reduced rate: what a guardian ticked, where it stands, and what was decided. Of an income nothing lies here: a tax number
-- lives in the memory of the process that took it, and means are kept apart.

-- A call is about an enrolment, or about such a request.
alter table authority_calls alter enrolment_id drop not null;
alter table authority_calls add request_id uuid;
alter table authority_calls add constraint authority_calls_matter check (num_nonnulls(enrolment_id, request_id) = 1);
create index authority_calls_request on authority_calls (request_id, at) where request_id is not null;

create table canteen_rate_requests (
    id uuid primary key,
    family_id uuid not null constraint canteen_rate_requests_family_fk references families on delete restrict,
    season text not null,
    -- The tick: which text was read, by whom, when.
    text_version text not null,
    requested_by uuid not null,
    requested_at timestamptz not null,
    -- Who is asked; `document`: nobody.
    way text not null constraint canteen_rate_requests_way check (way in ('tax_administration', 'family_benefits', 'document')),
    -- Tax households of the parents: a second notice is never forgotten.
    households smallint constraint canteen_rate_requests_households check (households in (1, 2)),
    state text not null constraint canteen_rate_requests_state
        check (state in ('in_progress', 'number_needed', 'document_needed', 'decided', 'withdrawn')),
    -- How often numbers were given.
    inquiries smallint not null,
    -- The question in the memory of a process, and how long that process is believed to be there.
    inquiry_id uuid,
    held_until timestamptz,
    -- Whom the CAF or the MSA is asked about, until it has answered.
    identity_sealed bytea,
    next_try_at timestamptz,
    attempts integer not null default 0 constraint canteen_rate_requests_attempts check (attempts >= 0),
    -- The call under way, or the last one.
    call_id uuid,
    -- What the administration's last word was, without its figures.
    answer text constraint canteen_rate_requests_answer
        check (answer in ('computed', 'partial', 'odd', 'not_found', 'ambiguous', 'unavailable', 'refused', 'given_up')),
    answer_detail text,
    answered_at timestamptz,
    -- Where the decision comes from, and which year or month its figures are of.
    source text constraint canteen_rate_requests_source check (source in ('tax_administration', 'family_benefits', 'document', 'nothing')),
    income_year smallint,
    income_month smallint constraint canteen_rate_requests_month check (income_month between 1 and 12),
    is_year_before boolean,
    decided_by uuid,
    closed_at timestamptz,
    reason text constraint canteen_rate_requests_reason
        check (reason in ('no_document', 'illegible', 'incomplete', 'other_household', 'wrong_year', 'other')),
    note text,
    version integer not null default 1,
    constraint canteen_rate_requests_taxed check ((way = 'tax_administration') = (households is not null)),
    constraint canteen_rate_requests_held check (
        (way = 'tax_administration' and state = 'in_progress') = (held_until is not null) and (held_until is null) = (inquiry_id is null)),
    constraint canteen_rate_requests_identity check (
        (way = 'family_benefits' and state = 'in_progress') = (identity_sealed is not null)
        and (identity_sealed is null or next_try_at is not null)),
    constraint canteen_rate_requests_asked check (state <> 'in_progress' or way <> 'document'),
    constraint canteen_rate_requests_closed check ((state in ('decided', 'withdrawn')) = (closed_at is not null)),
    constraint canteen_rate_requests_decided check ((state = 'decided') = (source is not null)),
    constraint canteen_rate_requests_nothing check ((source is not distinct from 'nothing') = (reason is not null))
);
create index canteen_rate_requests_family on canteen_rate_requests (family_id, id);
create index canteen_rate_requests_open on canteen_rate_requests (id) where closed_at is null;
create index canteen_rate_requests_due on canteen_rate_requests (next_try_at) where identity_sealed is not null;
create index canteen_rate_requests_leases on canteen_rate_requests (held_until) where held_until is not null;
alter table canteen_rate_requests enable row level security;
-- Neither collèges nor finance see that somebody asked.
create policy canteen_rate_requests_read on canteen_rate_requests for select
    using (actor_instructs() or family_id in (select my_families()));
create policy canteen_rate_requests_insert on canteen_rate_requests for insert
    with check (requested_by = actor_account() and family_id in (select my_own_families()) and state in ('in_progress', 'document_needed'));
-- Families give a number again and withdraw; they decide nothing.
create policy canteen_rate_requests_update on canteen_rate_requests for update
    using (closed_at is null and (actor_instructs() or family_id in (select my_own_families())))
    with check (actor_instructs() or (family_id in (select my_own_families()) and state in ('in_progress', 'withdrawn')));

-- The children that a request is for, with their rates before and after.
create table canteen_rate_request_children (
    request_id uuid not null constraint canteen_rate_request_children_request_fk references canteen_rate_requests on delete restrict,
    child_id uuid not null constraint canteen_rate_request_children_child_fk references children on delete restrict,
    family_id uuid not null,
    season text not null,
    -- The first day of the rate that is asked for.
    starts_on date not null,
    before_id uuid constraint canteen_rate_request_children_before_fk references canteen_rates on delete restrict,
    after_id uuid constraint canteen_rate_request_children_after_fk references canteen_rates on delete restrict,
    closed_at timestamptz,
    constraint canteen_rate_request_children_pk primary key (request_id, child_id)
);
create unique index canteen_rate_request_children_one_open on canteen_rate_request_children (child_id, season) where closed_at is null;
alter table canteen_rate_request_children enable row level security;
create policy canteen_rate_request_children_read on canteen_rate_request_children for select
    using (actor_instructs() or family_id in (select my_families()));
create policy canteen_rate_request_children_insert on canteen_rate_request_children for insert
    with check (family_id in (select my_own_families())
        and exists (select 1 from children c where c.id = child_id and c.family_id = canteen_rate_request_children.family_id));
create policy canteen_rate_request_children_update on canteen_rate_request_children for update
    using (closed_at is null and (actor_instructs() or family_id in (select my_own_families())))
    with check (actor_instructs() or (family_id in (select my_own_families()) and num_nonnulls(before_id, after_id) = 0));

-- What happened to a request, for whoever follows it.
create table canteen_rate_request_steps (
    id uuid primary key,
    request_id uuid not null constraint canteen_rate_request_steps_request_fk references canteen_rate_requests on delete restrict,
    family_id uuid not null,
    step text not null constraint canteen_rate_request_steps_step
        check (step in ('requested', 'unavailable', 'number_needed', 'number_given', 'document_needed', 'decided', 'withdrawn')),
    at timestamptz not null
);
create index canteen_rate_request_steps_request on canteen_rate_request_steps (request_id, id);
alter table canteen_rate_request_steps enable row level security;
create policy canteen_rate_request_steps_read on canteen_rate_request_steps for select
    using (actor_instructs() or family_id in (select my_families()));
create policy canteen_rate_request_steps_insert on canteen_rate_request_steps for insert
    with check (actor_instructs() or (family_id in (select my_own_families())
        and step in ('requested', 'number_given', 'document_needed', 'withdrawn')));
