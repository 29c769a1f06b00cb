//! The way to a connection, bounded in time.
//!
//! The driver has a thread for each connection, which it begins before it has one and leaves to itself: one that waits for
//! the greeting of a broker that never speaks waits for ever, and can be ended by nobody but its socket.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lapin::tcp::OwnedTLSConfig;
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{AsyncTcpStream, Connection, ConnectionProperties};

use belfry_core::ports::QueueError;

use crate::failed::{failed, within};

const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// A connection's socket. Dropped before there is a connection, it is shut; afterwards the connection closes by itself.
#[derive(Default)]
pub(super) struct Socket {
    held: Arc<Mutex<Held>>,
    is_connected: bool,
}

#[derive(Default)]
enum Held {
    #[default]
    None,
    Some(TcpStream),
    /// What is connected now comes too late.
    Shut,
}

pub(super) async fn dial(uri: &AMQPUri, purpose: &str) -> Result<(Connection, Socket), QueueError> {
    let doing = format!("connect to the broker at {}:{}", uri.authority.host, uri.authority.port);
    let properties = ConnectionProperties::default().with_connection_name(format!("belfry {purpose}").into());
    let runtime = lapin::runtime::default_runtime().map_err(|error| failed(&doing, &error))?;
    let mut socket = Socket::default();
    let held = Arc::clone(&socket.held);
    let connect = Connection::connector(
        uri.clone(),
        runtime,
        async move |uri, runtime| {
            let limited = tokio::time::timeout(CONNECT_LIMIT, async {
                let addresses: Vec<SocketAddr> =
                    tokio::net::lookup_host((uri.authority.host.as_str(), uri.authority.port)).await?.collect();
                let stream = AsyncTcpStream::connect(&runtime, addresses.as_slice()).await?;
                if let AsyncTcpStream::Plain(plain) = &stream {
                    keep(&held, plain.get_ref())?;
                }
                match uri.scheme {
                    AMQPScheme::AMQP => Ok(stream),
                    AMQPScheme::AMQPS => stream.into_tls(&uri.authority.host, OwnedTLSConfig::default().as_ref()).await,
                }
            });
            Ok(limited.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?)
        },
        properties,
    );
    let connection = within(CONNECT_LIMIT, &doing, connect).await?;
    socket.is_connected = true;
    Ok((connection, socket))
}

fn keep(held: &Mutex<Held>, stream: &impl AsFd) -> io::Result<()> {
    let mut held = lock(held);
    if matches!(*held, Held::Shut) {
        return Err(io::ErrorKind::TimedOut.into());
    }
    *held = Held::Some(stream.as_fd().try_clone_to_owned()?.into());
    Ok(())
}

fn lock(held: &Mutex<Held>) -> MutexGuard<'_, Held> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Socket {
    pub fn shut(&self) {
        if let Held::Some(stream) = std::mem::replace(&mut *lock(&self.held), Held::Shut) {
            // It may be closed already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if !self.is_connected {
            self.shut();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn an_attempt_that_is_given_up_leaves_no_connection() {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri: AMQPUri = format!("amqp://{}", silent.local_addr().unwrap()).parse().unwrap();
        let mut header = [0; 8];
        let mut socket = tokio::select! {
            connected = dial(&uri, "testing") => panic!("nobody answered: {:?}", connected.map(|_| ())),
            accepted = async {
                let (mut socket, _) = silent.accept().await.unwrap();
                socket.read_exact(&mut header).await.unwrap();
                socket
            } => accepted,
        };
        assert_eq!(&header, b"AMQP\x00\x00\x09\x01");
        // The end, and not a silence without end.
        let end = tokio::time::timeout(Duration::from_secs(20), socket.read(&mut header)).await.expect("the connection stays");
        assert_eq!(end.unwrap(), 0);
    }
}
