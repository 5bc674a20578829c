//! The service's own signing keys. A key is published before it signs and stays published until the last token it signed is dead.

use crate::{
    app::App,
    db::{Db, DirectoryTx},
    error::Error,
    http::{observe::Visitor, reply::Found},
    kernel::{
        actor::Caller,
        crypto::{SigningPair, sha256},
    },
    schema::directory::signing_keys,
};
use actix_web::{CustomizeResponder, Responder, get, web};
use chrono::{DateTime, TimeDelta, Utc};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use diesel::prelude::*;
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde::Serialize;
use std::{
    sync::{Arc, RwLock},
    time::{Duration, Instant},
};
use utoipa::ToSchema;

/// How long others may keep the published set; a new key waits longer than this before it signs.
const PUBLISHED_SECONDS: u64 = 300;
const BEFORE_SIGNING: TimeDelta = TimeDelta::minutes(10);
/// How long a replaced key stays published: its overlap, the life of its last token, and slack.
const AFTER_SIGNING: TimeDelta = TimeDelta::minutes(30);
/// How long this process trusts the set it read.
const REREAD_AFTER: Duration = Duration::from_secs(60);
/// A token with an unknown key makes us look again, but not at every request.
const REREAD_FLOOR: Duration = Duration::from_secs(5);

struct Key {
    kid: String,
    public: Vec<u8>,
    encoding: EncodingKey,
    decoding: DecodingKey,
    signs_from: DateTime<Utc>,
}

#[derive(Default)]
struct Read {
    keys: Vec<Key>,
    at: Option<Instant>,
}

/// The keys as this process knows them.
#[derive(Clone, Default)]
pub struct KeyRing(Arc<RwLock<Arc<Read>>>);

impl KeyRing {
    fn read(&self) -> Arc<Read> {
        self.0.read().map(|read| Arc::clone(&read)).unwrap_or_default()
    }

    /// Makes sure that the set is recent, and again when `kid` is not in it.
    pub async fn refresh(&self, db: &Db, kid: Option<&str>) -> Result<(), Error> {
        let read = self.read();
        let age = read.at.map(|at| at.elapsed());
        let known = kid.is_none_or(|kid| read.keys.iter().any(|key| key.kid == kid));
        if age.is_some_and(|age| age < REREAD_FLOOR || (known && age < REREAD_AFTER)) {
            return Ok(());
        }
        let keys = db.directory_write(&Caller::system(), load).await?;
        if let Ok(mut slot) = self.0.write() {
            *slot = Arc::new(Read { keys, at: Some(Instant::now()) });
        }
        Ok(())
    }

    /// The key that signs at `now`: the newest that may.
    pub fn sign(
        &self,
        now: DateTime<Utc>,
        with: impl Fn(&str, &EncodingKey) -> Result<String, Error>,
    ) -> Result<String, Error> {
        let read = self.read();
        let newest = read.keys.iter().filter(|key| key.signs_from <= now).max_by_key(|key| key.signs_from);
        let key = newest.ok_or_else(|| Error::internal("no signing key may sign yet"))?;
        with(&key.kid, &key.encoding)
    }

    /// The key of that name, while it is published.
    pub fn verifier(&self, kid: &str) -> Option<DecodingKey> {
        self.read().keys.iter().find(|key| key.kid == kid).map(|key| key.decoding.clone())
    }
}

#[derive(Queryable)]
struct KeyRow {
    kid: String,
    public_key: Vec<u8>,
    private_sealed: Vec<u8>,
    signs_from: DateTime<Utc>,
}

fn load(tx: &mut DirectoryTx<'_>) -> Result<Vec<Key>, Error> {
    let now = tx.now()?;
    let published = signing_keys::published_until.is_null().or(signing_keys::published_until.gt(now));
    let mut rows: Vec<KeyRow> = signing_keys::table
        .filter(published)
        .select((signing_keys::kid, signing_keys::public_key, signing_keys::private_sealed, signing_keys::signs_from))
        .load(tx.conn)?;
    if rows.is_empty() {
        rows.push(insert(tx, now)?);
    }
    rows.into_iter()
        .map(|row| {
            let pkcs8 = tx.key.open("signing-key", row.kid.as_bytes(), &row.private_sealed).map_err(Error::internal)?;
            Ok(Key {
                decoding: DecodingKey::from_ed_der(&row.public_key),
                encoding: EncodingKey::from_ed_der(&pkcs8),
                kid: row.kid,
                public: row.public_key,
                signs_from: row.signs_from,
            })
        })
        .collect()
}

fn insert(tx: &mut DirectoryTx<'_>, signs_from: DateTime<Utc>) -> Result<KeyRow, Error> {
    let pair = SigningPair::generate().map_err(Error::internal)?;
    let public_key = pair.public();
    let kid = HEXLOWER.encode(sha256(&public_key).get(..8).unwrap_or_default());
    let private_sealed = tx.key.seal("signing-key", kid.as_bytes(), pair.pkcs8()).map_err(Error::internal)?;
    let now = tx.now()?;
    diesel::insert_into(signing_keys::table)
        .values((
            signing_keys::kid.eq(&kid),
            signing_keys::public_key.eq(&public_key),
            signing_keys::private_sealed.eq(&private_sealed),
            signing_keys::created_at.eq(now),
            signing_keys::signs_from.eq(signs_from),
        ))
        .execute(tx.conn)?;
    Ok(KeyRow { kid, public_key, private_sealed, signs_from })
}

/// Publishes a new key, which signs in ten minutes; the present ones stay published half an hour more. Returns the new key's name.
pub fn rotate(tx: &mut DirectoryTx<'_>) -> Result<String, Error> {
    let now = tx.now()?;
    let until = now.checked_add_signed(BEFORE_SIGNING).and_then(|at| at.checked_add_signed(AFTER_SIGNING));
    diesel::update(signing_keys::table.filter(signing_keys::published_until.is_null()))
        .set(signing_keys::published_until.eq(until))
        .execute(tx.conn)?;
    let row = insert(tx, now.checked_add_signed(BEFORE_SIGNING).unwrap_or(now))?;
    Ok(row.kid)
}

/// A public key as RFC 8037 writes it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Jwk {
    #[schema(example = "OKP")]
    pub kty: &'static str,
    #[schema(example = "Ed25519")]
    pub crv: &'static str,
    #[schema(example = "EdDSA")]
    pub alg: &'static str,
    #[serde(rename = "use")]
    #[schema(example = "sig")]
    pub usage: &'static str,
    #[schema(example = "5f1d3c0a9b8e7d6c")]
    pub kid: String,
    /// The 32 bytes of the key, base64url.
    #[schema(example = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")]
    pub x: String,
    /// For card keys: the department that signs with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "92")]
    pub department: Option<crate::kernel::department::Department>,
}

impl Jwk {
    /// The published form of an Ed25519 key.
    pub fn ed25519(kid: String, public: &[u8], department: Option<crate::kernel::department::Department>) -> Self {
        Self {
            kty: "OKP",
            crv: "Ed25519",
            alg: "EdDSA",
            usage: "sig",
            kid,
            x: BASE64URL_NOPAD.encode(public),
            department,
        }
    }
}

/// A set of public keys.
#[derive(Debug, Serialize, ToSchema)]
pub struct Jwks {
    pub keys: Vec<Jwk>,
}

/// `200` that may be kept for five minutes.
pub fn published(jwks: Jwks) -> CustomizeResponder<Found<Jwks>> {
    Found(jwks).customize().insert_header(("cache-control", format!("public, max-age={PUBLISHED_SECONDS}")))
}

/// Keys that verify the service's access tokens.
///
/// New keys appear ten minutes before they sign, so a verifier may keep the set for five.
#[utoipa::path(tag = "keys", responses((status = 200, body = Jwks)))]
#[get("/.well-known/jwks.json")]
pub async fn list_token_keys(_visitor: Visitor, app: web::Data<App>) -> Result<impl Responder, Error> {
    app.keys.refresh(&app.db, None).await?;
    let keys = app.keys.read().keys.iter().map(|key| Jwk::ed25519(key.kid.clone(), &key.public, None)).collect();
    Ok(published(Jwks { keys }))
}
