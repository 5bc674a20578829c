//! One pupil eats by one file, though two tell of him: the file by which he has his rights.

use super::{at, child_of, enrol, open, states};
use crate::support::{COLLEGE, Family, SEASON, World};
use passplus::canteen::enrolments::following;
use serde_json::{Value, json};

async fn enrolments(family: &Family, child: &Value) -> Value {
    let path = format!("/v1/departments/92/children/{}/canteen-enrolments", child.as_str().unwrap());
    family.get(&path).await.expect(200).json.clone()
}

#[actix_web::test]
async fn a_pupil_of_two_files_eats_by_the_one_that_is_confirmed() {
    let world = World::start().await;
    open(&world, &[COLLEGE]).await;
    let (mother, father) = (world.family("92").await, world.family("92").await);
    let secretary = world.secretary(COLLEGE).await;
    let child = mother.add_child("Lou", "2015-03-14").await;
    let (request, version) = mother.submit(&child, COLLEGE).await;
    let hers = json!({ "child_id": child, "season": SEASON, "weekdays": ["monday", "thursday"], "diet": "everything" });
    let (_, his) = child_of(&father, "Lou").await;
    // A namesake born on another day, and a brother, are others.
    let other = father.add_child("Lou", "2014-03-14").await;
    father.submit(&other, COLLEGE).await;
    let others = json!({ "child_id": other, "season": SEASON, "weekdays": ["monday"], "diet": "everything" });
    let brother = child_of(&father, "Max").await.1;
    let ids = [
        enrol(&mother, &hers).await,
        enrol(&father, &his).await,
        enrol(&father, &others).await,
        enrol(&father, &brother).await,
    ];
    // Nobody has said yet whose pupil he is.
    assert_eq!(world.repeat(following::follow_requests).await, 0);

    let decision = json!({ "enrolment_id": request, "version": version, "decision": "confirm" });
    secretary.post("/v1/departments/92/desk/decisions", json!({ "decisions": [decision] })).await.expect(200);
    assert_eq!(world.repeat(following::follow_requests).await, 1);
    let list = enrolments(&father, &his["child_id"]).await;
    assert_eq!((&list[0]["state"], &list[0]["end_reason"]), (&json!("ended"), &json!("pupil_elsewhere")));
    assert_eq!(states(&father, &ids[1], "2026-11-02", "2026-11-05").await, ["cancelled"; 2]);
    for (family, kept) in [(&mother, &ids[0]), (&father, &ids[2]), (&father, &ids[3])] {
        assert_eq!(states(family, kept, "2026-11-02", "2026-11-02").await, ["reserved"]);
    }
    let (subject, body) = world.letters_to(&father.email).await.pop().unwrap();
    assert!(subject.contains("Fin de l'inscription") && body.contains("par un autre dossier"), "{body}");

    // As long as it is so he is not enrolled by this file again.
    let again = father.post(&at("enrolments"), his.clone()).await.refused(409, "enrolment.duplicate_pupil");
    assert!(again.text("/detail").contains("autre dossier"));
}
