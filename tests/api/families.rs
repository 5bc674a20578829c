use crate::support::{COLLEGE, World};

#[actix_web::test]
async fn smoke() {
    let world = World::start().await;
    let family = world.family("92").await;
    let secretary = world.secretary(COLLEGE).await;
    let child = family.add_child("Lou", "2015-03-14").await;
    let (enrolment, version) = family.submit(&child, &secretary.college).await;
    secretary.confirm(&enrolment, version).await;
}
