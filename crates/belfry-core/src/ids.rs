//! Identities. Random where people hand them round, derived where a restore must make the same one again.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::time::UnixMillis;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<$name, uuid::Error> {
                Uuid::from_str(text).map($name)
            }
        }
    };
}

id!(
    /// A workflow: UUIDv7.
    WorkflowId
);
id!(
    /// A schedule, a row of `scheduled_workflows`: UUIDv7.
    ScheduleId
);
id!(
    /// A run. Its leading 48 bits are the run's `planned_at`, so that an id alone finds its partition.
    RunId
);
id!(
    /// One start of one process: a restarted daemon is another member.
    MemberId
);
id!(
    /// A worker's own mark on a claim: the same token again gets the same answer.
    ClaimToken
);
id!(
    /// An API key, as listed and revoked; not the secret.
    KeyId
);

impl RunId {
    /// The id of a scheduled run: UUIDv8 of 48 bits of nominal milliseconds and the first bits of
    /// SHA-256(schedule id ‖ nominal milliseconds, big-endian).
    ///
    /// Never changed: a restore or a failover that lost commits makes the same id again, and every idempotency key
    /// downstream still matches.
    pub fn scheduled(schedule: ScheduleId, nominal: UnixMillis) -> RunId {
        let mut bytes = [0_u8; 16];
        bytes[..6].copy_from_slice(&nominal.get().to_be_bytes()[2..]);
        bytes[6..].copy_from_slice(&schedule.digest(nominal)[..10]);
        RunId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// The instant in the leading 48 bits.
    pub fn planned_at(self) -> UnixMillis {
        let mut millis = [0_u8; 8];
        millis[2..].copy_from_slice(&self.0.as_bytes()[..6]);
        UnixMillis::saturating(i64::from_be_bytes(millis))
    }
}

/// The `number`th id that is made for one request of an API key `owner`: a UUIDv7 of `at` whose random bits are the first
/// of SHA-256(owner ‖ at ‖ number, each big-endian ‖ the request's own key). The request again makes the same ids.
pub fn derived(owner: KeyId, key: &str, at: UnixMillis, number: u64) -> Uuid {
    let digest = Sha256::new()
        .chain_update(owner.0.as_bytes())
        .chain_update(at.get().to_be_bytes())
        .chain_update(number.to_be_bytes())
        .chain_update(key.as_bytes())
        .finalize();
    let mut random = [0_u8; 10];
    random.copy_from_slice(&digest[..10]);
    uuid::Builder::from_unix_timestamp_millis(u64::try_from(at.get()).unwrap_or(0), &random).into_uuid()
}

impl ScheduleId {
    /// Which of the 256 shards the schedule is of: daemons share shards, not schedules.
    pub fn shard(self) -> u8 {
        Sha256::digest(self.0.as_bytes())[0]
    }

    /// A number that belongs to the occurrence `nominal`, the same on every node: the first 64 bits of what its run's id is
    /// made of. Never changed either: by it a jittered occurrence is due.
    pub fn number(self, nominal: UnixMillis) -> u64 {
        self.digest(nominal)[..8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    /// SHA-256(schedule id ‖ nominal milliseconds, big-endian).
    fn digest(self, nominal: UnixMillis) -> [u8; 32] {
        Sha256::new().chain_update(self.0.as_bytes()).chain_update(nominal.get().to_be_bytes()).finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_scheduled_run_never_changes() {
        let schedule: ScheduleId = "01938a5e-7c00-7000-8000-000000000001".parse().unwrap();
        let nominal = UnixMillis::parse_exact("2026-11-25T09:00:00Z").unwrap();
        let id = RunId::scheduled(schedule, nominal);
        assert_eq!(id.to_string(), "01a211ee-ea80-89cb-b58b-dec6a3a34fc2");
        assert_eq!(id.planned_at(), nominal);
        assert_eq!(schedule.number(nominal), 0x49cb_b58b_dec6_a3a3);
        assert_eq!(schedule.shard(), 191);
    }
}
