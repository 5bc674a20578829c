-- Supporting documents: what was sent, what was decided. The file itself lies apart, sealed, and only until the decision.

-- What an agent is charged with, as every transaction of his says it.
create function actor_function() returns text language sql stable
    as $$ select nullif(current_setting('app.function', true), '') $$;
-- The service's jobs, and the agents who instruct files: nobody else of the department has proofs to read.
create function actor_instructs() returns boolean language sql stable
    as $$ select coalesce(actor_kind() = 'system'
              or (actor_kind() = 'agent' and actor_function() in ('administrator', 'case_worker')), false) $$;

create table documents (
    id uuid primary key,
    child_id uuid not null constraint documents_child_fk references children on delete restrict,
    family_id uuid not null constraint documents_family_fk references families on delete restrict,
    season text not null,
    kind text not null constraint documents_kind
        check (kind in ('proof_of_address', 'certificate_of_schooling', 'proof_of_age', 'scholarship_notice', 'ase_attestation',
                        'tax_notice', 'pay_slip')),
    media text not null constraint documents_media check (media in ('application/pdf', 'image/jpeg')),
    bytes integer not null constraint documents_bytes check (bytes > 0),
    -- Of the file as it was sent, keyed by the department: nobody else can test a guess.
    content_hash bytea not null constraint documents_hash check (octet_length(content_hash) = 32),
    state text not null constraint documents_state check (state in ('received', 'accepted', 'refused', 'deleted')),
    sent_by uuid not null,
    received_at timestamptz not null,
    decided_by uuid,
    closed_at timestamptz,
    refusal_reason text constraint documents_refusal_reason
        check (refusal_reason in ('illegible', 'expired', 'wrong_kind', 'wrong_person', 'incomplete', 'not_official', 'other')),
    refusal_note text,
    deletion_reason text constraint documents_deletion_reason check (deletion_reason in ('withdrawn', 'not_decided')),
    version integer not null default 1,
    constraint documents_closed check ((state = 'received') = (closed_at is null)),
    constraint documents_decided check ((state in ('accepted', 'refused')) = (decided_by is not null)),
    constraint documents_refused check ((state = 'refused') = (refusal_reason is not null) and (state = 'refused' or refusal_note is null)),
    constraint documents_deleted check ((state = 'deleted') = (deletion_reason is not null))
);
create index documents_child on documents (child_id, season, id);
create index documents_queue on documents (id) where state = 'received';
-- Sent again because the answer was lost, a file waits once.
create unique index documents_same_file on documents (child_id, season, kind, content_hash) where state = 'received';

create table document_files (
    document_id uuid primary key constraint document_files_document_fk references documents on delete restrict,
    family_id uuid not null constraint document_files_family_fk references families on delete restrict,
    sent_by uuid not null,
    file_sealed bytea not null,
    -- The file's own key, sealed by the department's key of that version.
    key_sealed bytea not null,
    key_version text not null
);

alter table documents enable row level security;
create policy documents_read on documents for select using (
    actor_instructs() or family_id in (select my_families())
    or (actor_kind() = 'agent' and actor_function() = 'dpo'));
create policy documents_insert on documents for insert with check (
    state = 'received' and sent_by = actor_account() and family_id in (select my_own_families())
    and exists (select 1 from children c where c.id = child_id and c.family_id = documents.family_id));
-- Agents decide what waits; whoever sent a document may take it back.
create policy documents_update on documents for update
    using (state = 'received' and (actor_instructs() or (sent_by = actor_account() and family_id in (select my_own_families()))))
    with check (actor_kind() = 'system'
        or (actor_instructs() and decided_by = actor_account())
        or (state = 'deleted' and sent_by = actor_account() and family_id in (select my_own_families())));

-- A file is read by those who instruct it and by its sender alone: a tax notice is not the other parent's business.
alter table document_files enable row level security;
create policy document_files_read on document_files for select using (
    actor_instructs() or (sent_by = actor_account() and family_id in (select my_families())));
create policy document_files_insert on document_files for insert with check (
    sent_by = actor_account() and family_id in (select my_own_families()));
create policy document_files_rewrap on document_files for update
    using (actor_kind() = 'system') with check (actor_kind() = 'system');
create policy document_files_delete on document_files for delete using (
    actor_instructs() or (sent_by = actor_account() and family_id in (select my_own_families())));
