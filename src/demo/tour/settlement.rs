//! Paying the theatre: where its money goes, confirmed by two persons, and what a batch would pay. The payment itself waits 72 hours,
//! here as elsewhere.

use super::{Tour, title};
use crate::{
    demo::{
        client::Request,
        people::{Cast, PASSWORD, Person},
    },
    kernel::{ids::RequestId, time},
};
use anyhow::{Context, ensure};
use chrono::SecondsFormat;
use serde_json::{Value, json};

/// An IBAN of the banks' own examples.
const IBAN: &str = "FR7630006000011234567890189";
const ACCOUNTS: &str = "/v1/departments/92/bank-accounts";

impl Tour<'_> {
    pub(super) async fn prepare_payment(&mut self, cast: &mut Cast) -> anyhow::Result<()> {
        title("The theatre is to be paid");
        let administrator = cast.administrator_92.sign_in(self.client).await?;
        let now = time::server_now().to_rfc3339_opts(SecondsFormat::Micros, true);
        let plan = || Request::get(format!("/v1/departments/92/payout-plan?until={now}")).by(&administrator);
        let shown =
            self.show(200, plan(), "The plan: what each merchant is due, and what keeps it from being paid.").await?;
        let theatre = shown.json.pointer("/items").and_then(Value::as_array).into_iter().flatten();
        let mut theatre =
            theatre.filter(|item| item.get("merchant_name").and_then(Value::as_str) == Some("Théâtre des Sablons"));
        let theatre = theatre.next().context("the theatre is in the plan")?;
        ensure!(
            theatre.get("amount_cents").and_then(Value::as_i64).is_some_and(|cents| cents > 0),
            "the theatre is due money"
        );
        let merchant = theatre.get("merchant_id").and_then(Value::as_str).context("a merchant has an id")?;
        self.name_account(merchant, &administrator).await?;
        let table = Request::get(format!("/v1/departments/92/payout-plan.csv?until={now}")).by(&administrator);
        self.show(
            200,
            table,
            "The plan as a table, for the accountants; nothing is paid before the 72 hours are over.",
        )
        .await?;
        Ok(())
    }

    /// One proposes, another approves: once, whatever starts there were.
    async fn name_account(&mut self, merchant: &str, administrator: &str) -> anyhow::Result<()> {
        let known = Request::get(format!("{ACCOUNTS}?merchant_id={merchant}")).by(administrator);
        let known = self.show(200, known, "Its bank accounts, without their numbers.").await?;
        if known.json.pointer("/items/0").is_some() {
            return Ok(());
        }
        let finance = self.agent_of_finance(administrator).await?;
        let body = json!({ "merchant_id": merchant, "holder_name": "Théâtre des Sablons", "iban": IBAN });
        let proposed = self
            .show(201, Request::post(ACCOUNTS, body).by(&finance), "One person of finance proposes an account.")
            .await?;
        let approve =
            || Request::post(format!("{ACCOUNTS}/{}/approve", proposed.text("/id").unwrap_or_default()), json!({}));
        self.show(409, approve().by(&finance), "Who proposes does not approve.").await?;
        let approved = self
            .show(
                200,
                approve().by(administrator),
                "Another person does; it serves 72 hours later: time to notice a fraud.",
            )
            .await?;
        ensure!(approved.text("/state")? == "approved", "the account is approved");
        Ok(())
    }

    /// Somebody of finance, invited as agents are; his secret dies with the tour.
    async fn agent_of_finance(&mut self, administrator: &str) -> anyhow::Result<String> {
        let email = format!("finances.{}@departement-92.example", RequestId::generate().uuid().simple());
        let body = json!({ "email": email, "name": "Dominique Roux", "function": "finance" });
        let invite = Request::post("/v1/departments/92/staff", body).by(administrator);
        self.show(201, invite, "The administrator invites a person of finance.").await?;
        let body = json!({ "token": self.client.link(&email).await?, "password": PASSWORD });
        let accept = Request::post("/v1/invitations/accept", body);
        let accepted =
            self.show(201, accept, "The letter's link: a password, and a time code for each sign-in.").await?;
        Person::new(&email, "finance of department 92", Some(accepted.text("/secret")?)).sign_in(self.client).await
    }
}
