//! Serving a listener until it is told to stop.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum_server::{Handle, Server};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How long requests may go on after the shutdown began: their own limit, and a little for the last bytes.
const GRACE: Duration = Duration::from_secs(45);
/// How long a connection may be silent before a request, and how long its head may take.
const HEAD_LIMIT: Duration = Duration::from_secs(30);
/// The largest head.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// Serves `router` on `listener`. After `shutdown` no connection is accepted, and the requests that were begun are answered;
/// what is not done 45 s later is cut off.
pub async fn serve(listener: TcpListener, router: Router, shutdown: CancellationToken) -> io::Result<()> {
    let handle = Handle::<SocketAddr>::new();
    let mut server = Server::from_listener(listener).http1_only().handle(handle.clone()).first_request_timeout(HEAD_LIMIT);
    server.http_builder().http1().header_read_timeout(HEAD_LIMIT).max_buf_size(MAX_HEAD_BYTES);
    let mut served = pin!(server.serve(router.into_make_service()));
    tokio::select! {
        result = &mut served => return result,
        () = shutdown.cancelled() => handle.graceful_shutdown(Some(GRACE)),
    }
    served.await
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn a_request_that_was_begun_is_answered_after_the_shutdown_and_no_other_is_accepted() {
        let (begun, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (tell, wait) = (begun.clone(), release.clone());
        let slow = async move || {
            tell.notify_one();
            wait.notified().await;
            "done"
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let served = tokio::spawn(serve(listener, Router::new().route("/slow", get(slow)), shutdown.clone()));

        let mut connection = TcpStream::connect(address).await.unwrap();
        connection.write_all(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        begun.notified().await;
        shutdown.cancel();
        release.notify_one();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();

        assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("done"), "{answer}");
        served.await.unwrap().unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }
}
