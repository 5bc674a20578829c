//! A ticket of the tour: made by the family, captured in part by the theatre, the rest back in the wallet.

use super::{Tour, title, wallet};
use crate::{
    demo::client::Request,
    kernel::{ids::RequestId, time},
};
use anyhow::ensure;
use serde_json::json;

impl Tour<'_> {
    pub(super) async fn use_ticket(
        &mut self,
        family_token: &str,
        child: &str,
        wallet_id: &str,
        till: &str,
    ) -> anyhow::Result<()> {
        title("Without its card, the family makes a ticket");
        let key = || RequestId::generate().to_string();
        let wallets = || Request::get(format!("/v1/departments/92/children/{child}/wallets")).by(family_token);
        let make = Request::post(
            format!("/v1/departments/92/wallets/{wallet_id}/tickets"),
            json!({ "amount_cents": 2000, "activity_label": "Le Malade imaginaire" }),
        );
        let ticket = self
            .show(201, make.by(family_token).with_key(&key()), "20,00 € set aside behind a code of 80 random bits.")
            .await?;
        let (id, code) = (ticket.text("/id")?, ticket.text("/code")?);
        let page = Request::get(format!("/v1/departments/92/tickets/{id}/ticket.pdf")).by(family_token);
        self.show(200, page, "The page to print: amount, last day, the code to read and to scan.").await?;
        let capture = json!({
            "ticket": code, "amount_cents": 1500, "activity_date": time::paris_date(time::server_now()),
        });
        let capture = || Request::post("/v1/ticket-captures", capture.clone()).by(till).with_key(&key());
        self.show(201, capture(), "The theatre takes 15,00 € of it.").await?;
        self.show(409, capture(), "A ticket is captured once.").await?;
        let after = self.show(200, wallets(), "The other 5,00 € are back.").await?;
        ensure!(wallet(&after, "culture")?.1 == 6000 - 1250 + 500 - 1500, "what was not captured came back");
        Ok(())
    }
}
