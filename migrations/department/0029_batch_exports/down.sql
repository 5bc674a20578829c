alter table card_batches drop column exported_at;
