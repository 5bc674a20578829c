//! The portrait: sent by the family, looked at by the department before any till sees it.

use super::Tour;
use crate::demo::{
    client::{Body, Request},
    people::Cast,
};
use anyhow::ensure;
use image::{ImageFormat, RgbImage};
use reqwest::Method;
use serde_json::json;
use std::io::Cursor;

impl Tour<'_> {
    pub(super) async fn send_photo(&mut self, family_token: &str, child: &str) -> anyhow::Result<()> {
        let photo = Request {
            method: Method::PUT,
            path: format!("/v1/departments/92/children/{child}/photo"),
            token: Some(family_token.to_owned()),
            body: Body::Raw("image/png", portrait()?),
            key: None,
        };
        self.show(204, photo, "The photo is decoded within limits and drawn anew: no metadata survives.").await?;
        Ok(())
    }

    pub(super) async fn review_photo(&mut self, cast: &mut Cast, child: &str) -> anyhow::Result<()> {
        super::title("The department looks at the photo");
        let agent = cast.administrator_92.sign_in(self.client).await?;
        let desk = "/v1/departments/92/agents-desk/photos";
        let queue = self
            .show(
                200,
                Request::get(format!("{desk}?child_id={child}")).by(&agent),
                "Photos wait with hints on size, light and sharpness: a hint never decides.",
            )
            .await?;
        let photo = queue.text("/items/0/id")?;
        self.show(
            200,
            Request::get(format!("{desk}/{photo}/picture")).by(&agent),
            "Each view by the department is a line of the journal.",
        )
        .await?;
        let body = json!({ "version": queue.number("/items/0/version")?, "decision": "accept" });
        let decided = self
            .show(
                200,
                Request::post(format!("{desk}/{photo}/decide"), body).by(&agent),
                "Accepted: from now on tills see it, in a size of their own. The family gets a word.",
            )
            .await?;
        ensure!(decided.text("/state")? == "accepted", "the photo is accepted");
        Ok(())
    }
}

/// A drawn portrait: a face before a blue wall.
fn portrait() -> anyhow::Result<Vec<u8>> {
    let mut picture = RgbImage::from_pixel(600, 800, image::Rgb([120, 150, 200]));
    for (x, y, pixel) in picture.enumerate_pixels_mut() {
        let (dx, dy) = (i64::from(x) - 300, i64::from(y) - 340);
        if dx * dx * 100 / 64 + dy * dy < 200 * 200 {
            *pixel = image::Rgb([224, 184, 150]);
        }
    }
    let mut png = Cursor::new(vec![]);
    picture.write_to(&mut png, ImageFormat::Png)?;
    Ok(png.into_inner())
}
