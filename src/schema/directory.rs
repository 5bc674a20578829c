//! The directory: what every department shares.

diesel::table! {
    accounts (id) {
        id -> Uuid,
        kind -> Text,
        email -> Text,
        password_hash -> Nullable<Text>,
        email_verified_at -> Nullable<Timestamptz>,
        totp_sealed -> Nullable<Binary>,
        totp_confirmed_at -> Nullable<Timestamptz>,
        totp_last_step -> BigInt,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    staff_roles (id) {
        id -> Uuid,
        account_id -> Uuid,
        department -> Text,
        role -> Text,
        agent_function -> Nullable<Text>,
        college_uai -> Nullable<Text>,
        name -> Text,
        invited_by -> Nullable<Uuid>,
        invited_at -> Timestamptz,
        revoked_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    recovery_codes (account_id, code_hash) {
        account_id -> Uuid,
        code_hash -> Binary,
        used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    mail_tokens (token_hash) {
        token_hash -> Binary,
        account_id -> Uuid,
        purpose -> Text,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    sessions (id) {
        id -> Uuid,
        account_id -> Uuid,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        factor_at -> Nullable<Timestamptz>,
        ended_at -> Nullable<Timestamptz>,
        ended_because -> Nullable<Text>,
    }
}

diesel::table! {
    refresh_tokens (token_hash) {
        token_hash -> Binary,
        session_id -> Uuid,
        created_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    throttles (scope, subject) {
        scope -> Text,
        subject -> Binary,
        window_started_at -> Timestamptz,
        attempts -> Integer,
    }
}

diesel::table! {
    signing_keys (kid) {
        kid -> Text,
        public_key -> Binary,
        private_sealed -> Binary,
        created_at -> Timestamptz,
        signs_from -> Timestamptz,
        published_until -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    merchants (id) {
        id -> Uuid,
        siret -> Text,
        name -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    devices (id) {
        id -> Uuid,
        merchant_id -> Nullable<Uuid>,
        department -> Text,
        kind -> Text,
        label -> Text,
        state -> Text,
        enrolment_hash -> Nullable<Binary>,
        enrolment_expires_at -> Nullable<Timestamptz>,
        public_key -> Nullable<Binary>,
        created_at -> Timestamptz,
        enrolled_at -> Nullable<Timestamptz>,
        revoked_at -> Nullable<Timestamptz>,
        bad_codes -> Integer,
        bad_codes_since -> Nullable<Timestamptz>,
        operator_id -> Nullable<Uuid>,
        college_uai -> Nullable<Text>,
        recipient -> Nullable<Text>,
    }
}

diesel::table! {
    used_assertions (device_id, jti) {
        device_id -> Uuid,
        jti -> Text,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    colleges (uai) {
        uai -> Text,
        name -> Text,
        kind -> Text,
        department -> Text,
        city -> Text,
        postal_code -> Text,
        open -> Bool,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    audit (id) {
        id -> Uuid,
        at -> Timestamptz,
        request_id -> Uuid,
        actor_kind -> Text,
        actor_id -> Nullable<Uuid>,
        action -> Text,
        object_kind -> Text,
        object_id -> Text,
        details -> Jsonb,
    }
}

diesel::table! {
    jobs (id) {
        id -> Uuid,
        kind -> Text,
        payload -> Jsonb,
        created_at -> Timestamptz,
        run_at -> Timestamptz,
        attempts -> Integer,
        last_error -> Nullable<Text>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    accounts,
    staff_roles,
    recovery_codes,
    mail_tokens,
    sessions,
    refresh_tokens,
    throttles,
    signing_keys,
    merchants,
    devices,
    used_assertions,
    colleges,
    audit,
    jobs
);
