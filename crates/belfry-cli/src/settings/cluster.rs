//! What the processes of a deployment on PostgreSQL share: the database, the broker, and how long history is kept.

use std::fmt;
use std::path::PathBuf;

use anyhow::{Context, ensure};
use confique::Config;
use jiff::{SignedDuration, Span, SpanRelativeTo};
use serde::Deserialize;

#[derive(Debug, Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub struct DatabaseSettings {
    /// The PostgreSQL database of `belfry api`, `daemon` and `worker`: postgresql://user:password@host/database. A secret.
    /// Absent for `belfry up`, whose database is in its data folder.
    #[config(env = "BELFRY_DATABASE_URL")]
    url: Option<Secret>,
    /// How many connections one process has open at most.
    #[config(env = "BELFRY_DATABASE_CONNECTIONS", default = 8)]
    pub connections: usize,
    /// A PEM file with the authorities that the server's certificate is verified by; those of the host when absent.
    #[config(env = "BELFRY_DATABASE_ROOT_CERTIFICATES")]
    pub root_certificates: Option<PathBuf>,
}

#[derive(Debug, Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub struct BrokerSettings {
    /// The RabbitMQ broker: amqp://user:password@host:5672/vhost, or amqps://…; the vhost `/` is written %2f. A secret.
    /// When absent, the queue is in the PostgreSQL database.
    #[config(env = "BELFRY_BROKER_URL")]
    url: Option<Secret>,
    /// Whether the exchange and the queues are made and checked here; otherwise they are the operator's.
    #[config(env = "BELFRY_BROKER_DECLARE_QUEUES", default = true)]
    pub declare_queues: bool,
    /// Of the queues that are made here: `quorum` (kept by a majority of the broker's nodes) or `classic` (by one).
    #[config(env = "BELFRY_BROKER_QUEUE_TYPE", default = "quorum")]
    pub queue_type: QueueType,
    /// The exchange's name, and what the names of the queues begin with.
    #[config(env = "BELFRY_BROKER_PREFIX", default = "belfry")]
    pub prefix: String,
}

#[derive(Debug, Config)]
#[config(layer_attr(serde(deny_unknown_fields)))]
pub struct HistorySettings {
    /// For how long history is kept, in days such as P90D: `belfry daemon` drops the months of runs that ended earlier, each as
    /// a whole, and earlier outcomes. For ever when absent.
    #[config(env = "BELFRY_HISTORY_RETENTION")]
    pub retention: Option<Retention>,
}

/// At least a day: a slip of the pen is not to cost the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Retention(pub SignedDuration);

impl TryFrom<String> for Retention {
    type Error = String;

    fn try_from(text: String) -> Result<Retention, String> {
        let days = SpanRelativeTo::days_are_24_hours();
        let length = text.parse::<Span>().ok().and_then(|span| span.to_duration(days).ok());
        match length {
            Some(length) if length >= SignedDuration::from_hours(24) => Ok(Retention(length)),
            Some(_) => Err(format!("`{text}` is less than a day, for which history is kept at least; write P90D")),
            None => Err(format!("`{text}` is no length of time in weeks, days or hours, such as P90D")),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueType {
    Quorum,
    Classic,
}

/// An address with a password in it: never shown.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl Secret {
    /// What is set to nothing, as an environment file may do, is not set.
    fn given(secret: Option<&Secret>) -> Option<&str> {
        secret.map(|secret| secret.0.trim()).filter(|url| !url.is_empty())
    }
}

impl DatabaseSettings {
    pub fn url(&self) -> Option<&str> {
        Secret::given(self.url.as_ref())
    }

    pub fn needed_url(&self) -> anyhow::Result<&str> {
        self.url().context(
            "database.url is not set: set it in the settings file, or BELFRY_DATABASE_URL in the environment, \
             such as postgresql://belfry@db.example/belfry (without PostgreSQL: `belfry up`)",
        )
    }

    pub(super) fn check(&self) -> anyhow::Result<()> {
        ensure!(self.connections > 0, "database.connections is 0; it must be at least 1");
        Ok(())
    }
}

impl BrokerSettings {
    pub fn url(&self) -> Option<&str> {
        Secret::given(self.url.as_ref())
    }
}

/// A line of a settings file that cannot be read is shown with the error: without what follows a `://`.
pub(super) fn without_addresses(text: &str) -> String {
    let mut parts = text.split("://");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        shown.push_str("://…");
        shown.push_str(part.find(char::is_whitespace).map_or("", |end| &part[end..]));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_address_is_shown_with_its_password() {
        let shown = without_addresses("line 2\n  | url = postgresql://me:secret@db/x\n  |       ^\nand amqp://a:b@c");
        assert_eq!(shown, "line 2\n  | url = postgresql://…\n  |       ^\nand amqp://…");
        assert_eq!(format!("{:?}", Secret("postgresql://me:secret@db/x".to_owned())), "…");
    }

    #[test]
    fn an_empty_address_is_none() {
        assert_eq!(Secret::given(Some(&Secret(" ".to_owned()))), None);
    }

    #[test]
    fn history_is_kept_for_days_and_never_less_than_one() {
        let kept = |text: &str| Retention::try_from(text.to_owned()).map(|kept| kept.0.as_hours());
        assert_eq!((kept("P90D"), kept("90d"), kept("PT36H"), kept("P2W")), (Ok(90 * 24), Ok(90 * 24), Ok(36), Ok(14 * 24)));
        for refused in ["PT23H", "-P90D", "0d", "P3M", "90", "for ever"] {
            assert!(kept(refused).unwrap_err().contains(refused), "{refused}");
        }
    }
}
