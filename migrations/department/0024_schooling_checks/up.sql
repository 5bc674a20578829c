-- What the State's service of schooling is asked and answers: it helps the people who decide, and decides nothing.

-- How an administration may be called now, for every process: one row, locked while a call is permitted or accounted for.
create table authority_limits (
    authority text primary key constraint authority_limits_authority check (authority in ('api_particulier')),
    -- Calls keep their distance.
    next_call_at timestamptz not null,
    -- It said to stay away until then.
    blocked_until timestamptz not null,
    -- Failures in a row, and the rest that they impose.
    failures integer not null default 0 constraint authority_limits_failures check (failures >= 0),
    paused_until timestamptz not null
);
insert into authority_limits (authority, next_call_at, blocked_until, paused_until) values ('api_particulier', 'epoch', 'epoch', 'epoch');

-- The trace of each call, written before it: for whom, when, what came of it, none of the data. It outlives the request it was made for.
create table authority_calls (
    id uuid primary key,
    authority text not null,
    operation text not null constraint authority_calls_operation check (operation in ('schooling')),
    enrolment_id uuid not null,
    at timestamptz not null,
    -- Null: the process ended before the answer.
    outcome text,
    error_code text,
    duration_ms integer,
    constraint authority_calls_answered check ((outcome is null) = (duration_ms is null))
);
create index authority_calls_enrolment on authority_calls (enrolment_id, at);
create index authority_calls_at on authority_calls (at);

-- One question a request, asked again until it is answered or given up.
create table schooling_checks (
    enrolment_id uuid primary key constraint schooling_checks_enrolment_fk references enrolments on delete restrict,
    child_id uuid not null constraint schooling_checks_child_fk references children on delete restrict,
    season text not null,
    -- The collège of the question.
    college_uai text not null,
    -- Asked for by the State's service, and kept while the question stands.
    civil_sex text constraint schooling_checks_civil_sex check (civil_sex in ('F', 'M')),
    state text not null constraint schooling_checks_state
        check (state in ('queued', 'calling', 'suggested', 'not_found', 'unavailable', 'refused', 'malformed')),
    asked_at timestamptz not null,
    next_try_at timestamptz,
    attempts integer not null default 0 constraint schooling_checks_attempts check (attempts >= 0),
    -- The call under way, or the last one.
    call_id uuid,
    -- The last answer.
    answered_at timestamptz,
    is_enrolled boolean,
    told_uai text,
    constraint schooling_checks_question check ((next_try_at is null) = (civil_sex is null)),
    constraint schooling_checks_under_way check (state not in ('queued', 'calling') or next_try_at is not null)
);
create index schooling_checks_due on schooling_checks (next_try_at) where next_try_at is not null;
create index schooling_checks_season on schooling_checks (season);
create index schooling_checks_child on schooling_checks (child_id);

-- What it says of the scholarship, apart: a collège sees no line of it.
create table scholarship_answers (
    enrolment_id uuid primary key constraint scholarship_answers_check_fk references schooling_checks on delete restrict,
    -- Null: not known, or not known yet.
    is_scholar boolean,
    echelon smallint constraint scholarship_answers_echelon check (echelon between 1 and 6),
    answered_at timestamptz not null,
    constraint scholarship_answers_scholar check (echelon is null or is_scholar is true)
);

alter table authority_limits enable row level security;
create policy authority_limits_all on authority_limits for all using (actor_kind() = 'system') with check (actor_kind() = 'system');

alter table authority_calls enable row level security;
create policy authority_calls_read on authority_calls for select using (actor_is_department());
create policy authority_calls_insert on authority_calls for insert with check (actor_kind() = 'system');
create policy authority_calls_answer on authority_calls for update
    using (actor_kind() = 'system' and outcome is null) with check (actor_kind() = 'system');
-- Law asks for the traces: nobody removes one before its time.
create policy authority_calls_forget on authority_calls for delete
    using (actor_kind() = 'system' and at < instant() - interval '36 months');

alter table schooling_checks enable row level security;
create policy schooling_checks_read on schooling_checks for select
    using (exists (select 1 from enrolments e where e.id = enrolment_id));
create policy schooling_checks_update on schooling_checks for update
    using (actor_kind() = 'system') with check (actor_kind() = 'system');
create policy schooling_checks_forget on schooling_checks for delete using (actor_kind() = 'system');

alter table scholarship_answers enable row level security;
create policy scholarship_answers_read on scholarship_answers for select using (actor_is_department());
create policy scholarship_answers_write on scholarship_answers for all
    using (actor_kind() = 'system') with check (actor_kind() = 'system');

-- The one way to put the question: by the family of a request it has submitted, or by an agent. Answers false, and changes nothing, while
-- the same question is under way or when it was put within the hour. An earlier answer stays until the next one.
create function queue_schooling_check(p_enrolment uuid, p_civil_sex text) returns boolean
    language plpgsql security definer set search_path = public, pg_temp as $$
begin
    if not exists (select 1 from enrolments e
                    where e.id = p_enrolment and e.state in ('submitted', 'confirmed', 'active', 'suspended')
                      and (actor_kind() = 'agent' or (actor_kind() = 'guardian' and e.family_id in (select my_own_families())))) then
        raise insufficient_privilege using message = 'this actor asks nothing about this request';
    end if;
    insert into schooling_checks (enrolment_id, child_id, season, college_uai, civil_sex, state, asked_at, next_try_at)
        select id, child_id, season, college_uai, p_civil_sex, 'queued', instant(), instant() from enrolments where id = p_enrolment
        on conflict (enrolment_id) do update
           set (college_uai, civil_sex, state, asked_at, next_try_at, attempts, call_id)
             = (excluded.college_uai, excluded.civil_sex, 'queued', excluded.asked_at, excluded.next_try_at, 0, null)
         where schooling_checks.college_uai <> excluded.college_uai
            or (schooling_checks.asked_at <= instant() - interval '1 hour'
                and (schooling_checks.next_try_at is null or schooling_checks.state in ('suggested', 'not_found')));
    return found;
end $$;
