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

-- A name as comparisons see it: without case, accents, spaces, hyphens and apostrophes, whatever the server's locale.
create function folded(name text) returns text language sql immutable parallel safe
    as $$ select lower(regexp_replace(normalize(name, NFD), '[\u0300-\u036f\s''’.,-]', '', 'g')) $$;

-- An id that sorts by the instant it was made (UUIDv7), as the service makes its own.
create function time_ordered_id() returns uuid language sql volatile
    as $$ select encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
              placing substring(int8send(floor(extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6),
              52, 1), 53, 1), 'hex')::uuid $$;

-- The instant of the transaction. The offset is set only by tests that advance the clock.
create function instant() returns timestamptz language sql stable
    as $$ select now() + coalesce(nullif(current_setting('app.clock_offset', true), '')::interval, interval '0') $$;
create function today() returns date language sql stable
    as $$ select (instant() at time zone 'Europe/Paris')::date $$;
