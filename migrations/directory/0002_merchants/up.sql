-- Organisations known to every department; what one of them agreed with a department lies in that department's database.
create table merchants (
    id uuid primary key,
    siret text not null constraint merchants_siret_unique unique,
    name text not null,
    created_at timestamptz not null
);

-- Tills and servers of merchants: each holds its own Ed25519 key; we keep the public half.
create table devices (
    id uuid primary key,
    merchant_id uuid not null constraint devices_merchant_fk references merchants on delete restrict,
    department text not null,
    kind text not null constraint devices_kind check (kind in ('till', 'server')),
    label text not null,
    state text not null constraint devices_state check (state in ('invited', 'active', 'suspended', 'revoked')),
    enrolment_hash bytea constraint devices_enrolment_unique unique,
    enrolment_expires_at timestamptz,
    public_key bytea,
    created_at timestamptz not null,
    enrolled_at timestamptz,
    revoked_at timestamptz,
    -- Unknown card codes shown within the running hour: twenty suspend the device.
    bad_codes integer not null default 0 constraint devices_bad_codes check (bad_codes >= 0),
    bad_codes_since timestamptz
);
create index devices_merchant on devices (merchant_id);

-- An assertion serves once: its identifier is kept until it would have expired anyway.
create table used_assertions (
    device_id uuid not null constraint used_assertions_device_fk references devices on delete restrict,
    jti text not null,
    expires_at timestamptz not null,
    constraint used_assertions_pk primary key (device_id, jti)
);
