//! Where PostgreSQL's programs are, and how they are called: with an empty environment, so that no `PG…` variable of the
//! caller can turn them elsewhere, and in a process group of their own, so that Ctrl-C in the terminal is not for them.

use anyhow::{Context, Result, bail};
use std::{
    env, fs,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The oldest major version that the migrations are written for.
const OLDEST: u32 = 15;
const ADVICE: &str = "install it (Debian, Ubuntu: apt-get install postgresql; macOS: brew install postgresql@17) \
                      or name the folder of its programs in PASSPLUS_PG_BIN";

/// One installed PostgreSQL.
#[derive(Debug)]
pub struct Programs {
    bin: PathBuf,
    libraries: Vec<PathBuf>,
    major: u32,
}

impl Programs {
    /// The first installation that will do. Existing data open only with the major version that made them.
    pub fn find(data_major: Option<u32>) -> Result<Self> {
        let libraries = unpacked_libraries();
        let mut others = Vec::new();
        for folder in folders() {
            let Some(programs) = Self::in_folder(&folder, &libraries) else { continue };
            if data_major.map_or(programs.major >= OLDEST, |data| data == programs.major) {
                return Ok(programs);
            }
            others.push(format!("PostgreSQL {} in {}", programs.major, programs.bin.display()));
        }
        let found = if others.is_empty() { "none found".to_owned() } else { format!("found {}", others.join(", ")) };
        match data_major {
            Some(data) => {
                bail!("the data are of PostgreSQL {data}, and no other version opens them ({found}): {ADVICE}")
            }
            None => bail!("PostgreSQL {OLDEST} or newer is needed ({found}): {ADVICE}"),
        }
    }

    /// A call of one of PostgreSQL's programs, or of any program by its absolute path.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        // The working folder of root is closed to the user that runs the cluster.
        command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C").current_dir("/");
        if let Some(paths) = env::join_paths(&self.libraries).ok().filter(|paths| !paths.is_empty()) {
            command.env("LD_LIBRARY_PATH", paths);
        }
        command.process_group(0).stdin(Stdio::null());
        command
    }

    /// `initdb` may be a link to where its siblings are (Homebrew, Debian's alternatives) or a wrapper that has none: only a
    /// folder that holds the server too is an installation.
    fn in_folder(folder: &Path, libraries: &[PathBuf]) -> Option<Self> {
        let initdb = fs::canonicalize(folder.join("initdb")).ok()?;
        let bin = initdb.parent()?.to_owned();
        if !["postgres", "pg_ctl"].iter().all(|program| bin.join(program).is_file()) {
            return None;
        }
        let mut programs = Self { bin, libraries: libraries.to_vec(), major: 0 };
        let output = programs.command("postgres").arg("--version").output().ok()?;
        programs.major = major_version(&String::from_utf8_lossy(&output.stdout))?;
        Some(programs)
    }
}

/// Runs to the end; a failure carries what the program said.
pub fn run(command: Command) -> Result<()> {
    output(command).map(drop)
}

/// Runs to the end and gives back what the program printed; a failure carries all it said.
pub fn output(mut command: Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("{program} does not start"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = [output.stdout, output.stderr].concat();
    bail!("{program} failed: {}", String::from_utf8_lossy(&said).trim())
}

/// `postgres (PostgreSQL) 17.2 (Debian 17.2-1)` is of 17, `postgres (PostgreSQL) 18beta1` of 18.
fn major_version(text: &str) -> Option<u32> {
    let version = text.split_whitespace().nth(2)?;
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Where to look, in order. A folder that was named is the only one: a silent second choice would be a riddle.
fn folders() -> Vec<PathBuf> {
    if let Some(named) = env::var_os("PASSPLUS_PG_BIN") {
        return vec![named.into()];
    }
    let mut found = Vec::new();
    if let Some(home) = unpacked() {
        found.push(home.join("bin"));
        found.extend(newest_first(&home.join("usr/lib/postgresql"), ""));
    }
    found.extend(env::var_os("PATH").iter().flat_map(env::split_paths));
    for (parent, prefix) in [
        ("/usr/lib/postgresql", ""),
        ("/usr", "pgsql-"),
        ("/opt/homebrew/opt", "postgresql@"),
        ("/usr/local/opt", "postgresql@"),
        ("/home/linuxbrew/.linuxbrew/opt", "postgresql@"),
        ("/Applications/Postgres.app/Contents/Versions", ""),
    ] {
        found.extend(newest_first(Path::new(parent), prefix));
    }
    found
}

/// The `bin` folders of installations that are named by their major version.
fn newest_first(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.strip_prefix(prefix)?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, bin)| bin).collect()
}

/// The folder into which a user without the right to install has unpacked PostgreSQL's packages.
fn unpacked() -> Option<PathBuf> {
    env::var_os("PASSPLUS_PG_HOME").and_then(|home| fs::canonicalize(home).ok())
}

/// What the programs must find beside the system's libraries: those unpacked with them, and what the caller had set.
fn unpacked_libraries() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in unpacked().iter().flat_map(|home| [home.join("usr/lib"), home.join("lib")]) {
        found.extend(fs::read_dir(folder).into_iter().flatten().flatten().filter_map(|entry| {
            // Debian keeps libraries by architecture: x86_64-linux-gnu, arm-linux-gnueabihf.
            entry.file_name().to_str()?.contains("-linux-").then(|| entry.path())
        }));
    }
    found.extend(env::var_os("LD_LIBRARY_PATH").filter(|set| !set.is_empty()).iter().flat_map(env::split_paths));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_what_the_server_says() {
        assert_eq!(major_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major_version("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major_version("command not found"), None);
    }

    #[test]
    fn data_of_a_version_that_is_not_installed_are_refused() {
        let refusal = Programs::find(Some(9)).map(|programs| programs.major).map_err(|e| e.to_string());
        assert!(refusal.is_err_and(|said| said.starts_with("the data are of PostgreSQL 9,")));
    }
}
