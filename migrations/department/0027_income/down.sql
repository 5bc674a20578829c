delete from authority_calls where operation <> 'schooling';
alter table authority_calls drop constraint authority_calls_operation;
alter table authority_calls add constraint authority_calls_operation check (operation in ('schooling'));
delete from authority_limits where authority <> 'api_particulier';
alter table authority_limits drop constraint authority_limits_authority;
alter table authority_limits add constraint authority_limits_authority check (authority in ('api_particulier'));
