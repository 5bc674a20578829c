-- Who eats, on which days, and at what price. A diner is a child or an adult of the collège: one id either way, and one meal a day.

-- Adults who eat at a collège: its staff, and guests.
create table canteen_adults (
    id uuid primary key,
    kind text not null constraint canteen_adults_kind check (kind in ('commensal', 'guest')),
    college_uai text not null constraint canteen_adults_uai check (college_uai ~ '^[0-9]{7}[A-Z]$'),
    last_name text not null,
    first_names text not null,
    -- Where bills go.
    email text,
    registered_by uuid not null,
    registered_at timestamptz not null,
    left_at timestamptz,
    version integer not null default 1
);
create index canteen_adults_college on canteen_adults (college_uai, id);
alter table canteen_adults enable row level security;
create policy canteen_adults_read on canteen_adults for select
    using (actor_is_department() or (actor_kind() = 'secretary' and college_uai = actor_college()));
create policy canteen_adults_insert on canteen_adults for insert
    with check (registered_by = actor_account()
        and (actor_kind() = 'agent' or (actor_kind() = 'secretary' and college_uai = actor_college())));
create policy canteen_adults_update on canteen_adults for update
    using (actor_kind() = 'agent' or (actor_kind() = 'secretary' and college_uai = actor_college()))
    with check (actor_kind() = 'agent' or (actor_kind() = 'secretary' and college_uai = actor_college()));

create table canteen_enrolments (
    id uuid primary key,
    season text not null,
    diner text not null constraint canteen_enrolments_diner check (diner in ('pupil', 'commensal')),
    -- A child of a file, or an adult.
    person_id uuid not null,
    family_id uuid constraint canteen_enrolments_family_fk references families on delete restrict,
    college_uai text not null,
    -- Bit 0 is Monday, bit 4 Friday.
    weekdays smallint not null constraint canteen_enrolments_weekdays check (weekdays between 1 and 31),
    diet text not null constraint canteen_enrolments_diet check (diet in ('everything', 'no_pork', 'no_meat')),
    starts_on date not null,
    ends_on date not null,
    state text not null constraint canteen_enrolments_state check (state in ('active', 'ended')),
    end_reason text constraint canteen_enrolments_end_reason
        check (end_reason in ('at_familys_wish', 'changed_college', 'left_scheme', 'canteen_closed', 'by_department')),
    -- The version of the calendar that its meals were laid out from; absent, they are still to be.
    laid_out_version integer,
    enrolled_by uuid not null,
    enrolled_at timestamptz not null,
    ended_at timestamptz,
    version integer not null default 1,
    constraint canteen_enrolments_period check (starts_on <= ends_on),
    constraint canteen_enrolments_pupil check ((diner = 'pupil') = (family_id is not null)),
    constraint canteen_enrolments_ended check (
        (state = 'ended') = (end_reason is not null) and (end_reason is null) = (ended_at is null))
);
create unique index canteen_enrolments_one_at_a_time on canteen_enrolments (person_id, season) where state = 'active';
create index canteen_enrolments_college on canteen_enrolments (college_uai, season, id);
create index canteen_enrolments_to_lay_out on canteen_enrolments (season, id) where state = 'active';
create index canteen_enrolments_family on canteen_enrolments (family_id);
alter table canteen_enrolments enable row level security;
create policy canteen_enrolments_read on canteen_enrolments for select
    using (actor_is_department() or family_id in (select my_families())
        or (actor_kind() = 'secretary' and college_uai = actor_college()));
create policy canteen_enrolments_insert on canteen_enrolments for insert
    with check (actor_is_department() or family_id in (select my_own_families())
        or (actor_kind() = 'secretary' and college_uai = actor_college() and diner = 'commensal'));
create policy canteen_enrolments_update on canteen_enrolments for update
    using (actor_is_department() or family_id in (select my_own_families())
        or (actor_kind() = 'secretary' and college_uai = actor_college()))
    with check (actor_is_department() or family_id in (select my_own_families())
        or (actor_kind() = 'secretary' and college_uai = actor_college()));
create trigger canteen_enrolments_offered before insert or update of college_uai, starts_on on canteen_enrolments
    for each row execute function canteen_must_be_offered('college_uai', 'starts_on');

-- One row a diner and day; a day without a row is a day without a meal.
create table canteen_meals (
    person_id uuid not null,
    day date not null,
    -- Absent: a guest's, or taken by somebody who was not enrolled.
    enrolment_id uuid constraint canteen_meals_enrolment_fk references canteen_enrolments on delete restrict,
    family_id uuid,
    college_uai text not null,
    state text not null constraint canteen_meals_state
        check (state in ('reserved', 'cancelled', 'consumed', 'no_show', 'excused', 'closed', 'walk_in')),
    changed_at timestamptz not null,
    constraint canteen_meals_pk primary key (person_id, day)
);
create index canteen_meals_day on canteen_meals (college_uai, day);
alter table canteen_meals enable row level security;
create policy canteen_meals_read on canteen_meals for select
    using (actor_is_department() or family_id in (select my_families())
        or (actor_kind() = 'secretary' and college_uai = actor_college()));
create policy canteen_meals_insert on canteen_meals for insert
    with check (actor_is_department() or family_id in (select my_own_families())
        or (actor_kind() = 'secretary' and college_uai = actor_college()));
create policy canteen_meals_update on canteen_meals for update
    using (actor_is_department() or family_id in (select my_own_families())
        or (actor_kind() = 'secretary' and college_uai = actor_college()))
    with check (actor_is_department() or family_id in (select my_own_families())
        or (actor_kind() = 'secretary' and college_uai = actor_college()));
-- Those of an enrolment are laid out from the calendar, between its days.
create trigger canteen_meals_offered before insert on canteen_meals
    for each row when (new.enrolment_id is null) execute function canteen_must_be_offered('college_uai', 'day');

-- What is known of a diner's means and statuses, from a day on: what his prices are computed from. Sealed, and emptied when the season is
-- over. The last row that has begun holds.
create table canteen_means (
    id uuid primary key,
    person_id uuid not null,
    family_id uuid constraint canteen_means_family_fk references families on delete restrict,
    season text not null,
    starts_on date not null,
    source text not null constraint canteen_means_source
        check (source in ('tax_administration', 'family_benefits', 'document', 'pay_slip', 'nothing')),
    -- The guardian's request, when the means were asked for.
    request_id uuid,
    means_sealed bytea,
    decided_by uuid,
    decided_at timestamptz not null,
    purged_at timestamptz,
    constraint canteen_means_purged check ((means_sealed is null) = (purged_at is not null))
);
create index canteen_means_person on canteen_means (person_id, season, starts_on, id);
create index canteen_means_to_purge on canteen_means (season) where purged_at is null;
alter table canteen_means enable row level security;
-- No secretary, operator or gate sees what concerns means or prices.
create policy canteen_means_read on canteen_means for select using (actor_is_department() or family_id in (select my_families()));
create policy canteen_means_insert on canteen_means for insert with check (actor_instructs());
create policy canteen_means_update on canteen_means for update using (actor_kind() = 'system') with check (actor_kind() = 'system');

-- What a diner pays from a day on, and why. Rows never change but for the figures of tax notices, which go with the season; the last row
-- that has begun holds.
create table canteen_rates (
    id uuid primary key,
    person_id uuid not null,
    family_id uuid constraint canteen_rates_family_fk references families on delete restrict,
    season text not null,
    starts_on date not null,
    grid_id uuid not null constraint canteen_rates_grid_fk references canteen_grids on delete restrict,
    cents bigint not null constraint canteen_rates_cents check (cents >= 0),
    unit text not null constraint canteen_rates_unit check (unit in ('meal', 'year')),
    meal_cents bigint not null constraint canteen_rates_meal_cents check (meal_cents >= 0),
    -- The steps, without the figures of tax notices, and with them.
    explanation jsonb not null,
    explanation_sealed bytea,
    means_id uuid constraint canteen_rates_means_fk references canteen_means on delete restrict,
    set_at timestamptz not null
);
create index canteen_rates_person on canteen_rates (person_id, season, starts_on, id);
create index canteen_rates_to_purge on canteen_rates (season) where explanation_sealed is not null;
alter table canteen_rates enable row level security;
create policy canteen_rates_read on canteen_rates for select using (actor_is_department() or family_id in (select my_families()));
create policy canteen_rates_insert on canteen_rates for insert
    with check (actor_is_department() or family_id in (select my_own_families()));
create policy canteen_rates_update on canteen_rates for update using (actor_kind() = 'system') with check (actor_kind() = 'system');

-- What the kitchen has to do for a child (PAI): never why.
create table canteen_care_plans (
    id uuid primary key,
    child_id uuid not null constraint canteen_care_plans_child_fk references children on delete restrict,
    family_id uuid not null constraint canteen_care_plans_family_fk references families on delete restrict,
    college_uai text not null,
    measures_sealed bytea not null,
    -- The family brings the meal.
    own_meal boolean not null,
    starts_on date not null,
    ends_on date not null,
    recorded_by uuid not null,
    recorded_at timestamptz not null,
    ended_by uuid,
    ended_at timestamptz,
    constraint canteen_care_plans_period check (starts_on <= ends_on),
    constraint canteen_care_plans_ended check ((ended_by is null) = (ended_at is null))
);
create unique index canteen_care_plans_one on canteen_care_plans (child_id) where ended_at is null;
alter table canteen_care_plans enable row level security;
create policy canteen_care_plans_read on canteen_care_plans for select
    using (actor_instructs() or family_id in (select my_families())
        or (actor_kind() = 'secretary' and college_uai = actor_college()));
create policy canteen_care_plans_insert on canteen_care_plans for insert
    with check (recorded_by = actor_account()
        and (actor_instructs() or (actor_kind() = 'secretary' and college_uai = actor_college())));
create policy canteen_care_plans_update on canteen_care_plans for update
    using (ended_at is null and (actor_instructs() or (actor_kind() = 'secretary' and college_uai = actor_college())))
    with check (ended_by = actor_account());
