//! Which addresses an `http` node may dial: public ones, and what the operator allows.
//!
//! Whoever may write a workflow must not thereby reach what only the worker's host can: its own services, the private
//! network, the metadata service of a cloud. What is judged is the address that is dialled, never a name.

#[cfg(test)]
mod tests;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// The default allows public addresses only.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NetworkPolicy {
    /// Networks that may be reached though they are not public.
    pub allow: Vec<Subnet>,
}

/// A network such as `10.0.0.0/8`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subnet {
    base: IpAddr,
    prefix: u32,
}

/// An address that is not dialled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{address} is not dialled, for it is {what}; the operator can allow its network to workers with BELFRY_WORKER_ALLOW_NETWORKS")]
pub(crate) struct Refused {
    pub address: IpAddr,
    what: &'static str,
}

impl NetworkPolicy {
    pub(crate) fn judge(&self, address: IpAddr) -> Result<(), Refused> {
        let allows = |address: IpAddr| self.allow.iter().any(|subnet| subnet.contains(address));
        if allows(address) {
            return Ok(());
        }
        let refused = |what| Err(Refused { address, what });
        match address {
            IpAddr::V4(v4) => special_v4(v4).map_or(Ok(()), refused),
            IpAddr::V6(v6) => match embedded(v6) {
                // Packets to these end at the IPv4 address inside, so that is what counts.
                Some((inner, what)) if inner.iter().any(|v4| !allows(IpAddr::V4(*v4)) && special_v4(*v4).is_some()) => refused(what),
                Some(_) => Ok(()),
                None => special_v6(v6).map_or(Ok(()), refused),
            },
        }
    }
}

/// What `address` is, when it is not a public unicast address: the IANA registry of special-purpose IPv4 addresses (as of
/// RFC 6890 and later), multicast and what is reserved.
fn special_v4(address: Ipv4Addr) -> Option<&'static str> {
    Some(match address.octets() {
        [0, ..] => "an address of this network (0.0.0.0/8)",
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => "a private address",
        [100, 64..=127, ..] => "a shared address of a carrier (100.64.0.0/10)",
        [127, ..] => "a loopback address",
        [169, 254, ..] => "a link-local address",
        [192, 0, 0, _] => "reserved for protocols (192.0.0.0/24)",
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => "for documentation",
        [192, 88, 99, _] => "of the retired 6to4 relays (192.88.99.0/24)",
        [198, 18..=19, ..] => "for benchmarks (198.18.0.0/15)",
        [224..=239, ..] => "a multicast address",
        [255, 255, 255, 255] => "the broadcast address",
        [240..=255, ..] => "a reserved address",
        _ => return None,
    })
}

/// The IPv4 addresses inside an IPv6 address of a transition mechanism: RFC 4291 (mapped), 6052 (NAT64), 3056 (6to4),
/// 4380 (Teredo: its server, and its client with all bits flipped).
fn embedded(address: Ipv6Addr) -> Option<(Vec<Ipv4Addr>, &'static str)> {
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    Some(match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] => (vec![v4(high, low)], "an IPv4 address that is not public, mapped to IPv6"),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => (vec![v4(high, low)], "an IPv4 address that is not public, behind NAT64"),
        [0x2002, high, low, ..] => (vec![v4(high, low)], "an IPv4 address that is not public, behind 6to4"),
        [0x2001, 0, server_high, server_low, _, _, high, low] => {
            (vec![v4(server_high, server_low), v4(!high, !low)], "an IPv4 address that is not public, behind Teredo")
        }
        _ => return None,
    })
}

/// The IANA registry of special-purpose IPv6 addresses; outside 2000::/3 nothing is public unicast at all.
fn special_v6(address: Ipv6Addr) -> Option<&'static str> {
    Some(match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => "the unspecified address",
        [0, 0, 0, 0, 0, 0, 0, 1] => "a loopback address",
        [0xfc00..=0xfdff, ..] => "a unique local address",
        [0xfe80..=0xfebf, ..] => "a link-local address",
        [0xfec0..=0xfeff, ..] => "a site-local address",
        [0xff00..=0xffff, ..] => "a multicast address",
        [0x2001, 2, 0, ..] => "for benchmarks (2001:2::/48)",
        [0x2001, 0..=0x1ff, ..] => "reserved for protocols (2001::/23)",
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => "for documentation",
        [0x2000..=0x3fff, ..] => return None,
        _ => "a reserved address",
    })
}

impl Subnet {
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.base, address) {
            (IpAddr::V4(base), IpAddr::V4(address)) => same_beginning(base.to_bits().into(), address.to_bits().into(), 32 - self.prefix),
            (IpAddr::V6(base), IpAddr::V6(address)) => same_beginning(base.to_bits(), address.to_bits(), 128 - self.prefix),
            _ => false,
        }
    }

    fn widest(address: IpAddr) -> u32 {
        if address.is_ipv4() { 32 } else { 128 }
    }
}

fn same_beginning(one: u128, other: u128, bits_that_may_differ: u32) -> bool {
    (one ^ other).checked_shr(bits_that_may_differ).unwrap_or(0) == 0
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubnetError {
    #[error("`{0}` is no network; write 10.0.0.0/8, fd00::/8 or one address")]
    NotANetwork(String),
    #[error("`{text}` has bits set after its prefix; the network is {network}")]
    BitsAfterPrefix { text: String, network: Subnet },
}

impl FromStr for Subnet {
    type Err = SubnetError;

    fn from_str(text: &str) -> Result<Subnet, SubnetError> {
        let wrong = || SubnetError::NotANetwork(text.to_owned());
        let (address, prefix) = match text.trim().split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text.trim(), None),
        };
        let given: IpAddr = address.parse().map_err(|_| wrong())?;
        let widest = Subnet::widest(given);
        let prefix = prefix.map_or(Ok(widest), |prefix| prefix.parse().map_err(|_| wrong()))?;
        if prefix > widest {
            return Err(wrong());
        }
        let base = match given {
            IpAddr::V4(v4) => Ipv4Addr::from_bits(v4.to_bits() & u32::MAX.checked_shl(32 - prefix).unwrap_or(0)).into(),
            IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & u128::MAX.checked_shl(128 - prefix).unwrap_or(0)).into(),
        };
        let network = Subnet { base, prefix };
        if base == given { Ok(network) } else { Err(SubnetError::BitsAfterPrefix { text: text.to_owned(), network }) }
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.prefix)
    }
}
