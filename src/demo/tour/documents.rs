//! A proof of the tour: sent by the family, decided by an agent, and worth a top-up.

use super::{Tour, title, wallet};
use crate::{
    demo::{
        client::{Body, Request},
        people::Cast,
    },
    paper::Document,
};
use anyhow::ensure;
use reqwest::Method;
use serde_json::json;

impl Tour<'_> {
    pub(super) async fn prove_scholarship(
        &mut self,
        cast: &mut Cast,
        season: &str,
        family_token: &str,
        (child, enrolment): (&str, &str),
    ) -> anyhow::Result<()> {
        title("The family proves a scholarship");
        let path = format!("/v1/departments/92/children/{child}/documents?kind=scholarship_notice&season={season}");
        let upload = |file| Request {
            method: Method::POST,
            path: path.clone(),
            token: Some(family_token.to_owned()),
            body: Body::Raw("application/pdf", file),
            key: None,
        };
        let mut notice = Document::new("Notification de bourse");
        notice.paragraph("Sacha est boursier pour cette année scolaire.");
        let notice = notice.finish()?;
        let script = [notice.as_slice(), b"<</S/JavaScript/JS(app.alert(1))>>\nstartxref\n0\n%%EOF"].concat();
        self.show(422, upload(script), "A PDF that carries a program is refused, and the family is told what to do.")
            .await?;
        let sent = self
            .show(201, upload(notice), "The notice itself is kept encrypted, under a key of its own, for the agents.")
            .await?;
        let document = sent.text("/id")?;
        let agent = cast.administrator_92.sign_in(self.client).await?;
        let desk = "/v1/departments/92/agents-desk/documents";
        let queue = Request::get(format!("{desk}?kind=scholarship_notice&limit=1")).by(&agent);
        self.show(200, queue, "An agent finds what waits, oldest first.").await?;
        let file = Request::get(format!("{desk}/{document}/file")).by(&agent);
        self.show(200, file, "He reads it; the reading is written in the journal.").await?;
        let accept = json!({ "version": sent.number("/version")?, "decision": "accept" });
        let decision = || Request::post(format!("{desk}/{document}/decision"), accept.clone()).by(&agent);
        self.show(200, decision(), "Accepted: the file is deleted, the decision stays, the top-up is credited.")
            .await?;
        self.show(409, decision(), "A document is decided once.").await?;
        let proofs = Request::get(format!("/v1/departments/92/enrolments/{enrolment}/documents")).by(family_token);
        let proofs = self.show(200, proofs, "The family sees where each of its proofs stands.").await?;
        ensure!(proofs.text("/0/state")? == "accepted", "the proof is accepted");
        let wallets = Request::get(format!("/v1/departments/92/children/{child}/wallets")).by(family_token);
        let wallets = self.show(200, wallets, "10 € more in each wallet.").await?;
        ensure!(wallet(&wallets, "sport")?.1 == 3000, "the top-up is credited once");
        Ok(())
    }
}
