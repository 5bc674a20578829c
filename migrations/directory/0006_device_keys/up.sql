-- A key speaks for one device: two that share theirs cannot be told apart, nor one of them stopped. That of a revoked device never comes back.
create unique index devices_public_key_unique on devices (public_key);
