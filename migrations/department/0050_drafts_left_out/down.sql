alter table canteen_bill_drafts drop column left_out;
