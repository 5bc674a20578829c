//! The card of the tour: issued, drawn, on the telephone, ordered in plastic, verified without the service.

use super::Tour;
use crate::{cards::token, demo::client::Request};
use anyhow::ensure;
use serde_json::json;

impl Tour<'_> {
    /// Gives the card's id and its signed form.
    pub(super) async fn show_the_card(&mut self, family_token: &str, child: &str) -> anyhow::Result<(String, String)> {
        let card = self
            .show(
                200,
                Request::get(format!("/v1/departments/92/children/{child}/card")).by(family_token),
                "The card: a code to type, and its signed form for the QR.",
            )
            .await?;
        let (card_id, signed) = (card.text("/id")?, card.text("/signed")?);
        self.show(
            200,
            Request::get(format!("/v1/departments/92/cards/{card_id}/qr.png")).by(family_token),
            "The QR, as PNG (and as SVG).",
        )
        .await?;
        let picture = Request::get(format!("/v1/departments/92/cards/{card_id}/card.png")).by(family_token);
        self.show(200, picture, "The whole card, as PNG (and as PDF), with its text for screen readers.").await?;
        let live = Request::get(format!("/v1/departments/92/cards/{card_id}/live-codes")).by(family_token);
        let live =
            self.show(200, live, "On the telephone: another code every half minute, for ten minutes ahead.").await?;
        ensure!(live.text("/items/0/text")? != signed, "what the telephone shows is not what the card says");
        let order = format!("/v1/departments/92/children/{child}/cards/order");
        self.show(201, Request::post(order, json!({})).by(family_token), "A plastic card is ordered beside it.")
            .await?;
        let keys = self
            .show(
                200,
                Request::get("/.well-known/card-keys.json"),
                "Anyone verifies a card offline with the published keys.",
            )
            .await?;
        let keys = token::published_keys(&keys.json.to_string()).map_err(|reason| anyhow::anyhow!(reason))?;
        let verified = token::verify(&signed, &keys)?;
        println!(
            "     passplus card verify {}… --keys card-keys.json   → right, valid until {}",
            signed.get(..16).unwrap_or_default(),
            verified.valid_until()
        );
        Ok((card_id, signed))
    }
}
