//! What the tour's people may not do, and what the journal keeps of the rest.

use super::{Tour, title};
use crate::demo::{client::Request, people::Cast};
use anyhow::ensure;

impl Tour<'_> {
    pub(super) async fn try_the_doors(
        &mut self,
        cast: &mut Cast,
        family_token: &str,
        child: &str,
        enrolment: &str,
    ) -> anyhow::Result<()> {
        title("Everyone in his place");
        let other = cast.family_78.sign_in(self.client).await?;
        self.show(
            404,
            Request::get(format!("/v1/departments/92/children/{child}/wallets")).by(&other),
            "Another family: nothing is there.",
        )
        .await?;
        self.show(
            403,
            Request::get("/v1/departments/92/desk/enrolments").by(family_token),
            "A family is no secretary.",
        )
        .await?;
        let agent_78 = cast.administrator_78.sign_in(self.client).await?;
        self.show(
            404,
            Request::get("/v1/departments/92/journal").by(&agent_78),
            "An agent of the other department: nothing is there either.",
        )
        .await?;
        let agent = cast.administrator_92.sign_in(self.client).await?;
        let journal = self
            .show(
                200,
                Request::get(format!("/v1/departments/92/journal?object_id={enrolment}")).by(&agent),
                "His own department's journal tells who did what.",
            )
            .await?;
        ensure!(journal.json.to_string().contains("enrolment_confirmed"), "the journal tells the confirmation");
        Ok(())
    }
}
