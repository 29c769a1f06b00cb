//! A way to the broker that can be made to swallow what is sent over it, as a firewall does that forgot the connection, or to
//! stand still, as a broker does that cannot follow.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use lapin::uri::AMQPUri;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::broker::url;

pub struct Proxy {
    pub url: String,
    way: watch::Sender<Way>,
    connections: Arc<AtomicUsize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Open,
    /// Nothing arrives, and nothing is closed. What was swallowed stays so: its connection has missed it.
    Swallowing,
    /// Nothing more is read.
    Still,
}

impl Proxy {
    pub async fn start() -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut uri: AMQPUri = url().parse().unwrap();
        let broker = format!("{}:{}", uri.authority.host, uri.authority.port);
        let SocketAddr::V4(here) = listener.local_addr().unwrap() else { unreachable!("it was bound to such an address") };
        (uri.authority.host, uri.authority.port) = (here.ip().to_string(), here.port());
        let (way, ways) = watch::channel(Way::Open);
        let connections = Arc::new(AtomicUsize::new(0));
        let made = Arc::clone(&connections);
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                made.fetch_add(1, Ordering::Relaxed);
                let broker = TcpStream::connect(&broker).await.unwrap();
                let ((from_client, to_client), (from_broker, to_broker)) = (client.into_split(), broker.into_split());
                tokio::spawn(carry(from_client, to_broker, ways.clone()));
                tokio::spawn(carry(from_broker, to_client, ways.clone()));
            }
        });
        Proxy { url: uri.to_string(), way, connections }
    }

    pub fn make(&self, way: Way) {
        self.way.send_replace(way);
    }

    /// How many there were, the lost ones too.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut way: watch::Receiver<Way>) {
    let mut some = vec![0; 64 * 1024];
    loop {
        if way.wait_for(|way| *way != Way::Still).await.is_err() {
            return;
        }
        let Ok(length @ 1..) = from.read(&mut some).await else { return };
        if *way.borrow() != Way::Swallowing && to.write_all(&some[..length]).await.is_err() {
            return;
        }
    }
}
