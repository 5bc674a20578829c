drop function record_arrival(text, text, text, date, text, text);
drop policy children_read on children;
drop table enrolment_events, enrolments;
