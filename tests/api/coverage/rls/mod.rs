//! The database's own locks: row-level security, roles and grants, as an intruder with the service's password would meet them.

mod callers;
mod grants;

use super::{assert_same, schemas, texts};
use crate::support::Service;
use diesel::{Connection, PgConnection, connection::SimpleConnection};
use passplus::migrate::Schema;
use std::collections::BTreeSet;

fn department() -> Schema {
    schemas()[1]
}

/// A connection as the service's own role, as the service makes them.
fn as_the_service(service: &Service, schema: Schema) -> PgConnection {
    let place = match schema {
        Schema::Directory => &service.config.directory,
        Schema::Department(code) => &service.config.departments.iter().find(|d| d.code == code).unwrap().place,
    };
    PgConnection::establish(&place.url).unwrap()
}

fn as_the_superuser(service: &Service, schema: Schema) -> PgConnection {
    PgConnection::establish(&service.superuser_url(schema)).unwrap()
}

#[actix_web::test]
async fn every_table_of_a_department_is_behind_policies() {
    let service = Service::start().await;
    let mut conn = as_the_superuser(&service, department());
    let open = texts(
        &mut conn,
        "select relname from pg_class c join pg_namespace n on n.oid = relnamespace and nspname = 'public'
          where relkind in ('r', 'p', 'm') and relname <> '__diesel_schema_migrations'
            and not (relrowsecurity and exists (select 1 from pg_policies p where p.tablename = c.relname))",
    );
    assert_same("tables without row-level security", &BTreeSet::new(), &open);
    // A view runs as its owner, past the policies, unless it says otherwise; these filter by the calling merchant themselves.
    let past = texts(
        &mut conn,
        "select relname from pg_class c join pg_namespace n on n.oid = relnamespace and nspname = 'public'
          where relkind = 'v' and not coalesce(reloptions @> array['security_invoker=true'], false)",
    );
    assert_same(
        "views that look past the policies",
        &BTreeSet::from(["device_keys", "merchant_holds", "merchant_operations"].map(ToOwned::to_owned)),
        &past,
    );
    for schema in schemas() {
        let mut conn = as_the_superuser(&service, schema);
        let loose = texts(
            &mut conn,
            "select p.proname from pg_proc p join pg_namespace n on n.oid = pronamespace and nspname = 'public'
              where prosecdef and not exists (select 1 from unnest(proconfig) c where c = 'search_path=public, pg_temp')",
        );
        assert_same("SECURITY DEFINER functions without a pinned search_path", &BTreeSet::new(), &loose);
        let public = texts(
            &mut conn,
            "select p.proname from pg_proc p join pg_namespace n on n.oid = pronamespace and nspname = 'public',
                    lateral aclexplode(coalesce(proacl, acldefault('f', proowner))) a where a.grantee = 0",
        );
        assert_same("functions that anybody may call", &BTreeSet::new(), &public);
    }
}

#[actix_web::test]
async fn the_services_role_owns_nothing_makes_nothing_and_bypasses_nothing() {
    let service = Service::start().await;
    for schema in schemas() {
        let role = schema.app();
        let mut conn = as_the_superuser(&service, schema);
        let owned = texts(
            &mut conn,
            &format!(
                "select 'relation ' || relname from pg_class where relowner = '{role}'::regrole
                 union all select 'function ' || proname from pg_proc where proowner = '{role}'::regrole
                 union all select 'schema ' || nspname from pg_namespace where nspowner = '{role}'::regrole
                 union all select 'database ' || datname from pg_database where datdba = '{role}'::regrole
                 union all select 'member of ' || roleid::regrole from pg_auth_members where member = '{role}'::regrole
                 union all select 'attribute' from pg_roles where rolname = '{role}'
                       and (rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls or rolinherit)"
            ),
        );
        assert_same(&format!("{role} owns or is"), &BTreeSet::new(), &owned);
        let mut own = as_the_service(&service, schema);
        for sql in [
            "create table intruder (id int)",
            "create temp table intruder (id int)",
            "create function intruder() returns int language sql as 'select 1'",
            "create schema intruder",
            "create role intruder",
            "alter table audit disable row level security",
            "drop table audit",
            "truncate audit",
            "update audit set action = 'nothing'",
            "delete from audit",
            "set role postgres",
            &format!("set role {}", schema.owner()),
            "copy audit to program 'true'",
            "select * from pg_authid",
        ] {
            assert!(own.batch_execute(sql).is_err(), "{role} may: {sql}");
        }
        // One department's role does not even enter another's database.
        let elsewhere = service.superuser_url(Schema::Department("78".parse().unwrap()));
        let url = elsewhere.replacen(&format!("//{}@", passplus::embedded::SUPERUSER), &format!("//{role}@"), 1);
        assert!(
            PgConnection::establish(&elsewhere).is_ok() && PgConnection::establish(&url).is_err(),
            "{role} enters 78"
        );
    }
}
