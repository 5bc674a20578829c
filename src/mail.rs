//! Letters leave by SMTP, or into a folder where the demonstration and the tests read them.

use crate::kernel::text::Email;
use anyhow::Context as _;
use lettre::{
    Message, SmtpTransport, Transport,
    message::{Mailbox, header::ContentType},
};
use serde::{Deserialize, Serialize};
use std::{fmt, fs, path::PathBuf};

/// One letter, in plain French text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    pub to: Email,
    pub subject: String,
    pub body: String,
}

/// Links, prices and incomes stand in letters: nothing of one enters a log.
impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Letter(***)")
    }
}

/// Where letters go.
#[derive(Clone)]
pub enum Mailer {
    Smtp { transport: Box<SmtpTransport>, from: Mailbox },
    Folder { path: PathBuf },
}

impl Mailer {
    /// SMTP by URL: `smtps://user:password@host:465`, or `smtp://host:587?tls=required`.
    pub fn smtp(url: &str, from: &str) -> anyhow::Result<Self> {
        let transport = SmtpTransport::from_url(url).context("PASSPLUS_SMTP_URL is not an SMTP URL")?.build();
        let transport = Box::new(transport);
        Ok(Self::Smtp { transport, from: sender(from)? })
    }

    /// One text file a letter, readable as it is, in a folder made when needed.
    pub fn folder(path: PathBuf) -> anyhow::Result<Self> {
        fs::create_dir_all(&path).with_context(|| format!("cannot make the mail folder {}", path.display()))?;
        Ok(Self::Folder { path })
    }

    /// Hands the letter over, or says why not; the caller tries again later. `id` names the letter, so that a repeated delivery
    /// after a crash shows as the same one.
    pub fn send(&self, id: &str, letter: &Letter) -> anyhow::Result<()> {
        match self {
            Self::Smtp { transport, from } => {
                let message = Message::builder()
                    .from(from.clone())
                    .to(letter.to.as_str().parse()?)
                    .message_id(Some(format!("<{id}@passplus>")))
                    .subject(&letter.subject)
                    .header(ContentType::TEXT_PLAIN)
                    .body(letter.body.clone())?;
                transport.send(&message)?;
            }
            Self::Folder { path } => {
                // Renamed when complete: who watches the folder never reads half a letter.
                let part = path.join(format!("{id}.part"));
                fs::write(&part, format!("To: {}\nSubject: {}\n\n{}\n", letter.to, letter.subject, letter.body))?;
                fs::rename(part, path.join(format!("{id}.txt")))?;
            }
        }
        Ok(())
    }
}

fn sender(from: &str) -> anyhow::Result<Mailbox> {
    from.parse().context("PASSPLUS_MAIL_FROM is not a mailbox, for example Pass+ <ne-pas-repondre@passplus.example>")
}
