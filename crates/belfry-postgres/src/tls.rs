//! Whether and how a connection is encrypted.
//!
//! Stricter than libpq: wherever TLS is used, the server's certificate and name are verified, for encryption to somebody
//! unknown protects nothing; and what leaves this host is not sent in the clear unless the address says so.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::database::OpenError;

/// What connections are made with.
#[derive(Clone)]
pub enum Connector {
    Plain,
    Verified(MakeRustlsConnect),
}

impl Connector {
    /// Of `config`, whose `sslmode` it settles. `roots` are the authorities that are trusted, in PEM; the host's own when absent.
    pub fn of(config: &mut Config, asked: Asked, roots: Option<&Path>) -> Result<Connector, OpenError> {
        if is_plain(asked, config.get_hosts()) {
            config.ssl_mode(SslMode::Disable);
            return Ok(Connector::Plain);
        }
        config.ssl_mode(SslMode::Require);
        Ok(Connector::Verified(MakeRustlsConnect::new(verifying(roots)?)))
    }
}

/// What an address says of encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// `sslmode=disable`.
    Plain,
    /// `sslmode=prefer`, or nothing.
    Nothing,
    /// `sslmode=require`, `verify-ca` or `verify-full`: one and the same here.
    Verified,
}

impl Asked {
    /// Takes `sslmode` from the address, because the driver does not know all of its words.
    pub fn take_from(url: &str) -> Result<(String, Asked), OpenError> {
        let Some((address, parameters)) = url.split_once('?') else { return Ok((url.to_owned(), Asked::Nothing)) };
        let (modes, others): (Vec<&str>, Vec<&str>) = parameters.split('&').partition(|parameter| parameter.starts_with("sslmode="));
        let asked = match modes.last().copied() {
            None | Some("sslmode=prefer") => Asked::Nothing,
            Some("sslmode=disable") => Asked::Plain,
            Some("sslmode=require" | "sslmode=verify-ca" | "sslmode=verify-full") => Asked::Verified,
            Some(other) => return Err(OpenError::Tls(format!("`{other}` is unknown; write disable, prefer, require or verify-full"))),
        };
        let others = others.join("&");
        Ok((if others.is_empty() { address.to_owned() } else { format!("{address}?{others}") }, asked))
    }
}

/// A Unix socket, or an address that stays on this host, needs no encryption.
fn is_plain(asked: Asked, hosts: &[Host]) -> bool {
    match asked {
        Asked::Plain => true,
        Asked::Verified => hosts.iter().all(is_socket),
        Asked::Nothing => hosts.iter().all(|host| is_socket(host) || is_loopback(host)),
    }
}

fn is_socket(host: &Host) -> bool {
    !matches!(host, Host::Tcp(_))
}

fn is_loopback(host: &Host) -> bool {
    let Host::Tcp(name) = host else { return false };
    name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

fn verifying(roots: Option<&Path>) -> Result<ClientConfig, OpenError> {
    let mut trusted = RootCertStore::empty();
    match roots {
        Some(path) => {
            let failed = |error: &dyn std::fmt::Display| OpenError::Tls(format!("{} cannot be read: {error}", path.display()));
            for certificate in CertificateDer::pem_file_iter(path).map_err(|error| failed(&error))? {
                trusted.add(certificate.map_err(|error| failed(&error))?).map_err(|error| failed(&error))?;
            }
        }
        // What this host holds and rustls cannot read does not take the others from it.
        None => drop(trusted.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
    }
    if trusted.is_empty() {
        return Err(OpenError::Tls("no trusted certificate was found".to_owned()));
    }
    // Named, not the process's default: that one is chosen in the binary, and tests have none.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = versions.map_err(|error| OpenError::Tls(error.to_string()))?;
    Ok(builder.with_root_certificates(trusted).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_plain(url: &str) -> bool {
        let (address, asked) = Asked::take_from(url).unwrap();
        super::is_plain(asked, address.parse::<Config>().unwrap().get_hosts())
    }

    #[test]
    fn what_leaves_the_host_is_encrypted_unless_the_address_says_so() {
        for plain in [
            "postgresql://u@localhost/d",
            "postgresql://u@127.0.0.1/d?sslmode=prefer",
            "postgresql://u@%2Frun%2Fpostgresql/d",
            "postgresql://u@%2Frun%2Fpostgresql/d?sslmode=verify-full",
            "postgresql://u@db.example/d?sslmode=disable",
        ] {
            assert!(is_plain(plain), "{plain}");
        }
        for verified in [
            "postgresql://u@db.example/d",
            "postgresql://u@db.example/d?sslmode=prefer",
            "postgresql://u@localhost,db.example/d",
            "postgresql://u@localhost/d?sslmode=require",
            "postgresql://u@localhost/d?connect_timeout=3&sslmode=verify-full",
        ] {
            assert!(!is_plain(verified), "{verified}");
        }
    }

    #[test]
    fn the_rest_of_an_address_stays_as_it_is() {
        let taken = Asked::take_from("postgresql://u@h/d?a=1&sslmode=verify-full&b=2").unwrap();
        assert_eq!(taken, ("postgresql://u@h/d?a=1&b=2".to_owned(), Asked::Verified));
    }

    #[test]
    fn an_unknown_mode_is_refused_and_named() {
        let refused = Asked::take_from("postgresql://u@h/d?sslmode=maybe").unwrap_err();
        assert!(refused.to_string().contains("sslmode=maybe"), "{refused}");
    }
}
