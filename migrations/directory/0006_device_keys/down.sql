drop index devices_public_key_unique;
