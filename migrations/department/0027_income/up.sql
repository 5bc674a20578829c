-- A second administration is called, at a pace and with a breaker of its own, and API Particulier for a second matter.
alter table authority_limits drop constraint authority_limits_authority;
alter table authority_limits add constraint authority_limits_authority check (authority in ('api_particulier', 'api_impot_particulier'));
insert into authority_limits (authority, next_call_at, blocked_until, paused_until) values ('api_impot_particulier', 'epoch', 'epoch', 'epoch');

alter table authority_calls drop constraint authority_calls_operation;
alter table authority_calls add constraint authority_calls_operation check (operation in ('schooling', 'income', 'family_quotient'));
