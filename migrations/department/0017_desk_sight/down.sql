drop policy season_expiries_decide on season_expiries;
drop policy season_expiries_insert on season_expiries;
drop index season_expiries_one_running;
-- Before, an order could neither wait for a second person nor be refused.
delete from season_expiries where state <> 'approved';
alter table season_expiries drop column state, drop column decided_by, drop column decided_at;
create unique index season_expiries_one_running on season_expiries (season) where done_at is null;
create policy season_expiries_insert on season_expiries for insert
    with check (actor_kind() = 'agent' and ordered_by = actor_account() and done_at is null and wallets_swept = 0 and lost_cents = 0);
-- Corrections withdrawn by whoever proposed them stay as they are: new ones are held to the old rule again.
alter table corrections drop constraint corrections_four_eyes;
alter table corrections add constraint corrections_four_eyes check (not two_persons or decided_by <> proposed_by) not valid;
