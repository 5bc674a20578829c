drop table consents, photos, children;
drop table guardians, families cascade;
drop function set_guardian_rights(uuid, text, date), accept_guardian_invitation(bytea), is_my_new_family(uuid), my_own_families(), my_families();
