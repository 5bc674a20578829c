drop table card_keys, cards;
