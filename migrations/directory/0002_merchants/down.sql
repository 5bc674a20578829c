drop table used_assertions, devices, merchants;
