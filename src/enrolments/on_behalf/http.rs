//! A secretary enrols a family.

use super::NewPupil;
use crate::{
    app::App,
    auth::actor::{By, Secretary},
    db::Tx,
    enrolments::{db::PupilRow, desk::http::PupilView, http::school, on_behalf},
    error::{Error, Refusal},
    families::guardians::Sender,
    http::{body::Body, reply::Created},
    kernel::department::Department,
};
use actix_web::{post, web};

/// Enrol a family of my collège on its behalf.
///
/// With a second factor shown within five minutes. The child's rights open at once; the family is told, and gets a code with which it enters
/// its file within sixty days. It alone gives its consents: none is recorded here. Refused when the department knows the pupil already.
#[utoipa::path(tag = "desk", request_body = NewPupil, responses((status = 201, body = PupilView)), security(("bearer" = [])))]
#[post("/v1/departments/{department}/desk/enrolments")]
pub async fn enrol_on_behalf(
    by: By<Secretary>,
    app: web::Data<App>,
    path: web::Path<(Department,)>,
    body: Body<NewPupil>,
) -> Result<Created<PupilView>, Error> {
    by.require_fresh_factor(app.db.server_now())?;
    let department = path.0;
    let new = body.0;
    let (first_names, last_name, birth_date) = (new.first_names.clone(), new.last_name.clone(), new.birth_date);
    let department_name = app.departments.get(&department).cloned().ok_or(Error::Refused(Refusal::NotFound))?;
    let sender = Sender { public_url: app.public_url.to_string(), department_name };
    let college = school(&app, &by.caller, by.college.clone()).await?.college;
    let enrolled = move |tx: &mut Tx<'_>| on_behalf::enrol_on_behalf(tx, &new, &college, &sender);
    let enrolment = app.db.write(department, &by.caller, enrolled).await?;
    Ok(Created(PupilRow { enrolment, first_names, last_name, birth_date }.into()))
}
