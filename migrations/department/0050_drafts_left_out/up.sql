-- What a draft leaves out is told of it as it was computed, also once it is issued. Absent of what was drafted before.
alter table canteen_bill_drafts add column left_out text[];
