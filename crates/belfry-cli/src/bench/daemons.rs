//! The daemons that are measured: processes of this very program.

use std::process::{Child, Command, Stdio};

use anyhow::{Context, bail};

use super::usage;
use crate::arguments::Global;

/// Killed when dropped.
pub struct Daemons(Vec<Child>);

impl Daemons {
    /// They read the same settings file and environment as this process.
    pub fn start(count: u8, global: &Global) -> anyhow::Result<Daemons> {
        let program = std::env::current_exe().context("cannot tell which program this is")?;
        let mut daemons = Daemons(Vec::new());
        for _ in 0..count {
            let mut command = Command::new(&program);
            command.arg("daemon").stdin(Stdio::null()).stdout(Stdio::null());
            if let Some(file) = &global.config {
                command.arg("--config").arg(file);
            }
            daemons.0.push(command.spawn().context("cannot start a daemon")?);
        }
        Ok(daemons)
    }

    /// Whether all of them run.
    pub fn check(&mut self) -> anyhow::Result<()> {
        for daemon in &mut self.0 {
            if let Some(status) = daemon.try_wait().context("cannot look at a daemon")? {
                bail!("a daemon ended at once ({status}): see what it logged");
            }
        }
        Ok(())
    }

    pub fn pids(&self) -> impl Iterator<Item = u32> {
        self.0.iter().map(Child::id)
    }

    /// The most memory that one of them holds, and has ever held, in bytes; `None` where it cannot be read.
    pub fn memory(&self) -> Option<usage::Memory> {
        self.pids().filter_map(usage::Memory::of).reduce(usage::Memory::max)
    }
}

impl Drop for Daemons {
    fn drop(&mut self) {
        for daemon in &mut self.0 {
            // It may have ended by itself.
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}
