//! The main job, step by step: each with its request, its answer and a sentence, each checked.

pub(super) mod canteen;
mod cards;
mod documents;
mod doors;
mod photo;
mod rosters;
mod settlement;
mod tickets;

use super::{
    client::{Answer, Body, Client, Request},
    load::birth_date,
    people::{Cast, PASSWORD, Person},
    screen::{brief, cut},
};
use crate::kernel::{crypto::random, ids::RequestId, time};
use anyhow::{Context, ensure};
use serde_json::{Value, json};

struct Tour<'a> {
    client: &'a Client,
    step: u32,
}

/// What the family holds once its child is enrolled.
struct Issued {
    card_id: String,
    signed: String,
    culture_wallet: String,
}

/// Plays the whole tour; an error names the first step that did not answer as it must. Returns the number of the last step.
pub async fn play(client: &Client, cast: &mut Cast) -> anyhow::Result<u32> {
    let mut tour = Tour { client, step: 0 };
    let season = cast.season.clone();
    let family_token = tour.open_account(&season).await?;
    let (child, enrolment) = tour.enrol_child(&season, &family_token).await?;
    tour.review_photo(cast, &child).await?;
    let issued = tour.confirm(cast, &family_token, &child, &enrolment).await?;
    tour.apply_roster(cast, &family_token).await?;
    let till = tour.debit(cast, &issued.signed).await?;
    tour.look_back(&family_token, &issued, &till).await?;
    tour.use_ticket(&family_token, &child, &issued.culture_wallet, &till).await?;
    tour.prove_scholarship(cast, &season, &family_token, (&child, &enrolment)).await?;
    tour.prepare_payment(cast).await?;
    tour.try_the_doors(cast, &family_token, &child, &enrolment).await?;
    Ok(tour.step)
}

/// A purchase at the theatre, of that many cents.
fn purchase(signed: &str, cents: i64) -> Value {
    let today = time::paris_date(time::server_now());
    json!({
        "card": signed, "wallet_kind": "culture", "amount_cents": cents, "activity_label": "Le Malade imaginaire",
        "activity_date": today,
    })
}

/// A name that no earlier start gave: one pupil has his rights once.
fn fresh_name() -> String {
    let letters = random::<6>().map(|byte| char::from(b'a'.saturating_add(byte % 26)));
    format!("Lefèvre-{}", letters.iter().collect::<String>())
}

fn title(title: &str) {
    println!("\n━━ {title} ━━");
}

impl Tour<'_> {
    async fn open_account(&mut self, season: &str) -> anyhow::Result<String> {
        // A name of its own, so that every start plays a new family.
        let family_email = format!("tour.{}@example.fr", RequestId::generate().uuid().simple());
        title("A family opens an account");
        self.show(
            200,
            Request::get(format!("/v1/departments/92/seasons/{season}")),
            "The season's rules are public: dates, formulas, amounts, conditions.",
        )
        .await?;
        self.show(
            202,
            Request::post("/v1/accounts", json!({ "email": family_email })),
            "The answer is the same for a known address; a letter brings a link.",
        )
        .await?;
        let link = self.client.link(&family_email).await?;
        self.show(
            204,
            Request::post("/v1/accounts/confirm", json!({ "token": link, "password": PASSWORD })),
            "The link proves the address; the password is chosen behind it.",
        )
        .await?;
        let parent = Person::new(&family_email, "family of the tour", None);
        let answer = self
            .show(
                201,
                Request::post("/v1/sessions", parent.credentials(self.client.now(), 0)?),
                "Ten minutes of access, and a refresh token that serves once.",
            )
            .await?;
        answer.text("/access_token")
    }

    async fn enrol_child(&mut self, season: &str, family_token: &str) -> anyhow::Result<(String, String)> {
        let last_name = fresh_name();
        title("It enrols a child");
        let body = json!({ "first_names": "Inès", "last_name": last_name });
        let file = self
            .show(
                201,
                Request::post("/v1/departments/92/families", body).by(family_token),
                "One login; a file in each department that concerns it.",
            )
            .await?;
        let family = file.text("/id")?;
        let body = json!({ "first_names": "Sacha", "last_name": last_name, "birth_date": birth_date(season), "residence": "92" });
        let child = self
            .show(
                201,
                Request::post(format!("/v1/departments/92/families/{family}/children"), body).by(family_token),
                "The child, with what eligibility needs and no more.",
            )
            .await?;
        let child = child.text("/id")?;
        self.send_photo(family_token, &child).await?;
        let body = json!({ "season": season, "college_uai": "0920001B", "level": "6e", "formula": "culture", "declares_scholarship": false });
        let request = self
            .show(
                201,
                Request::post(format!("/v1/departments/92/children/{child}/enrolments"), body).by(family_token),
                "A draft binds nobody.",
            )
            .await?;
        let enrolment = request.text("/id")?;
        let body = json!({ "version": request.number("/version")? });
        let request = self
            .show(
                200,
                Request::post(format!("/v1/departments/92/enrolments/{enrolment}/submit"), body).by(family_token),
                "Submitted: a rule of the season makes the child eligible, and is named.",
            )
            .await?;
        ensure!(request.text("/state")? == "submitted", "the request is submitted");
        Ok((child, enrolment))
    }

    async fn confirm(
        &mut self,
        cast: &mut Cast,
        family_token: &str,
        child: &str,
        enrolment: &str,
    ) -> anyhow::Result<Issued> {
        title("The collège confirms, the two wallets fill, the card is issued");
        let secretary = cast.secretary_92.sign_in(self.client).await?;
        let desk = self
            .show(
                200,
                Request::get("/v1/departments/92/desk/enrolments?state=submitted&limit=100").by(&secretary),
                "The secretary (password and time code) sees what waits in his collège.",
            )
            .await?;
        let waiting = desk.json.pointer("/items").and_then(Value::as_array).context("the desk is a list")?;
        let row = waiting
            .iter()
            .find(|row| row.pointer("/enrolment_id").and_then(Value::as_str) == Some(enrolment))
            .context("the request waits at the desk")?;
        let body = json!({ "decisions": [{ "enrolment_id": enrolment, "version": row.get("version"), "decision": "confirm" }] });
        let decided = self
            .show(
                200,
                Request::post("/v1/departments/92/desk/decisions", body).by(&secretary),
                "Confirmed, active, granted: one transaction.",
            )
            .await?;
        ensure!(decided.text("/results/0/state")? == "active", "the enrolment is active");
        let wallets = self
            .show(
                200,
                Request::get(format!("/v1/departments/92/children/{child}/wallets")).by(family_token),
                "60 € of culture and 20 € of sport, in cents.",
            )
            .await?;
        let culture = wallet(&wallets, "culture")?;
        ensure!(culture.1 == 6000 && wallet(&wallets, "sport")?.1 == 2000, "the formula gives 60 € and 20 €");
        let (card_id, signed) = self.show_the_card(family_token, child).await?;
        Ok(Issued { card_id, signed, culture_wallet: culture.0 })
    }

    async fn debit(&mut self, cast: &Cast, signed: &str) -> anyhow::Result<String> {
        title("A merchant's till debits");
        let answer = self
            .show(
                200,
                cast.theatre.assertion(self.client)?,
                "The till proves its own key; its token lives five minutes.",
            )
            .await?;
        let till = answer.text("/access_token")?;
        let holder = self
            .show(
                200,
                Request::post("/v1/card-look-ups", json!({ "card": signed })).by(&till),
                "First name, initial and photo: never a name, a school or a balance.",
            )
            .await?;
        ensure!(
            holder.text("/first_name")? == "Sacha"
                && holder.text("/photo_jpeg_base64").is_ok()
                && !holder.json.to_string().contains("balance"),
            "the till sees who, not how much"
        );
        let key = RequestId::generate().to_string();
        let paid = self
            .show(
                201,
                Request::post("/v1/debits", purchase(signed, 1250)).by(&till).with_key(&key),
                "12,50 € debited, under the till's own key.",
            )
            .await?;
        let paid_id = paid.text("/id")?;
        let again = self
            .show(
                201,
                Request::post("/v1/debits", purchase(signed, 1250)).by(&till).with_key(&key),
                "The same key again (a lost answer, a double tap): the same debit, not a second one.",
            )
            .await?;
        ensure!(again.text("/id")? == paid_id, "a key names one debit");
        self.show(
            409,
            Request::post("/v1/debits", purchase(signed, 9000)).by(&till).with_key(&RequestId::generate().to_string()),
            "More than there is: refused, without saying why to the till.",
        )
        .await?;
        let refund =
            Request::post(format!("/v1/departments/92/debits/{paid_id}/refunds"), json!({ "amount_cents": 500 }));
        self.show(
            201,
            refund.by(&till).with_key(&RequestId::generate().to_string()),
            "5,00 € given back, to the wallet they came from.",
        )
        .await?;
        Ok(till)
    }

    async fn look_back(&mut self, family_token: &str, issued: &Issued, till: &str) -> anyhow::Result<()> {
        title("The family sees it");
        let statement = self
            .show(
                200,
                Request::get(format!("/v1/departments/92/wallets/{}/statement", issued.culture_wallet))
                    .by(family_token),
                "Each movement with the balance after it.",
            )
            .await?;
        ensure!(statement.number("/items/0/balance_after_cents")? == 6000 - 1250 + 500, "the running balance adds up");
        self.show(
            200,
            Request::post(format!("/v1/departments/92/cards/{}/block", issued.card_id), json!({ "reason": "lost" }))
                .by(family_token),
            "The card is lost: blocked.",
        )
        .await?;
        self.show(
            409,
            Request::post("/v1/debits", purchase(&issued.signed, 1250))
                .by(till)
                .with_key(&RequestId::generate().to_string()),
            "The very next debit is refused.",
        )
        .await?;
        Ok(())
    }

    /// Plays one step and shows it.
    async fn show(&mut self, status: u16, request: Request, sentence: &str) -> anyhow::Result<Answer> {
        self.step = self.step.saturating_add(1);
        let (method, path) = (request.method.clone(), request.path.clone());
        let sent = match &request.body {
            Body::None => String::new(),
            Body::Json(json) => brief(json).to_string(),
            Body::Form(form) => {
                form.iter().map(|(name, value)| format!("{name}={}", cut(value))).collect::<Vec<_>>().join("&")
            }
            Body::Raw(media, bytes) => format!("({media}, {} bytes)", bytes.len()),
        };
        println!("\n{:>3}. {sentence}\n     {method} {path} {sent}", self.step);
        let answer = self.client.send(&request).await?;
        let shown = match (&answer.json, answer.bytes.len()) {
            (_, 0) => String::new(),
            (Value::Null, length) => format!("({}, {length} bytes)", answer.media),
            (json, _) => brief(json).to_string(),
        };
        println!("     → {} {shown}", answer.status);
        ensure!(
            answer.status == status,
            "step {} ({method} {path}) answered {} instead of {status}: {}",
            self.step,
            answer.status,
            answer.json
        );
        Ok(answer)
    }
}

fn wallet(wallets: &Answer, kind: &str) -> anyhow::Result<(String, i64)> {
    let all = wallets.json.pointer("/items").and_then(Value::as_array).context("wallets are a list")?;
    let found = all
        .iter()
        .find(|wallet| wallet.get("kind").and_then(Value::as_str) == Some(kind))
        .with_context(|| format!("there is a {kind} wallet"))?;
    let id = found.get("id").and_then(Value::as_str).context("a wallet has an id")?.to_owned();
    Ok((id, found.get("balance_cents").and_then(Value::as_i64).context("a wallet has a balance")?))
}
