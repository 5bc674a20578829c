drop table colleges;
