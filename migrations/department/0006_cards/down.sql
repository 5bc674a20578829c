drop function revalidate_card(uuid, date);
drop table card_keys, cards;
