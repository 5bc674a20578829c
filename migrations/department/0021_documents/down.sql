drop table document_files;
drop table documents;
drop function actor_instructs();
drop function actor_function();
