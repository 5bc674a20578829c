drop function has_accepted_document(uuid, text, text);
drop table document_files;
drop table documents;
drop function actor_instructs();
drop function actor_function();
