//! Guardians' records. Contact records are read apart, so that who lists the guardians of a file does not hold their addresses.

use super::GuardianRights;
use crate::{
    db::Tx,
    error::Error,
    kernel::{
        ids::{AccountId, FamilyId, GuardianId},
        text::{Email, Name, Phone, PostalAddress},
    },
    schema::department::guardians,
};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::{prelude::*, sql_types};
use serde::Deserialize;
use utoipa::ToSchema;

diesel::define_sql_function! {
    /// The one door by which an invited guardian enters a file that he cannot see yet; null when the code opens nothing.
    fn accept_guardian_invitation(token_hash: diesel::sql_types::Binary) -> diesel::sql_types::Nullable<diesel::sql_types::Uuid>;
}

/// Who somebody is.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = guardians)]
pub struct Person {
    pub first_names: Name,
    pub last_name: Name,
}

/// How a guardian is reached, as he says it: for himself and the department only.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset, Deserialize, ToSchema)]
#[diesel(table_name = guardians, treat_none_as_null = true)]
#[serde(deny_unknown_fields)]
#[schema(as = ChangeContact)]
pub struct Contact {
    pub email: Email,
    /// Absent: no number is kept.
    pub phone: Option<Phone>,
    /// Absent: no address is kept.
    pub postal_address: Option<PostalAddress>,
}

/// What the guardians of a file know of each other.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = guardians)]
pub struct GuardianRecord {
    pub id: GuardianId,
    pub family_id: FamilyId,
    pub account_id: Option<AccountId>,
    pub first_names: Name,
    pub last_name: Name,
    pub rights: GuardianRights,
    pub rights_from: NaiveDate,
    pub rights_until: Option<NaiveDate>,
    pub invitation_expires_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Insertable)]
#[diesel(table_name = guardians)]
pub struct NewGuardian {
    pub id: GuardianId,
    pub family_id: FamilyId,
    pub account_id: Option<AccountId>,
    #[diesel(embed)]
    pub person: Person,
    #[diesel(embed)]
    pub contact: Contact,
    pub rights: GuardianRights,
    pub rights_from: NaiveDate,
    pub rights_until: Option<NaiveDate>,
    pub invitation_hash: Option<Vec<u8>>,
    pub invitation_expires_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

pub fn insert(tx: &mut Tx<'_>, guardian: &NewGuardian) -> Result<(), Error> {
    diesel::insert_into(guardians::table).values(guardian).execute(tx.conn)?;
    Ok(())
}

pub fn record(tx: &mut Tx<'_>, id: GuardianId) -> Result<GuardianRecord, Error> {
    Ok(guardians::table.find(id).select(GuardianRecord::as_select()).first(tx.conn)?)
}

pub fn lock_record(tx: &mut Tx<'_>, id: GuardianId) -> Result<GuardianRecord, Error> {
    Ok(guardians::table.find(id).select(GuardianRecord::as_select()).for_update().first(tx.conn)?)
}

pub fn records(tx: &mut Tx<'_>, family: FamilyId) -> Result<Vec<GuardianRecord>, Error> {
    let of_family = guardians::table.filter(guardians::family_id.eq(family)).order(guardians::id);
    Ok(of_family.select(GuardianRecord::as_select()).load(tx.conn)?)
}

pub fn records_with_contact(tx: &mut Tx<'_>, family: FamilyId) -> Result<Vec<(GuardianRecord, Contact)>, Error> {
    let of_family = guardians::table.filter(guardians::family_id.eq(family)).order(guardians::id);
    Ok(of_family.select((GuardianRecord::as_select(), Contact::as_select())).load(tx.conn)?)
}

pub fn contact_of(tx: &mut Tx<'_>, family: FamilyId, account: AccountId) -> Result<Contact, Error> {
    let own = guardians::table.filter(guardians::family_id.eq(family).and(guardians::account_id.eq(account)));
    Ok(own.select(Contact::as_select()).first(tx.conn)?)
}

pub fn id_of(tx: &mut Tx<'_>, family: FamilyId, account: AccountId) -> Result<GuardianId, Error> {
    let own = guardians::table.filter(guardians::family_id.eq(family).and(guardians::account_id.eq(account)));
    Ok(own.select(guardians::id).first(tx.conn)?)
}

/// What that account may do in a file, and until which day.
pub fn rights_of(
    tx: &mut Tx<'_>,
    family: FamilyId,
    account: AccountId,
) -> Result<(GuardianRights, Option<NaiveDate>), Error> {
    let own = guardians::table.filter(guardians::family_id.eq(family).and(guardians::account_id.eq(account)));
    Ok(own.select((guardians::rights, guardians::rights_until)).first(tx.conn)?)
}

pub fn present_emails(tx: &mut Tx<'_>, family: FamilyId, today: NaiveDate) -> Result<Vec<Email>, Error> {
    Ok(guardians::table
        .filter(guardians::family_id.eq(family).and(guardians::account_id.is_not_null()))
        .filter(guardians::rights_from.le(today))
        .filter(guardians::rights_until.is_null().or(guardians::rights_until.ge(today)))
        .select(guardians::email)
        .distinct()
        .load(tx.conn)?)
}

/// Accounts and addresses of the guardians with present rights.
pub fn present_accounts(
    tx: &mut Tx<'_>,
    family: FamilyId,
    today: NaiveDate,
) -> Result<Vec<(Option<AccountId>, Email)>, Error> {
    Ok(guardians::table
        .filter(guardians::family_id.eq(family).and(guardians::account_id.is_not_null()))
        .filter(guardians::rights_from.le(today))
        .filter(guardians::rights_until.is_null().or(guardians::rights_until.ge(today)))
        .select((guardians::account_id, guardians::email))
        .load(tx.conn)?)
}

/// Guardians whose rights have not ended, and invitations still open.
pub fn count_present(tx: &mut Tx<'_>, family: FamilyId, now: DateTime<Utc>, today: NaiveDate) -> Result<i64, Error> {
    Ok(guardians::table
        .filter(guardians::family_id.eq(family))
        .filter(guardians::rights_until.is_null().or(guardians::rights_until.ge(today)))
        .filter(guardians::account_id.is_not_null().or(guardians::invitation_expires_at.gt(now)))
        .count()
        .get_result(tx.conn)?)
}

pub fn set_contact(
    tx: &mut Tx<'_>,
    family: FamilyId,
    account: AccountId,
    contact: &Contact,
) -> Result<GuardianId, Error> {
    let own = guardians::table.filter(guardians::family_id.eq(family).and(guardians::account_id.eq(account)));
    Ok(diesel::update(own).set(contact).returning(guardians::id).get_result(tx.conn)?)
}

/// By the department's own door: the service's role may not update these columns.
pub fn set_rights(
    tx: &mut Tx<'_>,
    id: GuardianId,
    rights: GuardianRights,
    until: Option<NaiveDate>,
) -> Result<(), Error> {
    diesel::sql_query("select set_guardian_rights($1, $2, $3)")
        .bind::<sql_types::Uuid, _>(id)
        .bind::<sql_types::Text, _>(rights)
        .bind::<sql_types::Nullable<sql_types::Date>, _>(until)
        .execute(tx.conn)?;
    Ok(())
}

pub fn accept_invitation(tx: &mut Tx<'_>, hash: &[u8]) -> Result<Option<FamilyId>, Error> {
    Ok(diesel::select(accept_guardian_invitation(hash)).get_result(tx.conn)?)
}
