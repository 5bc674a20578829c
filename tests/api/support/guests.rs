//! Who comes in later: guardians invited into a file, and staff back at work after the clock has moved.

use super::{Api, Family, PASSWORD, Service, World};
use serde_json::json;

impl World {
    /// Invites somebody into a family's file; returns the code of the letter.
    pub async fn invitation(&self, family: &Family, email: &str, rights: &str) -> String {
        let body = json!({ "first_names": "Sacha", "last_name": "Durand", "email": email, "rights": rights });
        family.post(&family.path(&format!("families/{}/guardians", family.id)), body).await.expect(201);
        let (_, letter) = self.letters_to(email).await.pop().expect("a letter");
        letter.split("ce code :").nth(1).unwrap().split_whitespace().next().unwrap().to_owned()
    }

    /// One more guardian of a family, invited and joined.
    pub async fn guardian(&self, family: &Family, rights: &str) -> Family {
        let email = format!("responsable.{}@example.fr", self.number());
        let api = self.sign_up(&email).await;
        let code = self.invitation(family, &email, rights).await;
        api.post(&family.path("guardian-invitations/accept"), json!({ "token": code })).await.expect(200);
        Family { api, email, department: family.department.clone(), id: family.id.clone() }
    }

    /// Signs the administrators in again after their tokens have expired.
    pub async fn wake_administrators(&mut self) {
        self.administrator.api = self.sign_in_staff(&self.administrator.email, &self.administrator.totp_secret).await;
        self.administrator_78.api =
            self.sign_in_staff(&self.administrator_78.email, &self.administrator_78.totp_secret).await;
    }
}

impl Service {
    /// A member of staff signed in (again).
    pub async fn sign_in_staff(&self, email: &str, totp_secret: &str) -> Api {
        let body = json!({ "email": email, "password": PASSWORD, "second_factor": self.totp(totp_secret) });
        let token = self.api.post("/v1/sessions", body).await.expect(201).text("/access_token");
        self.api.with_token(&token)
    }
}
