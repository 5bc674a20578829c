//! The command line: subcommands only, each one a line of what the library does.

use anyhow::{Context, ensure};
use clap::{Parser, Subcommand};
use passplus::{
    admin, bench,
    cards::token::{self, live},
    config::{self, Config},
    demo, http,
    kernel::{
        department::Department,
        ids::DeviceId,
        text::{Email, Name},
    },
    proof, serve,
};
use std::{path::PathBuf, process::ExitCode};

/// Pass+: comptes des familles, porte-monnaie et cartes des collégiens.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start a private PostgreSQL, load a demonstration, play the main job, and stay up.
    Demo {
        /// Stop after the tour; the exit code says whether every step answered as it must.
        #[arg(long)]
        once: bool,
        /// Forget the data of earlier starts first.
        #[arg(long)]
        fresh: bool,
    },
    /// Serve the API and work off the jobs, with the databases of the configuration.
    Serve,
    /// Work off the jobs only: more hands beside servers.
    Work,
    /// Create what lacks of roles and schema in the databases of the configuration.
    Migrate,
    /// Invite the first administrator of a department; the link goes by mail.
    InviteAdministrator {
        #[arg(long)]
        department: Department,
        #[arg(long)]
        email: Email,
        #[arg(long)]
        name: Name,
    },
    /// Publish a new token-signing key; it signs in ten minutes, the old one stays valid half an hour more.
    RotateKeys,
    /// Seal the keys of waiting documents again, after a department's key changed: reads the former one from
    /// `PASSPLUS_DEPARTMENT_<code>_FORMER_KEY`.
    RewrapDocuments {
        #[arg(long)]
        department: Department,
    },
    /// Prove the ledger: every chain, sum and cause of every department, or name the first row that is wrong.
    Verify(proof::command::Options),
    /// Make a key for the configuration.
    Key,
    /// Print the description of the API (OpenAPI 3.1, YAML).
    Openapi,
    /// Ask a running server whether it is ready: exit code 0 or 1.
    Health,
    /// Print the present code of an authenticator secret, for who has no application at hand.
    Totp { secret: String },
    /// Sign a device's assertion for the token endpoint, for who tries it by hand.
    Assertion {
        #[arg(long)]
        device: DeviceId,
        /// PKCS#8 of the device's Ed25519 key, base64url.
        #[arg(long)]
        private_key: String,
        /// Address of the service.
        #[arg(long)]
        url: String,
    },
    /// What can be done with a card without the service.
    #[command(subcommand)]
    Card(CardCommand),
    /// Measure the service on a private PostgreSQL of its own.
    #[command(subcommand)]
    Bench(BenchCommand),
}

#[derive(Subcommand)]
enum BenchCommand {
    /// Debits under load over HTTP, beside the same statement by pgbench and beside other ledgers.
    Debit(bench::Options),
    /// The turn of a school year: children carried over, then confirmed, beside bare inserts.
    Rollover(bench::rollover::Options),
    /// A year of meals of the canteen, laid out for every diner.
    Meals(bench::meals::Options),
    /// A month's bills of the canteen: drafted, issued, one of them printed.
    Bills(bench::bills::Options),
    /// Rosters of schools: read, matched and applied.
    Roster(bench::roster::Options),
    /// Gates of the canteen at lunch, and the list of the day of one.
    Gate(bench::gate::Options),
    /// Portraits: processor time and memory beside the plain path of `image`.
    Photo(bench::photo::PhotoOptions),
    /// One path in a process of its own: `photo` starts it.
    #[command(hide = true)]
    PhotoPath(bench::photo::PathOptions),
}

#[derive(Subcommand)]
enum CardCommand {
    /// Verify a card's signed form offline, with the published keys.
    Verify {
        /// The text of the QR: PP1.…
        signed: String,
        /// File saved from /.well-known/card-keys.json.
        #[arg(long)]
        keys: PathBuf,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("passplus: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Demo { once, fresh } => runtime().block_on(demo::run(once, fresh)),
        Command::Serve => {
            serve::log_as_json();
            let config = Config::from_env()?;
            runtime().block_on(serve::serve(&config))
        }
        Command::Work => {
            serve::log_as_json();
            let config = Config::from_env()?;
            runtime().block_on(serve::work(&config))
        }
        Command::Migrate => {
            for line in admin::migrate_all(&|name| std::env::var(name).ok())? {
                println!("{line}");
            }
            Ok(())
        }
        Command::InviteAdministrator { department, email, name } => {
            let config = Config::from_env()?;
            runtime().block_on(admin::invite_administrator(&config, department, email, name))?;
            println!("The invitation is in the outbox; it leaves as soon as a server or worker runs.");
            Ok(())
        }
        Command::RotateKeys => {
            let config = Config::from_env()?;
            let kid = runtime().block_on(admin::rotate_keys(&config))?;
            println!("Key {kid} is published and will sign in ten minutes.");
            Ok(())
        }
        Command::RewrapDocuments { department } => {
            let read = |name: &str| std::env::var(name).ok();
            let (config, former) = (Config::from_env()?, config::former_key(&read, department)?);
            let moved = runtime().block_on(admin::rewrap_documents(&config, department, former))?;
            println!("{moved} documents of {department} now open with its present key.");
            Ok(())
        }
        Command::Verify(options) => {
            let outcome = proof::command::run(&options, &|name| std::env::var(name).ok())?;
            print!("{}", outcome.text);
            ensure!(outcome.clean, "the ledger is not what it must be");
            Ok(())
        }
        Command::Key => {
            println!("{}", passplus::kernel::crypto::random_token());
            Ok(())
        }
        Command::Openapi => {
            print!("{}", http::openapi::document_yaml().map_err(|error| anyhow::anyhow!("{error}"))?);
            Ok(())
        }
        Command::Health => {
            let listen = config::listen(&|name| std::env::var(name).ok())?;
            runtime().block_on(admin::health(listen))
        }
        Command::Totp { secret } => {
            println!("{}", admin::totp_code(&secret)?);
            Ok(())
        }
        Command::Assertion { device, private_key, url } => {
            println!("{}", admin::device_assertion(device, &private_key, &url, passplus::kernel::time::server_now())?);
            Ok(())
        }
        Command::Bench(BenchCommand::Debit(options)) => runtime().block_on(bench::debit(options)),
        Command::Bench(BenchCommand::Rollover(options)) => runtime().block_on(bench::rollover::rollover(options)),
        Command::Bench(BenchCommand::Bills(options)) => runtime().block_on(bench::bills::bills(options)),
        Command::Bench(BenchCommand::Meals(options)) => runtime().block_on(bench::meals::meals(options)),
        Command::Bench(BenchCommand::Roster(options)) => runtime().block_on(bench::roster::roster(options)),
        Command::Bench(BenchCommand::Gate(options)) => runtime().block_on(bench::gate::gate(options)),
        Command::Bench(BenchCommand::Photo(options)) => runtime().block_on(bench::photo::photo(options)),
        Command::Bench(BenchCommand::PhotoPath(options)) => bench::photo::path(&options),
        Command::Card(CardCommand::Verify { signed, keys }) => {
            let keys = std::fs::read_to_string(&keys).with_context(|| format!("cannot read {}", keys.display()))?;
            let keys = token::published_keys(&keys).map_err(|reason| anyhow::anyhow!(reason))?;
            let now = passplus::kernel::time::server_now();
            if live::is_live(signed.trim()) {
                let shown = live::verify(signed.trim(), &keys)?;
                ensure!(
                    shown.is_fresh(now),
                    "the signature is right, but this text is not of this minute: it was copied"
                );
                println!("Right: shown now, valid until {}.", shown.valid_until());
                return Ok(());
            }
            let card = token::verify(signed.trim(), &keys)?;
            let today = passplus::kernel::time::paris_date(now);
            ensure!(
                card.is_valid_on(today),
                "the signature is right, but the card was valid until {} only",
                card.valid_until()
            );
            println!("Right: issued by department {}, valid until {}.", card.code().department(), card.valid_until());
            Ok(())
        }
    }
}

fn runtime() -> actix_web::rt::SystemRunner {
    actix_web::rt::System::new()
}
