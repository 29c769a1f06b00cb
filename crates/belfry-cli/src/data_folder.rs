//! The data folder of `belfry up`: the database, the first key, the address, and the lock that keeps a second server out.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};

use crate::arguments::Global;

pub struct DataFolder(PathBuf);

/// Held while a server runs on the folder; the system lets go of it when the process ends, however it ends.
pub struct Lock {
    _file: File,
}

impl DataFolder {
    /// That of `--data-dir`, else `belfry` in the user's data home (XDG).
    pub fn of(global: &Global) -> anyhow::Result<DataFolder> {
        if let Some(folder) = &global.data_dir {
            return Ok(DataFolder(folder.clone()));
        }
        let home = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let data_home = home("XDG_DATA_HOME").or_else(|| home("HOME").map(|home| home.join(".local/share")));
        let data_home = data_home.context("no home folder is known; name a data folder with --data-dir or BELFRY_DATA_DIR")?;
        Ok(DataFolder(data_home.join("belfry")))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn database(&self) -> PathBuf {
        self.0.join("belfry.db")
    }

    pub fn settings(&self) -> PathBuf {
        self.0.join("belfry.toml")
    }

    pub fn create(&self) -> anyhow::Result<()> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.0)
            .with_context(|| format!("cannot create the data folder {}", self.0.display()))
    }

    /// Makes the database's file where there is none, readable by this user only; SQLite gives its other files the same mode.
    pub fn create_database(&self) -> anyhow::Result<()> {
        let path = self.database();
        let made = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
        made.map(drop).with_context(|| format!("cannot create {}", path.display()))
    }

    /// Takes the folder for one server.
    pub fn lock(&self) -> anyhow::Result<Lock> {
        let path = self.0.join("lock");
        let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { _file: file }),
            Err(TryLockError::WouldBlock) => {
                let at = self.url().map(|url| format!(" at {url}")).unwrap_or_default();
                Err(anyhow!(
                    "a belfry server runs on {} already{at}; stop it first, or name another folder with --data-dir",
                    self.0.display()
                ))
            }
            Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
        }
    }

    /// The first key, for clients of the same user.
    pub fn api_key(&self) -> Option<String> {
        read_line(&self.0.join("api-key"))
    }

    pub fn write_api_key(&self, key: &str) -> anyhow::Result<()> {
        self.write("api-key", key)
    }

    /// Where the server on this folder listens, or last listened.
    pub fn url(&self) -> Option<String> {
        read_line(&self.0.join("url"))
    }

    pub fn write_url(&self, url: &str) -> anyhow::Result<()> {
        self.write("url", url)
    }

    /// Whole or not at all, readable by this user only.
    fn write(&self, name: &str, line: &str) -> anyhow::Result<()> {
        let path = self.0.join(name);
        let written = || -> io::Result<()> {
            let fresh = self.0.join(format!("{name}.new"));
            let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&fresh)?;
            writeln!(file, "{line}")?;
            file.sync_all()?;
            fs::rename(&fresh, &path)
        };
        written().with_context(|| format!("cannot write {}", path.display()))
    }
}

fn read_line(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned()).filter(|line| !line.is_empty())
}
