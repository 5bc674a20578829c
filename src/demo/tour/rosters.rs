//! The collège's own list of pupils: checked, then applied in one step.

use super::{Tour, fresh_name, title};
use crate::demo::{
    client::{Body, Request},
    load::birth_date,
    people::Cast,
};
use anyhow::ensure;
use reqwest::Method;
use serde_json::json;

const ROSTER: &str = "/v1/departments/92/desk/roster";

impl Tour<'_> {
    pub(super) async fn apply_roster(&mut self, cast: &mut Cast, family_token: &str) -> anyhow::Result<()> {
        title("The collège's roster confirms in one step");
        let season = cast.season.clone();
        let secretary = cast.secretary_92.sign_in(self.client).await?;
        let last_name = self.enrol_sibling(&season, family_token).await?;
        let file = format!(
            "Division;Nom de famille;Prénom 1;Né(e) le\n6A;{};NOE;{}\n6B;PETIT;Zoé;01/02/2014\n",
            last_name.to_uppercase(),
            birth_date(&season)
        );
        let send = |step: String| Request {
            method: Method::POST,
            path: format!("{ROSTER}/{step}"),
            token: Some(secretary.clone()),
            body: Body::Raw("text/csv", file.clone().into_bytes()),
            key: None,
        };
        let checked = self
            .show(
                200,
                send(format!("check?season={season}")),
                "The school's export, as it is: who has a request, who has none, which request is in no row.",
            )
            .await?;
        ensure!(checked.number("/counts/to_confirm")? == 1, "one pupil of the file has a request");
        ensure!(checked.number("/counts/none")? == 1, "the other has none, and is not kept");
        let apply = format!("apply?season={season}&digest={}", checked.text("/digest")?);
        let applied = self.show(200, send(apply.clone()), "Applied: every match is confirmed, or none.").await?;
        ensure!(applied.number("/activated")? == 1, "the match is confirmed");
        self.show(409, send(apply), "The same check again: the situation has changed, nothing is done twice.").await?;
        Ok(())
    }

    /// One more child of the family, whose request waits; gives back his last name.
    async fn enrol_sibling(&mut self, season: &str, family_token: &str) -> anyhow::Result<String> {
        let files = self.show(200, Request::get("/v1/departments/92/families").by(family_token), "The family's file.");
        let family = files.await?.text("/items/0/id")?;
        let last_name = fresh_name();
        let body = json!({ "first_names": "Noé", "last_name": last_name, "birth_date": birth_date(season), "residence": "92" });
        let add = Request::post(format!("/v1/departments/92/families/{family}/children"), body).by(family_token);
        let child = self.show(201, add, "A second child.").await?.text("/id")?;
        let body = json!({ "season": season, "college_uai": "0920001B", "level": "6e", "formula": "sport", "declares_scholarship": false });
        let draft = Request::post(format!("/v1/departments/92/children/{child}/enrolments"), body).by(family_token);
        let draft = self.show(201, draft, "His request.").await?;
        let path = format!("/v1/departments/92/enrolments/{}/submit", draft.text("/id")?);
        let submit = Request::post(path, json!({ "version": draft.number("/version")? })).by(family_token);
        self.show(200, submit, "It waits for the collège.").await?;
        Ok(last_name)
    }
}
