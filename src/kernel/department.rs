//! A department's official code: `92`, `78`, `2A`, `974`. Which ones the service runs for is configuration.

use std::{fmt, str::FromStr};

/// Code of a French department: two digits, `2A`/`2B`, or three digits overseas.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(try_from = "String", into = "String")]
#[diesel(sql_type = diesel::sql_types::Text)]
pub struct Department([u8; 3]);

impl Department {
    #[must_use]
    pub fn as_str(&self) -> &str {
        let used = if self.0[2] == 0 { &self.0[..2] } else { &self.0[..] };
        std::str::from_utf8(used).unwrap_or_default()
    }
}

impl FromStr for Department {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match *text.as_bytes() {
            [a @ b'0'..=b'9', b @ (b'0'..=b'9' | b'A' | b'B')] => Ok(Self([a, b, 0])),
            [b'9', b'7', c @ b'0'..=b'9'] => Ok(Self([b'9', b'7', c])),
            _ => Err("un code de département est attendu, par exemple 92, 2A ou 974".to_owned()),
        }
    }
}

impl TryFrom<String> for Department {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Department> for String {
    fn from(department: Department) -> Self {
        department.as_str().to_owned()
    }
}

impl fmt::Display for Department {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Department {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl utoipa::PartialSchema for Department {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::schema::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .pattern(Some("^([0-9][0-9AB]|97[0-9])$"))
            .examples([serde_json::json!("92")])
            .into()
    }
}
impl utoipa::ToSchema for Department {}

impl diesel::serialize::ToSql<diesel::sql_types::Text, diesel::pg::Pg> for Department {
    fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>) -> diesel::serialize::Result {
        <str as diesel::serialize::ToSql<diesel::sql_types::Text, diesel::pg::Pg>>::to_sql(self.as_str(), out)
    }
}

impl diesel::deserialize::FromSql<diesel::sql_types::Text, diesel::pg::Pg> for Department {
    fn from_sql(bytes: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
        let text = <String as diesel::deserialize::FromSql<diesel::sql_types::Text, diesel::pg::Pg>>::from_sql(bytes)?;
        text.parse().map_err(Into::into)
    }
}
