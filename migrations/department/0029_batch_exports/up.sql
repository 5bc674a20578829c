-- When the archive of a batch first left: from then on its maker can print it.
alter table card_batches add column exported_at timestamptz;
-- Those that were printed before had left.
update card_batches set exported_at = approved_at where state in ('approved', 'printed', 'posted');
alter table card_batches add constraint card_batches_exported check (state not in ('printed', 'posted') or exported_at is not null);
