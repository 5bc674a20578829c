-- A device belongs to a merchant, or to the operator of a department's canteen: a gate of one collège, or the operator's kitchen.
alter table devices
    alter column merchant_id drop not null,
    -- In the department's own database.
    add column operator_id uuid,
    -- Of a gate.
    add column college_uai text constraint devices_college check (college_uai ~ '^[0-9]{7}[A-Z]$'),
    -- The public key (age, X25519) that a gate's lists are encrypted to.
    add column recipient text,
    drop constraint devices_kind,
    add constraint devices_kind check (kind in ('till', 'server', 'gate', 'kitchen')),
    add constraint devices_owner check (
        case when kind in ('till', 'server') then merchant_id is not null and num_nonnulls(operator_id, college_uai, recipient) = 0
             else merchant_id is null and operator_id is not null and (kind = 'gate') = (college_uai is not null) end),
    add constraint devices_recipient check (
        case when kind = 'gate' then recipient is not null or public_key is null else recipient is null end);
create index devices_operator on devices (operator_id) where operator_id is not null;
