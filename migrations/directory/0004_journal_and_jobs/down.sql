drop table jobs, audit;
