-- Collèges as the national directory publishes them.
create table colleges (
    uai text primary key,
    name text not null,
    kind text not null constraint colleges_kind check (kind in ('public', 'private_under_contract', 'private_outside_contract')),
    department text not null,
    city text not null,
    postal_code text not null,
    open boolean not null,
    updated_at timestamptz not null,
    constraint colleges_of_department unique (uai, department)
);
create index colleges_department on colleges (department, name, uai);

-- A text without case and accents, whatever the server's locale: how names are searched.
create function folded(name text) returns text language sql immutable parallel safe
    as $$ select lower(regexp_replace(normalize(name, NFD), '[\u0300-\u036f]', '', 'g')) $$;

-- A secretary belongs to a known collège of his own department.
alter table staff_roles add constraint staff_roles_college_fk
    foreign key (college_uai, department) references colleges (uai, department) on delete restrict;
