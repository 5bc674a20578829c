drop table signing_keys, throttles, refresh_tokens, sessions, mail_tokens, recovery_codes, staff_roles, accounts;
