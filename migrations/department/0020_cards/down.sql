drop table found_cards;
drop index cards_refused, cards_last_day, cards_to_print, cards_batch_place, cards_child, cards_one_coming, cards_one_used;
-- What is on its way has no place beside the card in use.
update cards set state = 'replaced' where state in ('ordered', 'printed', 'posted');
create unique index cards_one_live on cards (child_id) where state in ('ordered', 'printed', 'posted', 'active', 'blocked');
alter table cards drop constraint cards_batched, drop constraint cards_digital_is_used, drop column batch_rank, drop column batch_id,
    drop column form;
drop table card_batches, card_makers;
