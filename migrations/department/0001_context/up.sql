-- Who acts, as every transaction says it in its first statement. An absent setting is NULL after the first use of a
-- connection only by way of nullif: PostgreSQL leaves '' behind. Nothing set means nothing seen.
create function actor_kind() returns text language sql stable
    as $$ select nullif(current_setting('app.kind', true), '') $$;
create function actor_account() returns uuid language sql stable
    as $$ select nullif(current_setting('app.account', true), '')::uuid $$;
create function actor_college() returns text language sql stable
    as $$ select nullif(current_setting('app.college', true), '') $$;
create function actor_device() returns uuid language sql stable
    as $$ select nullif(current_setting('app.device', true), '')::uuid $$;
create function actor_merchant() returns uuid language sql stable
    as $$ select nullif(current_setting('app.merchant', true), '')::uuid $$;
-- The department's own people and the service's jobs.
create function actor_is_department() returns boolean language sql stable
    as $$ select coalesce(actor_kind() in ('system', 'agent'), false) $$;

-- The instant of the transaction. The offset is set only by tests that advance the clock.
create function instant() returns timestamptz language sql stable
    as $$ select now() + coalesce(nullif(current_setting('app.clock_offset', true), '')::interval, interval '0') $$;
create function today() returns date language sql stable
    as $$ select (instant() at time zone 'Europe/Paris')::date $$;
