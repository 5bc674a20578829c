-- Who may do what in the directory; applied after every migration. Rows that are journals or facts take no update.
revoke all on all tables in schema public from public, {app}, {check};
revoke all on all functions in schema public from public;
revoke create on schema public from public;
grant usage on schema public to {app}, {check};
grant execute on all functions in schema public to {app};
grant select, insert, update on accounts, staff_roles, recovery_codes, mail_tokens, sessions, refresh_tokens, merchants, devices, colleges, signing_keys to {app};
grant delete on mail_tokens, refresh_tokens, recovery_codes to {app};
grant select, insert, update, delete on throttles, used_assertions, jobs to {app};
grant select, insert on audit to {app};
grant select on __diesel_schema_migrations to {app}, {check};
grant select (id, merchant_id, department, kind, state) on devices to {check};
