-- Two persons wherever much money moves by an order; whoever proposed may take it back alone.
alter table corrections drop constraint corrections_four_eyes;
alter table corrections add constraint corrections_four_eyes
    check (state <> 'done' or not two_persons or decided_by <> proposed_by);

-- The end of a season is proposed by one person and approved by another. Orders carried out before this rule were one person's; those that
-- still wait ask for a second one now.
alter table season_expiries
    add column state text not null default 'proposed'
        constraint season_expiries_state check (state in ('proposed', 'approved', 'refused')),
    add column decided_by uuid,
    add column decided_at timestamptz;
alter table season_expiries alter column state drop default;
update season_expiries set state = 'approved' where done_at is not null;
alter table season_expiries
    add constraint season_expiries_decided
        check ((state = 'proposed') = (decided_by is null) and (decided_by is null) = (decided_at is null)) not valid,
    add constraint season_expiries_four_eyes check (state <> 'approved' or decided_by <> ordered_by) not valid,
    add constraint season_expiries_done check (done_at is null or state = 'approved');
drop index season_expiries_one_running;
create unique index season_expiries_one_running on season_expiries (season) where done_at is null and state <> 'refused';
drop policy season_expiries_insert on season_expiries;
create policy season_expiries_insert on season_expiries for insert
    with check (actor_kind() = 'agent' and ordered_by = actor_account() and state = 'proposed'
                and done_at is null and wallets_swept = 0 and lost_cents = 0);
create policy season_expiries_decide on season_expiries for update
    using (actor_kind() = 'agent' and state = 'proposed')
    with check (actor_kind() = 'agent' and decided_by = actor_account() and state in ('approved', 'refused')
                and done_at is null and wallets_swept = 0 and lost_cents = 0);
