drop function queue_schooling_check(uuid, text);
drop table scholarship_answers, schooling_checks, authority_calls, authority_limits;
