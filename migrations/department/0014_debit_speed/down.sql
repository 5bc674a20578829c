-- The functions keep their signature and their answers: they may stay as they are.
drop index families_debit_notices;
