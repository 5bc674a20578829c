drop table affiliations;
