//! Who owns the cluster, and its two folders, which nobody else may enter.

use anyhow::{Context, Result, bail};
use std::{
    fs,
    io::ErrorKind,
    os::unix::{
        fs::{DirBuilderExt, MetadataExt, PermissionsExt, lchown},
        process::CommandExt,
    },
    path::Path,
    process::Command,
};

/// The user that PostgreSQL runs as.
#[derive(Debug)]
pub struct Owner {
    name: String,
    uid: u32,
    gid: u32,
    /// Whether programs must be started as another user than the caller: PostgreSQL refuses to run as root.
    switch: bool,
}

impl Owner {
    /// The caller, or for root the user `postgres`, or else `nobody`.
    pub fn find() -> Result<Self> {
        let uid = rustix::process::geteuid();
        if !uid.is_root() {
            let gid = rustix::process::getegid().as_raw();
            return Ok(Self { name: format!("uid {}", uid.as_raw()), uid: uid.as_raw(), gid, switch: false });
        }
        let users = fs::read_to_string("/etc/passwd").context("/etc/passwd is not readable")?;
        ["postgres", "nobody"].iter().find_map(|name| Self::listed(&users, name)).context(
            "PostgreSQL refuses to run as root and there is no user postgres or nobody: run as an ordinary user",
        )
    }

    fn listed(users: &str, wanted: &str) -> Option<Self> {
        users.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next().filter(|name| *name == wanted)?.to_owned();
            let mut number = fields.skip(1).map(|field| field.parse().ok());
            let (uid, gid) = (number.next()??, number.next()??);
            (uid != 0).then_some(Self { name, uid, gid, switch: true })
        })
    }

    /// Lets the program run as the owner. With the user go root's supplementary groups.
    pub fn applied(&self, mut command: Command) -> Command {
        if self.switch {
            command.uid(self.uid).gid(self.gid);
        }
        command
    }

    /// Makes the data folder, or takes an empty one, and shuts it to everyone else. A folder with other content stays as it
    /// is: a mistyped path must not change hands.
    pub fn take_data_folder(&self, folder: &Path) -> Result<()> {
        fs::DirBuilder::new()
            .recursive(true)
            .create(folder)
            .with_context(|| format!("the folder {} cannot be made", folder.display()))?;
        let owner = fs::metadata(folder)?.uid();
        if owner != self.uid {
            let empty = fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
            if !empty || !self.switch {
                bail!(
                    "the folder {} belongs to uid {owner}, and PostgreSQL is to run as {}: use the same user as the first \
                     time, or another folder",
                    folder.display(),
                    self.name
                );
            }
            lchown(folder, Some(self.uid), Some(self.gid))?;
        }
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
        self.check_reach(folder)
    }

    /// Root's own folders are closed to the owner, and PostgreSQL's message would not say which of them.
    fn check_reach(&self, folder: &Path) -> Result<()> {
        if !self.switch {
            return Ok(());
        }
        let mut above: Vec<&Path> = folder.ancestors().collect();
        above.reverse();
        for step in above {
            let mut test = Command::new("test");
            test.arg("-x").arg(step).current_dir("/");
            if !self.applied(test).status().context("the program test does not start")?.success() {
                bail!(
                    "the user {} runs PostgreSQL and cannot reach {}, because {} is closed to it: put the data elsewhere, for \
                     example in /var/lib/passplus (PASSPLUS_DATA), or run as an ordinary user",
                    self.name,
                    folder.display(),
                    step.display()
                );
            }
        }
        Ok(())
    }

    /// Makes the folder of the socket. Its name can be guessed and its parent is open to all: whatever stands there
    /// already is refused unless it is a folder that only the owner could have made.
    pub fn take_socket_folder(&self, folder: &Path) -> Result<()> {
        match fs::DirBuilder::new().mode(0o700).create(folder) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(error).with_context(|| format!("the folder {} cannot be made", folder.display()));
            }
            _ => {}
        }
        let found = fs::symlink_metadata(folder)?;
        // Root's: made just now, or by a start that was killed before the next line.
        if found.is_dir() && self.switch && found.uid() == 0 {
            lchown(folder, Some(self.uid), Some(self.gid))?;
        }
        let found = fs::symlink_metadata(folder)?;
        if !found.is_dir() || found.uid() != self.uid || found.mode() & 0o077 != 0 {
            bail!(
                "{} is not a folder of {} alone: someone else may have put it there; remove it and start again",
                folder.display(),
                self.name
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_folder_of_ones_own_holds_the_socket() -> Result<()> {
        let (owner, temporary) = (Owner::find()?, tempfile::tempdir()?);
        let folder = temporary.path().join("own");
        owner.take_socket_folder(&folder)?;
        owner.take_socket_folder(&folder)?;

        let link = temporary.path().join("link");
        std::os::unix::fs::symlink(&folder, &link)?;
        assert!(owner.take_socket_folder(&link).is_err());

        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755))?;
        assert!(owner.take_socket_folder(&folder).is_err());
        Ok(())
    }

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let users = "postgresql:x:7:7::/:/bin/sh\nnobody:x:65534:65533::/:/bin/sh\nroot:x:0:0::/:/bin/sh\n";
        assert!(Owner::listed(users, "postgres").is_none());
        assert!(Owner::listed(users, "root").is_none());
        assert!(Owner::listed(users, "nobody").is_some_and(|o| (o.uid, o.gid, o.switch) == (65534, 65533, true)));
    }
}
