drop table roster_checks;
