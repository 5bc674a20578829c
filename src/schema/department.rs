//! A department's own database.

diesel::table! {
    season_versions (season, version) {
        season -> Text,
        version -> Integer,
        state -> Text,
        rules -> Jsonb,
        effective_from -> Nullable<Timestamptz>,
        drafted_by -> Nullable<Uuid>,
        drafted_at -> Timestamptz,
        published_by -> Nullable<Uuid>,
        published_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    families (id) {
        id -> Uuid,
        created_by -> Uuid,
        created_at -> Timestamptz,
        debit_notices -> Bool,
    }
}

diesel::table! {
    guardians (id) {
        id -> Uuid,
        family_id -> Uuid,
        account_id -> Nullable<Uuid>,
        first_names -> Text,
        last_name -> Text,
        email -> Text,
        phone -> Nullable<Text>,
        postal_address -> Nullable<Text>,
        rights -> Text,
        rights_from -> Date,
        rights_until -> Nullable<Date>,
        invitation_hash -> Nullable<Binary>,
        invitation_expires_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    children (id) {
        id -> Uuid,
        family_id -> Uuid,
        first_names -> Text,
        last_name -> Text,
        birth_date -> Date,
        residence -> Text,
        created_at -> Timestamptz,
        version -> Integer,
    }
}

diesel::table! {
    photos (id) {
        child_id -> Uuid,
        family_id -> Uuid,
        image_sealed -> Nullable<Binary>,
        submitted_at -> Timestamptz,
        id -> Uuid,
        state -> Text,
        reason -> Nullable<Text>,
        note -> Nullable<Text>,
        hints -> Nullable<Jsonb>,
        till_sealed -> Nullable<Binary>,
        gate_sealed -> Nullable<Binary>,
        decided_by -> Nullable<Uuid>,
        decided_at -> Nullable<Timestamptz>,
        version -> Integer,
    }
}

diesel::table! {
    documents (id) {
        id -> Uuid,
        child_id -> Uuid,
        family_id -> Uuid,
        season -> Text,
        kind -> Text,
        media -> Text,
        bytes -> Integer,
        content_hash -> Binary,
        state -> Text,
        sent_by -> Uuid,
        received_at -> Timestamptz,
        decided_by -> Nullable<Uuid>,
        closed_at -> Nullable<Timestamptz>,
        refusal_reason -> Nullable<Text>,
        refusal_note -> Nullable<Text>,
        deletion_reason -> Nullable<Text>,
        version -> Integer,
    }
}

diesel::table! {
    document_files (document_id) {
        document_id -> Uuid,
        family_id -> Uuid,
        sent_by -> Uuid,
        file_sealed -> Binary,
        key_sealed -> Binary,
        key_version -> Text,
    }
}

diesel::table! {
    consents (id) {
        id -> Uuid,
        family_id -> Uuid,
        guardian_id -> Uuid,
        purpose -> Text,
        granted -> Bool,
        text_version -> Text,
        channel -> Text,
        at -> Timestamptz,
    }
}

diesel::table! {
    enrolments (id) {
        id -> Uuid,
        child_id -> Uuid,
        family_id -> Uuid,
        season -> Text,
        state -> Text,
        college_uai -> Text,
        college_name -> Text,
        in_network -> Bool,
        level -> Text,
        formula -> Text,
        declares_scholarship -> Bool,
        ase -> Bool,
        rule -> Nullable<Text>,
        refusal_reason -> Nullable<Text>,
        refusal_note -> Nullable<Text>,
        created_at -> Timestamptz,
        submitted_at -> Nullable<Timestamptz>,
        decided_at -> Nullable<Timestamptz>,
        version -> Integer,
    }
}

diesel::table! {
    enrolment_events (id) {
        id -> Uuid,
        enrolment_id -> Uuid,
        at -> Timestamptz,
        event -> Text,
        state -> Text,
        actor_kind -> Text,
        note -> Nullable<Text>,
    }
}

diesel::table! {
    enrolment_attestations (enrolment_id) {
        enrolment_id -> Uuid,
        college_uai -> Text,
        level -> Text,
        attested_by -> Uuid,
        attested_at -> Timestamptz,
    }
}

diesel::table! {
    canteen_calendars (season, version) {
        season -> Text,
        version -> Integer,
        state -> Text,
        calendar -> Jsonb,
        drafted_by -> Uuid,
        drafted_at -> Timestamptz,
        published_by -> Nullable<Uuid>,
        published_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    canteen_closures (id) {
        id -> Uuid,
        college_uai -> Nullable<Text>,
        from_day -> Date,
        until_day -> Date,
        kind -> Text,
        label -> Text,
        declared_by -> Uuid,
        declared_at -> Timestamptz,
        withdrawn_by -> Nullable<Uuid>,
        withdrawn_at -> Nullable<Timestamptz>,
        applied_until -> Nullable<Date>,
    }
}

diesel::table! {
    derogations (id) {
        id -> Uuid,
        child_id -> Uuid,
        family_id -> Uuid,
        season -> Text,
        waives -> Text,
        reason -> Text,
        until -> Date,
        granted_by -> Uuid,
        granted_at -> Timestamptz,
        revoked_by -> Nullable<Uuid>,
        revoked_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    news (id) {
        id -> Uuid,
        subject -> Text,
        body -> Text,
        state -> Text,
        written_by -> Uuid,
        written_at -> Timestamptz,
        decided_by -> Nullable<Uuid>,
        decided_at -> Nullable<Timestamptz>,
        last_guardian -> Nullable<Uuid>,
        letters -> BigInt,
        sent_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    season_openings (id) {
        id -> Uuid,
        season -> Text,
        from_season -> Text,
        expected_children -> BigInt,
        ordered_by -> Uuid,
        ordered_at -> Timestamptz,
        runs_at -> Timestamptz,
        state -> Text,
        last_family -> Nullable<Uuid>,
        carried -> BigInt,
        leaving -> BigInt,
        families -> BigInt,
        done_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    ledger_accounts (id) {
        id -> Uuid,
        kind -> Text,
        merchant_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    wallets (id) {
        id -> Uuid,
        child_id -> Uuid,
        family_id -> Uuid,
        enrolment_id -> Uuid,
        season -> Text,
        kind -> Text,
        balance_cents -> BigInt,
        held_cents -> BigInt,
        version -> BigInt,
        spend_before -> Timestamptz,
        capture_before -> Timestamptz,
        head -> Binary,
        swept_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    transfers (id) {
        id -> Uuid,
        kind -> Text,
        from_account -> Uuid,
        to_account -> Uuid,
        amount_cents -> BigInt,
        wallet_id -> Uuid,
        wallet_version -> BigInt,
        balance_after_cents -> BigInt,
        at -> Timestamptz,
        client_id -> Nullable<Uuid>,
        key -> Nullable<Uuid>,
        fingerprint -> Nullable<Binary>,
        merchant_id -> Nullable<Uuid>,
        reverses -> Nullable<Uuid>,
        grant_kind -> Nullable<Text>,
        activity_label -> Nullable<Text>,
        activity_date -> Nullable<Date>,
        holder_first_name -> Nullable<Text>,
        holder_initial -> Nullable<Text>,
        hold_id -> Nullable<Uuid>,
        request_id -> Nullable<Uuid>,
        reason -> Nullable<Text>,
        hash -> Binary,
    }
}

diesel::table! {
    holds (id) {
        id -> Uuid,
        kind -> Text,
        wallet_id -> Uuid,
        amount_cents -> BigInt,
        state -> Text,
        captured_cents -> BigInt,
        merchant_id -> Nullable<Uuid>,
        client_id -> Uuid,
        key -> Uuid,
        fingerprint -> Binary,
        request_id -> Uuid,
        made_at -> Timestamptz,
        expires_at -> Timestamptz,
        closed_at -> Nullable<Timestamptz>,
        code_fingerprint -> Nullable<Binary>,
        code_sealed -> Nullable<Binary>,
        activity_label -> Nullable<Text>,
        activity_date -> Nullable<Date>,
        holder_first_name -> Text,
        holder_initial -> Text,
    }
}

diesel::table! {
    ledger_rules (id) {
        id -> Uuid,
        effective_from -> Timestamptz,
        debit_max_cents -> Nullable<BigInt>,
        card_day_max_cents -> Nullable<BigInt>,
        till_minute_max_debits -> Nullable<Integer>,
        till_hold_minutes -> Integer,
        refund_alone_max_cents -> BigInt,
        correction_alone_max_cents -> BigInt,
        dispute_days -> Integer,
        set_by -> Nullable<Uuid>,
        set_at -> Timestamptz,
    }
}

diesel::table! {
    till_minutes (client_id) {
        client_id -> Uuid,
        minute -> Timestamptz,
        debits -> Integer,
    }
}

diesel::table! {
    disputes (id) {
        id -> Uuid,
        transfer_id -> Uuid,
        family_id -> Uuid,
        merchant_id -> Uuid,
        state -> Text,
        reason -> Text,
        note -> Nullable<Text>,
        opened_by -> Uuid,
        opened_at -> Timestamptz,
        decided_by -> Nullable<Uuid>,
        decided_at -> Nullable<Timestamptz>,
        decision_note -> Nullable<Text>,
        reversal_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    corrections (id) {
        id -> Uuid,
        transfer_id -> Uuid,
        amount_cents -> BigInt,
        reason -> Text,
        note -> Nullable<Text>,
        key -> Uuid,
        fingerprint -> Binary,
        two_persons -> Bool,
        state -> Text,
        proposed_by -> Uuid,
        proposed_at -> Timestamptz,
        decided_by -> Nullable<Uuid>,
        decided_at -> Nullable<Timestamptz>,
        decision_note -> Nullable<Text>,
        reversal_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    season_expiries (id) {
        id -> Uuid,
        season -> Text,
        expected_wallets -> BigInt,
        expected_cents -> BigInt,
        ordered_by -> Uuid,
        ordered_at -> Timestamptz,
        runs_at -> Timestamptz,
        done_at -> Nullable<Timestamptz>,
        wallets_swept -> BigInt,
        lost_cents -> BigInt,
        state -> Text,
        decided_by -> Nullable<Uuid>,
        decided_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    ledger_refusals (client_id, key) {
        client_id -> Uuid,
        key -> Uuid,
        fingerprint -> Nullable<Binary>,
        reason -> Text,
        merchant_id -> Nullable<Uuid>,
        card_id -> Nullable<Uuid>,
        amount_cents -> Nullable<BigInt>,
        at -> Timestamptz,
    }
}

diesel::table! {
    cards (id) {
        id -> Uuid,
        child_id -> Uuid,
        family_id -> Uuid,
        state -> Text,
        code_fingerprint -> Binary,
        code_sealed -> Binary,
        valid_until -> Date,
        issued_at -> Timestamptz,
        blocked_at -> Nullable<Timestamptz>,
        block_reason -> Nullable<Text>,
        form -> Text,
        batch_id -> Nullable<Uuid>,
        batch_rank -> Nullable<Integer>,
    }
}

diesel::table! {
    card_makers (id) {
        id -> Uuid,
        name -> Text,
        recipient -> Text,
        registered_by -> Uuid,
        registered_at -> Timestamptz,
    }
}

diesel::table! {
    card_batches (id) {
        id -> Uuid,
        number -> Integer,
        state -> Text,
        cards -> Integer,
        hash -> Binary,
        recipient -> Text,
        frozen_by -> Uuid,
        frozen_at -> Timestamptz,
        approved_by -> Nullable<Uuid>,
        approved_at -> Nullable<Timestamptz>,
        printed_at -> Nullable<Timestamptz>,
        posted_at -> Nullable<Timestamptz>,
        exported_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    found_cards (id) {
        id -> Uuid,
        card_id -> Uuid,
        family_id -> Uuid,
        place -> Nullable<Text>,
        reported_at -> Timestamptz,
    }
}

diesel::table! {
    card_keys (kid) {
        kid -> Text,
        public_key -> Binary,
        private_sealed -> Binary,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    affiliations (id) {
        id -> Uuid,
        merchant_id -> Uuid,
        merchant_name -> Text,
        account_id -> Uuid,
        wallet_kind -> Text,
        state -> Text,
        starts_on -> Date,
        ends_on -> Nullable<Date>,
        created_at -> Timestamptz,
        version -> Integer,
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
    journal (id) {
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

diesel::table! {
    merchant_operations (id) {
        id -> Uuid,
        kind -> Text,
        amount_cents -> BigInt,
        at -> Timestamptz,
        key -> Nullable<Uuid>,
        client_id -> Nullable<Uuid>,
        device_id -> Nullable<Uuid>,
        reverses -> Nullable<Uuid>,
        hold_id -> Nullable<Uuid>,
        wallet_kind -> Text,
        activity_label -> Nullable<Text>,
        activity_date -> Nullable<Date>,
        holder_first_name -> Nullable<Text>,
        holder_initial -> Nullable<Text>,
        refunded_cents -> BigInt,
        dispute_state -> Nullable<Text>,
        merchant_cents -> BigInt,
    }
}

diesel::table! {
    device_keys (key) {
        key -> Uuid,
        transfer_id -> Nullable<Uuid>,
        voided -> Bool,
    }
}

diesel::table! {
    merchant_holds (id) {
        id -> Uuid,
        kind -> Text,
        amount_cents -> BigInt,
        state -> Text,
        captured_cents -> BigInt,
        client_id -> Uuid,
        key -> Uuid,
        made_at -> Timestamptz,
        expires_at -> Timestamptz,
        closed_at -> Nullable<Timestamptz>,
        wallet_kind -> Text,
        activity_label -> Nullable<Text>,
        activity_date -> Nullable<Date>,
        holder_first_name -> Text,
        holder_initial -> Text,
    }
}

diesel::table! {
    bank_accounts (id) {
        id -> Uuid,
        merchant_id -> Nullable<Uuid>,
        holder_name -> Text,
        iban_sealed -> Binary,
        iban_last4 -> Text,
        state -> Text,
        proposed_by -> Uuid,
        proposed_at -> Timestamptz,
        decided_by -> Nullable<Uuid>,
        decided_at -> Nullable<Timestamptz>,
        effective_from -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    payout_batches (id) {
        id -> Uuid,
        number -> Integer,
        until -> Timestamptz,
        state -> Text,
        hash -> Binary,
        total_cents -> BigInt,
        debtor_account_id -> Uuid,
        frozen_by -> Uuid,
        frozen_at -> Timestamptz,
        first_approved_by -> Nullable<Uuid>,
        first_approved_at -> Nullable<Timestamptz>,
        second_approved_by -> Nullable<Uuid>,
        second_approved_at -> Nullable<Timestamptz>,
        sent_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    payouts (id) {
        id -> Uuid,
        batch_id -> Uuid,
        merchant_id -> Uuid,
        merchant_name -> Text,
        bank_account_id -> Uuid,
        lines_cents -> BigInt,
        carried_in_cents -> BigInt,
        amount_cents -> BigInt,
        state -> Text,
        end_to_end_id -> Text,
        reason_code -> Nullable<Text>,
        carried_into -> Nullable<Uuid>,
    }
}

diesel::table! {
    payout_lines (transfer_id) {
        transfer_id -> Uuid,
        payout_id -> Uuid,
        amount_cents -> BigInt,
    }
}

diesel::table! {
    payout_returns (id) {
        id -> Uuid,
        payout_id -> Uuid,
        reason_code -> Text,
        state -> Text,
        proposed_by -> Uuid,
        proposed_at -> Timestamptz,
        decided_by -> Nullable<Uuid>,
        decided_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    roster_checks (id) {
        id -> Uuid,
        digest -> Binary,
        season -> Text,
        counts -> Jsonb,
        checked_by -> Uuid,
        checked_at -> Timestamptz,
    }
}

diesel::table! {
    authority_limits (authority) {
        authority -> Text,
        next_call_at -> Timestamptz,
        blocked_until -> Timestamptz,
        failures -> Integer,
        paused_until -> Timestamptz,
    }
}

diesel::table! {
    authority_calls (id) {
        id -> Uuid,
        authority -> Text,
        operation -> Text,
        enrolment_id -> Nullable<Uuid>,
        at -> Timestamptz,
        outcome -> Nullable<Text>,
        error_code -> Nullable<Text>,
        duration_ms -> Nullable<Integer>,
        request_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    schooling_checks (enrolment_id) {
        enrolment_id -> Uuid,
        child_id -> Uuid,
        season -> Text,
        college_uai -> Text,
        civil_sex -> Nullable<Text>,
        state -> Text,
        asked_at -> Timestamptz,
        next_try_at -> Nullable<Timestamptz>,
        attempts -> Integer,
        call_id -> Nullable<Uuid>,
        answered_at -> Nullable<Timestamptz>,
        is_enrolled -> Nullable<Bool>,
        told_uai -> Nullable<Text>,
    }
}

diesel::table! {
    scholarship_answers (enrolment_id) {
        enrolment_id -> Uuid,
        is_scholar -> Nullable<Bool>,
        echelon -> Nullable<SmallInt>,
        answered_at -> Timestamptz,
    }
}

diesel::table! {
    canteen_services (id) {
        id -> Uuid,
        starts_on -> Date,
        ends_on -> Nullable<Date>,
        declared_by -> Uuid,
        declared_at -> Timestamptz,
    }
}

diesel::table! {
    canteen_colleges (id) {
        id -> Uuid,
        uai -> Text,
        starts_on -> Date,
        ends_on -> Nullable<Date>,
        declared_by -> Uuid,
        declared_at -> Timestamptz,
    }
}

diesel::table! {
    canteen_grids (id) {
        id -> Uuid,
        diner -> Text,
        version -> Integer,
        state -> Text,
        grid -> Jsonb,
        replaces -> Nullable<Uuid>,
        starts_on -> Nullable<Date>,
        ends_on -> Nullable<Date>,
        drafted_by -> Uuid,
        drafted_at -> Timestamptz,
        published_by -> Nullable<Uuid>,
        published_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    canteen_adults (id) {
        id -> Uuid,
        kind -> Text,
        college_uai -> Text,
        last_name -> Text,
        first_names -> Text,
        email -> Nullable<Text>,
        registered_by -> Uuid,
        registered_at -> Timestamptz,
        left_at -> Nullable<Timestamptz>,
        version -> Integer,
    }
}

diesel::table! {
    canteen_enrolments (id) {
        id -> Uuid,
        season -> Text,
        diner -> Text,
        person_id -> Uuid,
        family_id -> Nullable<Uuid>,
        college_uai -> Text,
        weekdays -> SmallInt,
        diet -> Nullable<Text>,
        starts_on -> Date,
        ends_on -> Date,
        state -> Text,
        end_reason -> Nullable<Text>,
        laid_out_version -> Nullable<Integer>,
        enrolled_by -> Uuid,
        enrolled_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
        version -> Integer,
    }
}

diesel::table! {
    canteen_meals (person_id, day) {
        person_id -> Uuid,
        day -> Date,
        enrolment_id -> Nullable<Uuid>,
        family_id -> Nullable<Uuid>,
        college_uai -> Text,
        state -> Text,
        changed_at -> Timestamptz,
        is_single -> Bool,
    }
}

diesel::table! {
    canteen_means (id) {
        id -> Uuid,
        person_id -> Uuid,
        family_id -> Nullable<Uuid>,
        season -> Text,
        starts_on -> Date,
        source -> Text,
        request_id -> Nullable<Uuid>,
        means_sealed -> Nullable<Binary>,
        decided_by -> Nullable<Uuid>,
        decided_at -> Timestamptz,
        purged_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    canteen_rates (id) {
        id -> Uuid,
        person_id -> Uuid,
        family_id -> Nullable<Uuid>,
        season -> Text,
        starts_on -> Date,
        grid_id -> Uuid,
        cents -> BigInt,
        unit -> Text,
        meal_cents -> BigInt,
        explanation -> Jsonb,
        explanation_sealed -> Nullable<Binary>,
        means_id -> Nullable<Uuid>,
        set_at -> Timestamptz,
        days_a_week -> Nullable<SmallInt>,
    }
}

diesel::table! {
    canteen_care_plans (id) {
        id -> Uuid,
        child_id -> Uuid,
        family_id -> Uuid,
        college_uai -> Text,
        measures_sealed -> Binary,
        own_meal -> Bool,
        starts_on -> Date,
        ends_on -> Date,
        recorded_by -> Uuid,
        recorded_at -> Timestamptz,
        ended_by -> Nullable<Uuid>,
        ended_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    canteen_attendance_locks (id) {
        id -> Uuid,
        college_uai -> Text,
        month -> Date,
        locked_by -> Uuid,
        locked_at -> Timestamptz,
        run_id -> Nullable<Uuid>,
        reopened_by -> Nullable<Uuid>,
        reopened_at -> Nullable<Timestamptz>,
        reopen_reason -> Nullable<Text>,
        accepted_gaps -> Nullable<Text>,
    }
}

diesel::table! {
    canteen_bill_runs (id) {
        id -> Uuid,
        month -> Date,
        state -> Text,
        due_days -> SmallInt,
        draft_no -> Integer,
        begun_by -> Uuid,
        begun_at -> Timestamptz,
        checked_by -> Nullable<Uuid>,
        checked_at -> Nullable<Timestamptz>,
        issued_by -> Nullable<Uuid>,
        issued_at -> Nullable<Timestamptz>,
        abandoned_by -> Nullable<Uuid>,
        abandoned_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    canteen_bill_drafts (run_id, draft_no) {
        run_id -> Uuid,
        draft_no -> Integer,
        bills -> BigInt,
        bills_cents -> BigInt,
        credit_notes -> BigInt,
        credits_cents -> BigInt,
        unpriced -> BigInt,
        digest -> Binary,
        drafted_by -> Uuid,
        drafted_at -> Timestamptz,
        left_out -> Nullable<Array<Text>>,
    }
}

diesel::table! {
    canteen_draft_lines (run_id, draft_no, rank) {
        run_id -> Uuid,
        draft_no -> Integer,
        rank -> Integer,
        family_id -> Nullable<Uuid>,
        adult_id -> Nullable<Uuid>,
        payer_id -> Uuid,
        corrects -> Nullable<Uuid>,
        person_id -> Uuid,
        college_uai -> Text,
        month -> Date,
        kind -> Text,
        rate_id -> Nullable<Uuid>,
        grid_id -> Nullable<Uuid>,
        days -> Array<Date>,
        meals -> Integer,
        unit_cents -> BigInt,
        amount_cents -> BigInt,
        origin_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    canteen_bill_series (kind, year) {
        kind -> Text,
        year -> Integer,
        last -> Integer,
    }
}

diesel::table! {
    canteen_bills (id) {
        id -> Uuid,
        kind -> Text,
        year -> Integer,
        number -> Integer,
        run_id -> Nullable<Uuid>,
        family_id -> Nullable<Uuid>,
        adult_id -> Nullable<Uuid>,
        payer_id -> Uuid,
        payer_name -> Text,
        month -> Date,
        issued_on -> Date,
        issued_at -> Timestamptz,
        due_on -> Nullable<Date>,
        total_cents -> BigInt,
        balance_before_cents -> BigInt,
        corrects -> Nullable<Uuid>,
        reason -> Nullable<Text>,
        bill_again -> Nullable<Bool>,
    }
}

diesel::table! {
    canteen_bill_lines (bill_id, rank) {
        bill_id -> Uuid,
        rank -> Integer,
        person_id -> Uuid,
        diner_name -> Text,
        college_uai -> Text,
        month -> Date,
        kind -> Text,
        rate_id -> Nullable<Uuid>,
        grid_id -> Nullable<Uuid>,
        days -> Array<Date>,
        meals -> Integer,
        unit_cents -> BigInt,
        amount_cents -> BigInt,
        origin_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    canteen_payments (id) {
        id -> Uuid,
        family_id -> Nullable<Uuid>,
        adult_id -> Nullable<Uuid>,
        payer_id -> Uuid,
        amount_cents -> BigInt,
        paid_on -> Date,
        means -> Text,
        reference -> Nullable<Text>,
        undoes -> Nullable<Uuid>,
        reason -> Nullable<Text>,
        key -> Uuid,
        fingerprint -> Binary,
        recorded_by -> Uuid,
        recorded_at -> Timestamptz,
        is_refund -> Bool,
    }
}

diesel::table! {
    canteen_cancellations (id) {
        id -> Uuid,
        bill_id -> Uuid,
        reason -> Text,
        bill_again -> Bool,
        note -> Nullable<Text>,
        two_persons -> Bool,
        state -> Text,
        key -> Uuid,
        fingerprint -> Binary,
        proposed_by -> Uuid,
        proposed_at -> Timestamptz,
        decided_by -> Nullable<Uuid>,
        decided_at -> Nullable<Timestamptz>,
        credit_note_id -> Nullable<Uuid>,
        bill_to_family_id -> Nullable<Uuid>,
        bill_to_adult_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    canteen_reminders (bill_id, level) {
        bill_id -> Uuid,
        level -> SmallInt,
        sent_at -> Timestamptz,
    }
}

diesel::table! {
    canteen_waivers (id) {
        id -> Uuid,
        family_id -> Uuid,
        season -> Text,
        reason -> Text,
        granted_by -> Uuid,
        granted_at -> Timestamptz,
    }
}

diesel::table! {
    canteen_rate_requests (id) {
        id -> Uuid,
        family_id -> Uuid,
        season -> Text,
        text_version -> Text,
        requested_by -> Uuid,
        requested_at -> Timestamptz,
        way -> Text,
        households -> Nullable<SmallInt>,
        state -> Text,
        inquiries -> SmallInt,
        inquiry_id -> Nullable<Uuid>,
        held_until -> Nullable<Timestamptz>,
        identity_sealed -> Nullable<Binary>,
        next_try_at -> Nullable<Timestamptz>,
        attempts -> Integer,
        call_id -> Nullable<Uuid>,
        answer -> Nullable<Text>,
        answer_detail -> Nullable<Text>,
        answered_at -> Nullable<Timestamptz>,
        source -> Nullable<Text>,
        income_year -> Nullable<SmallInt>,
        income_month -> Nullable<SmallInt>,
        is_year_before -> Nullable<Bool>,
        decided_by -> Nullable<Uuid>,
        closed_at -> Nullable<Timestamptz>,
        reason -> Nullable<Text>,
        note -> Nullable<Text>,
        version -> Integer,
    }
}

diesel::table! {
    canteen_rate_request_children (request_id, child_id) {
        request_id -> Uuid,
        child_id -> Uuid,
        family_id -> Uuid,
        season -> Text,
        starts_on -> Date,
        before_id -> Nullable<Uuid>,
        after_id -> Nullable<Uuid>,
        closed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    canteen_rate_request_steps (id) {
        id -> Uuid,
        request_id -> Uuid,
        family_id -> Uuid,
        step -> Text,
        at -> Timestamptz,
    }
}

diesel::table! {
    canteen_operators (id) {
        id -> Uuid,
        name -> Text,
        declared_by -> Uuid,
        declared_at -> Timestamptz,
    }
}

diesel::table! {
    canteen_operator_sites (id) {
        id -> Uuid,
        operator_id -> Uuid,
        college_uai -> Text,
        starts_on -> Date,
        ends_on -> Nullable<Date>,
        declared_by -> Uuid,
        declared_at -> Timestamptz,
    }
}

diesel::table! {
    canteen_gate_rules (college_uai, starts_on) {
        college_uai -> Text,
        starts_on -> Date,
        walk_ins -> Bool,
        set_by -> Uuid,
        set_at -> Timestamptz,
    }
}

diesel::table! {
    canteen_day_codes (id) {
        id -> Uuid,
        child_id -> Uuid,
        family_id -> Uuid,
        college_uai -> Text,
        day -> Date,
        code_hash -> Binary,
        issued_by -> Uuid,
        issued_at -> Timestamptz,
    }
}

diesel::table! {
    canteen_passages (device_id, sequence) {
        device_id -> Uuid,
        sequence -> BigInt,
        operator_id -> Uuid,
        college_uai -> Text,
        day -> Date,
        scanned_at -> Timestamptz,
        received_at -> Timestamptz,
        offline -> Bool,
        person_id -> Nullable<Uuid>,
        family_id -> Nullable<Uuid>,
        let_in -> Bool,
        reason -> Text,
        outcome -> Text,
        fingerprint -> Binary,
        turned_away -> Bool,
    }
}

diesel::table! {
    canteen_gates (device_id) {
        device_id -> Uuid,
        operator_id -> Uuid,
        college_uai -> Text,
        label -> Nullable<Text>,
        heard_at -> Nullable<Timestamptz>,
        revoked_at -> Nullable<Timestamptz>,
        deleted_until -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    season_versions,
    families,
    guardians,
    children,
    photos,
    documents,
    document_files,
    consents,
    enrolments,
    enrolment_events,
    enrolment_attestations,
    derogations,
    canteen_calendars,
    canteen_closures,
    canteen_adults,
    canteen_enrolments,
    canteen_meals,
    canteen_means,
    canteen_rates,
    canteen_care_plans,
    canteen_attendance_locks,
    canteen_bill_runs,
    canteen_bill_drafts,
    canteen_draft_lines,
    canteen_bill_series,
    canteen_bills,
    canteen_bill_lines,
    canteen_payments,
    canteen_cancellations,
    canteen_reminders,
    canteen_waivers,
    canteen_operators,
    canteen_operator_sites,
    canteen_gate_rules,
    canteen_day_codes,
    canteen_passages,
    canteen_gates,
    canteen_rate_requests,
    canteen_rate_request_children,
    canteen_rate_request_steps,
    news,
    season_openings,
    ledger_accounts,
    wallets,
    transfers,
    holds,
    ledger_rules,
    till_minutes,
    disputes,
    corrections,
    season_expiries,
    ledger_refusals,
    cards,
    card_keys,
    card_makers,
    card_batches,
    found_cards,
    affiliations,
    audit,
    journal,
    jobs,
    merchant_operations,
    merchant_holds,
    bank_accounts,
    payout_batches,
    payouts,
    payout_lines,
    payout_returns,
    roster_checks,
    authority_limits,
    authority_calls,
    schooling_checks,
    scholarship_answers
);
