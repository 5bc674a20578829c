alter table staff_roles drop constraint staff_roles_college_fk;
drop function folded(text);
drop table colleges;
