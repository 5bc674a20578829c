//! Who receives a family's benefits: what the guardian says of him, what is kept sealed until the CAF or the MSA answers, and the question.

use crate::{
    error::Error,
    fiscal::{
        quotient::{BirthPlace, Question},
        schooling::CivilSex,
    },
    kernel::{
        department::Department,
        text::{InseeCode, Label, Name},
    },
};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where somebody was born: the code of a commune, its name and department, or the code of a country.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BirthPlaceCodes {
    pub commune_code: Option<InseeCode>,
    #[schema(example = "Nanterre")]
    pub commune_name: Option<Label>,
    #[schema(value_type = Option<String>, example = "92")]
    pub department: Option<Department>,
    pub country_code: Option<InseeCode>,
}

/// Who receives the family's benefits, as the CAF or the MSA knows him.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Beneficiary {
    /// Birth last name.
    pub last_name: Name,
    /// Only when it is not the birth name.
    pub usage_name: Option<Name>,
    pub first_names: Name,
    #[schema(example = "F")]
    pub civil_sex: CivilSex,
    #[schema(example = "1986-04-03")]
    pub birth_date: NaiveDate,
    pub birth_place: BirthPlaceCodes,
}

impl Beneficiary {
    /// The question about the present quotient.
    pub fn question(&self) -> Result<Question, Error> {
        let BirthPlaceCodes { commune_code, commune_name, department, country_code } = self.birth_place.clone();
        let birth_place = match (commune_code, commune_name, department, country_code) {
            (Some(code), None, None, None) => BirthPlace::Commune(code),
            (None, Some(name), Some(department), None) => BirthPlace::Named(name, department),
            (None, None, None, Some(code)) => BirthPlace::Country(code),
            _ => {
                let detail = "une commune par son code, une commune par son nom et son département, ou un pays";
                return Err(Error::field("/beneficiary/birth_place", detail));
            }
        };
        Ok(Question {
            last_name: self.last_name.clone(),
            usage_name: self.usage_name.clone(),
            first_names: self.first_names.clone(),
            sex: self.civil_sex,
            birth_date: self.birth_date,
            birth_place,
            month: None,
        })
    }
}
