delete from used_assertions where device_id in (select id from devices where operator_id is not null);
delete from devices where operator_id is not null;
alter table devices
    drop constraint devices_recipient,
    drop constraint devices_owner,
    drop constraint devices_kind,
    drop column recipient,
    drop column college_uai,
    drop column operator_id,
    add constraint devices_kind check (kind in ('till', 'server')),
    alter column merchant_id set not null;
