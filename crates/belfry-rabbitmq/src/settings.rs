//! How the broker is used.

use std::time::Duration;

use belfry_core::workflow::QueueName;
use lapin::uri::AMQPUri;

/// Seen in 20–25 s, a half-open connection costs less than the 11 minutes that TCP takes; below 5 s busy hosts are taken
/// for dead ones (RabbitMQ's own advice).
const HEARTBEAT_SECONDS: u16 = 10;
/// AMQP names are at most 255 bytes; the prefix is followed by a dot and a queue's name of at most 64.
const LONGEST_PREFIX: usize = 128;

#[derive(Debug, Clone)]
pub struct Settings {
    /// The exchange's name, and what the names of all queues begin with.
    pub prefix: String,
    /// Whether queues and the exchange are made and checked here. Otherwise they are the operator's, and a queue that is
    /// not there is an error that says so.
    pub declare_queues: bool,
    /// Of the queues that are made here.
    pub queue_type: QueueType,
    /// What a consumer of no queue in particular consumes.
    pub queues: Vec<QueueName>,
    /// How long a batch may take, from the first frame to the last confirm. Below the daemon's own limit of 5 s, so that the
    /// channel of a late batch is closed here.
    pub publish_limit: Duration,
    /// A longer body is refused before it is sent. A broker that is sent more than its own limit closes the channel, and
    /// with it the whole batch; RabbitMQ 4 takes 16 MiB.
    pub max_message_bytes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum QueueType {
    /// Kept by a majority of the cluster's nodes.
    #[default]
    Quorum,
    /// Kept by one node.
    Classic,
}

impl QueueType {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            QueueType::Quorum => "quorum",
            QueueType::Classic => "classic",
        }
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            prefix: "belfry".to_owned(),
            declare_queues: true,
            queue_type: QueueType::default(),
            queues: vec![QueueName::default()],
            publish_limit: Duration::from_secs(4),
            max_message_bytes: 1024 * 1024,
        }
    }
}

/// What no broker could make work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WrongSettings {
    /// The address itself may hold a password, and is not repeated.
    #[error(
        "the broker's address is wrong ({0}): it is amqp://user:password@host:port/vhost, or amqps://…, and the vhost / is written %2f"
    )]
    Url(String),
    #[error("the prefix {0:?} is wrong: it is 1 to {LONGEST_PREFIX} of a-z A-Z 0-9 _ . -, beginning with a letter or digit")]
    Prefix(String),
}

impl Settings {
    pub(crate) fn check(&self) -> Result<(), WrongSettings> {
        let ok = belfry_core::workflow::is_name(&self.prefix) && self.prefix.len() <= LONGEST_PREFIX;
        if ok { Ok(()) } else { Err(WrongSettings::Prefix(self.prefix.clone())) }
    }
}

pub(crate) fn parse_url(url: &str) -> Result<AMQPUri, WrongSettings> {
    let mut uri: AMQPUri = url.parse().map_err(WrongSettings::Url)?;
    uri.query.heartbeat.get_or_insert(HEARTBEAT_SECONDS);
    Ok(uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_none_is_refused_and_not_repeated() {
        let error = parse_url("http://me:secret@localhost").unwrap_err().to_string();
        assert!(error.contains("amqp://user:password@host:port/vhost") && !error.contains("secret"), "{error}");
    }

    #[test]
    fn the_heartbeat_is_ten_seconds_unless_the_address_says_otherwise() {
        let heartbeat = |url| parse_url(url).unwrap().query.heartbeat;
        assert_eq!(heartbeat("amqp://localhost"), Some(10));
        assert_eq!(heartbeat("amqp://localhost/%2f?heartbeat=7"), Some(7));
    }

    #[test]
    fn a_prefix_is_a_name_that_leaves_room_for_the_queues() {
        let check = |prefix: &str| Settings { prefix: prefix.to_owned(), ..Settings::default() }.check().is_ok();
        assert_eq!([check("belfry"), check("amq/x"), check(""), check(&"a".repeat(129))], [true, false, false, false]);
    }
}
