drop function folded(text);
drop table colleges;
