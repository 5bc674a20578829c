//! The table of refusals as the description of the API publishes it: every code, with its sentence.

use super::Refusal;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        extensions::Extensions,
        schema::{ObjectBuilder, Schema, Type},
    },
};

impl PartialSchema for Refusal {
    fn schema() -> RefOr<Schema> {
        let sentences: Vec<&str> = Self::ALL.iter().map(|refusal| refusal.sentence()).collect();
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(
                "Every code of a problem; `x-enum-descriptions` tells their sentences in the same order.",
            ))
            .enum_values(Some(Self::ALL.iter().map(|refusal| refusal.code())))
            .extensions(Some(Extensions::from_iter([("x-enum-descriptions", sentences)])))
            .into()
    }
}

impl ToSchema for Refusal {
    fn name() -> std::borrow::Cow<'static, str> {
        "ProblemCode".into()
    }
}
