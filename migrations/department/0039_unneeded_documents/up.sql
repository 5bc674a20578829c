-- What a decision was taken without is deleted with it: by the agent who decided, or by the service when an administration's answer did.
alter table documents
    drop constraint documents_deletion_reason,
    add constraint documents_deletion_reason check (deletion_reason in ('withdrawn', 'not_decided', 'not_needed'));
drop policy documents_update on documents;
create policy documents_update on documents for update
    using (state = 'received' and (actor_instructs() or (sent_by = actor_account() and family_id in (select my_own_families()))))
    with check (actor_kind() = 'system'
        or (actor_instructs() and (decided_by = actor_account() or deletion_reason = 'not_needed'))
        or (state = 'deleted' and sent_by = actor_account() and family_id in (select my_own_families())));
