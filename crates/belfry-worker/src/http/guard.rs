//! Where the network policy is asked: when a name is resolved, and before an address of a URL is dialled.

use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt};
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::{NetworkPolicy, Refused};

/// How names become addresses.
pub(super) type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// As the host does it.
pub(super) fn lookup_of_the_host() -> Lookup {
    Arc::new(|name| async move { tokio::net::lookup_host((name, 0)).await.map(Iterator::collect) }.boxed())
}

/// Hands out only what may be dialled. Each connection is dialled at an answer that was judged: a name that leads elsewhere
/// the next time is judged again.
pub(super) struct GuardedResolver {
    policy: Arc<NetworkPolicy>,
    lookup: Lookup,
}

/// A name none of whose addresses may be dialled.
#[derive(Debug, thiserror::Error)]
#[error("`{name}`: {refused}")]
struct RefusedName {
    name: String,
    refused: Refused,
}

impl GuardedResolver {
    pub fn new(policy: Arc<NetworkPolicy>, lookup: Lookup) -> GuardedResolver {
        GuardedResolver { policy, lookup }
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (policy, found) = (Arc::clone(&self.policy), (self.lookup)(name.as_str().to_owned()));
        Box::pin(async move {
            let permitted = permitted(&policy, name.as_str(), found.await?.into_iter())?;
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}

fn permitted(policy: &NetworkPolicy, name: &str, found: impl Iterator<Item = SocketAddr>) -> Result<Vec<SocketAddr>, RefusedName> {
    let (permitted, refused): (Vec<_>, Vec<_>) = found.map(|at| policy.judge(at.ip()).map(|()| at)).partition(Result::is_ok);
    match (permitted.is_empty(), refused.into_iter().find_map(Result::err)) {
        (true, Some(refused)) => Err(RefusedName { name: name.to_owned(), refused }),
        _ => Ok(permitted.into_iter().flatten().collect()),
    }
}

/// Judges a host that is an address. The URL's parser has brought decimal, octal, hexadecimal and shortened forms into
/// the common one.
pub(super) fn check_literal(policy: &NetworkPolicy, url: &Url) -> Result<(), Refused> {
    let host = url.host_str().unwrap_or_default();
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    address.parse::<IpAddr>().map_or(Ok(()), |address| policy.judge(address))
}

/// The guard's own words, when `error` is its refusal.
pub(super) fn refusal(error: &(dyn Error + 'static)) -> Option<String> {
    error.downcast_ref::<RefusedName>().map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_name_with_addresses_of_both_kinds_only_the_permitted_ones_are_dialled() {
        let found = ["10.0.0.1:0", "8.8.8.8:0", "[::1]:0", "[2606:4700::1]:0"].map(|at| at.parse().unwrap());
        let permitted = permitted(&NetworkPolicy::default(), "mixed", found.into_iter()).unwrap();
        assert_eq!(permitted, [found[1], found[3]]);
    }

    #[test]
    fn a_name_of_private_addresses_only_is_refused_with_its_name_and_address() {
        let found = ["10.0.0.1:0", "[::1]:0"].map(|at| at.parse().unwrap());
        let text = permitted(&NetworkPolicy::default(), "inside", found.into_iter()).unwrap_err().to_string();
        assert!(text.starts_with("`inside`: 10.0.0.1 is not dialled"), "{text}");
    }
}
