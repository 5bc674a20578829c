drop policy documents_update on documents;
create policy documents_update on documents for update
    using (state = 'received' and (actor_instructs() or (sent_by = actor_account() and family_id in (select my_own_families()))))
    with check (actor_kind() = 'system'
        or (actor_instructs() and decided_by = actor_account())
        or (state = 'deleted' and sent_by = actor_account() and family_id in (select my_own_families())));
update documents set deletion_reason = 'not_decided' where deletion_reason = 'not_needed';
alter table documents
    drop constraint documents_deletion_reason,
    add constraint documents_deletion_reason check (deletion_reason in ('withdrawn', 'not_decided'));
