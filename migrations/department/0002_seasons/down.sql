drop table season_versions;
