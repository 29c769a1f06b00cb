//! What an operator may choose of the connections.

use std::path::PathBuf;
use std::time::Duration;

/// How this process uses the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The most connections that are open at once: few, for the server's processes are what is scarce.
    pub connections: usize,
    /// How long a verb waits for a free connection, or for a new one to be made.
    pub connect_timeout: Duration,
    /// Shown in `pg_stat_activity`.
    pub application_name: String,
    /// The authorities that are trusted with the server's certificate, in PEM; those of the host when absent.
    pub root_certificates: Option<PathBuf>,
    /// A number of this process's own, drawn at its start: so that processes which lose the same server come back to it at
    /// different instants.
    pub jitter_seed: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            connections: 8,
            connect_timeout: Duration::from_secs(5),
            application_name: "belfry".to_owned(),
            root_certificates: None,
            jitter_seed: 0,
        }
    }
}
