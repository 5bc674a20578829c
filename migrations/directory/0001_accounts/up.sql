-- Login identities: one row a person, families and staff apart.
create table accounts (
    id uuid primary key,
    kind text not null constraint accounts_kind check (kind in ('family', 'staff')),
    email text not null constraint accounts_email_unique unique constraint accounts_email_lower check (email = lower(email)),
    password_hash text,
    email_verified_at timestamptz,
    -- Second factor of staff: the secret is sealed, the last accepted step is kept so that a code serves once.
    totp_sealed bytea,
    totp_confirmed_at timestamptz,
    totp_last_step bigint not null default 0,
    created_at timestamptz not null
);

create table staff_roles (
    id uuid primary key,
    account_id uuid not null constraint staff_roles_account_fk references accounts on delete restrict
        constraint staff_roles_one_per_account unique,
    department text not null,
    role text not null constraint staff_roles_role check (role in ('secretary', 'agent')),
    agent_function text constraint staff_roles_function
        check (agent_function in ('administrator', 'case_worker', 'finance', 'dpo')),
    college_uai text,
    name text not null,
    invited_by uuid,
    invited_at timestamptz not null,
    revoked_at timestamptz,
    constraint staff_roles_shape check (
        (role = 'agent' and agent_function is not null and college_uai is null)
        or (role = 'secretary' and agent_function is null and college_uai is not null))
);

create table recovery_codes (
    account_id uuid not null constraint recovery_codes_account_fk references accounts on delete restrict,
    code_hash bytea not null,
    used_at timestamptz,
    constraint recovery_codes_pk primary key (account_id, code_hash)
);

-- Single-use links sent by mail. Only the hash is kept.
create table mail_tokens (
    token_hash bytea primary key,
    account_id uuid not null constraint mail_tokens_account_fk references accounts on delete restrict,
    purpose text not null constraint mail_tokens_purpose check (purpose in ('verify_email', 'reset_password', 'accept_invitation')),
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz
);
create index mail_tokens_account on mail_tokens (account_id);

create table sessions (
    id uuid primary key,
    account_id uuid not null constraint sessions_account_fk references accounts on delete restrict,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    -- When the second factor was last shown: step-up asks for a recent one.
    factor_at timestamptz,
    ended_at timestamptz,
    ended_because text constraint sessions_ended_because
        check (ended_because in ('signed_out', 'signed_out_everywhere', 'password_reset', 'refresh_reused', 'role_revoked'))
);
create index sessions_account on sessions (account_id) where ended_at is null;

create table refresh_tokens (
    token_hash bytea primary key,
    session_id uuid not null constraint refresh_tokens_session_fk references sessions on delete restrict,
    created_at timestamptz not null,
    used_at timestamptz
);
create index refresh_tokens_session on refresh_tokens (session_id);

-- Attempts counted by account and by address (both as keyed fingerprints): no process memory, no clear address.
create table throttles (
    scope text not null,
    subject bytea not null,
    window_started_at timestamptz not null,
    attempts integer not null constraint throttles_attempts check (attempts >= 0),
    constraint throttles_pk primary key (scope, subject)
);

create table signing_keys (
    kid text primary key,
    public_key bytea not null,
    private_sealed bytea not null,
    created_at timestamptz not null,
    -- A new key is published before it signs, and stays published after: tokens in flight keep verifying.
    signs_from timestamptz not null,
    published_until timestamptz
);
