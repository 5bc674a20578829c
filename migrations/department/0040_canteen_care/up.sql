-- Nothing of the canteen is there twice: no operator's name, no closure of the same collège (or of all) on the same day.

-- What was accepted twice is told apart by the end of its id.
update canteen_operators o set name = left(o.name, 110) || ' (' || right(o.id::text, 6) || ')'
  from (select id, row_number() over (partition by folded(name) order by id) as rank from canteen_operators) d
 where d.id = o.id and d.rank > 1;
create unique index canteen_operators_one_name on canteen_operators (folded(name));

-- Of closures that share days the first declared takes over those of the others, and takes their meals too.
do $$
declare
    twice record;
begin
    loop
        select a.id as kept, b.id as other, b.declared_by, least(a.from_day, b.from_day) as from_day,
               greatest(a.until_day, b.until_day) as until_day
          into twice
          from canteen_closures a join canteen_closures b on a.id < b.id and a.college_uai is not distinct from b.college_uai
               and a.from_day <= b.until_day and b.from_day <= a.until_day
         where a.withdrawn_at is null and b.withdrawn_at is null order by a.id, b.id limit 1;
        exit when not found;
        update canteen_closures set withdrawn_by = twice.declared_by, withdrawn_at = now(), applied_until = null where id = twice.other;
        update canteen_closures set from_day = twice.from_day, until_day = twice.until_day, applied_until = null where id = twice.kept;
    end loop;
end $$;
-- No collège has the number -1: it stands for all of them.
alter table canteen_closures add constraint canteen_closures_once exclude using gist (
    int4range(coalesce(left(college_uai, 7)::integer, -1), coalesce(left(college_uai, 7)::integer, -1), '[]') with &&,
    daterange(from_day, until_day, '[]') with &&) where (withdrawn_at is null);

-- A meal that is closed is its enrolment's as one that is reserved: it ends with it, and who enrols while a closure stands has it too.
update canteen_meals m set state = 'cancelled', changed_at = now()
  from canteen_enrolments e
 where e.id = m.enrolment_id and e.state = 'ended' and m.state = 'closed' and m.day > current_date;
update canteen_enrolments e set laid_out_version = null
 where e.state = 'active' and exists (
     select 1 from canteen_closures c where c.withdrawn_at is null and c.until_day > current_date
        and (c.college_uai is null or c.college_uai = e.college_uai));
