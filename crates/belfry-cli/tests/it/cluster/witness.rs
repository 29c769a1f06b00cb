//! Sees starts from outside: a run of a `witness` workflow calls here, once an attempt. What the database says of itself is
//! not all that is believed.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};

/// How often each (run, attempt) has called.
pub type Seen = BTreeMap<(String, i64), usize>;

pub struct Witness {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    ended: Arc<AtomicBool>,
    listening: Option<JoinHandle<()>>,
}

impl Witness {
    pub fn start() -> Witness {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, ended) = (Arc::new(Mutex::new(Seen::new())), Arc::new(AtomicBool::new(false)));
        let (notes, end) = (Arc::clone(&seen), Arc::clone(&ended));
        let listening = std::thread::spawn(move || {
            for caller in listener.incoming() {
                if end.load(Ordering::Acquire) {
                    return;
                }
                // A caller that was killed says nothing, or not all of it.
                let Some(called) = caller.ok().and_then(hear) else { continue };
                *notes.lock().unwrap().entry(called).or_default() += 1;
            }
        });
        Witness { address, seen, ended, listening: Some(listening) }
    }

    /// A node that calls here.
    pub fn node(&self, id: &str) -> Value {
        let url = format!("http://{}/{{{{ run.id }}}}/{{{{ run.attempt }}}}", self.address);
        json!({"id": id, "type": "http", "parameters": {"url": url}})
    }

    pub fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }
}

/// Reads `GET /RUN/ATTEMPT`, and answers.
fn hear(mut caller: TcpStream) -> Option<(String, i64)> {
    caller.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
    let mut lines = BufReader::new(caller.try_clone().ok()?).lines();
    let first = lines.next()?.ok()?;
    for line in lines {
        if line.ok()?.is_empty() {
            break;
        }
    }
    let (run, attempt) = first.split(' ').nth(1)?.trim_start_matches('/').split_once('/')?;
    let called = (run.to_owned(), attempt.parse().ok()?);
    // Heard is heard, whether the answer arrives or not.
    let _ = caller.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
    Some(called)
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
        let _ = TcpStream::connect(self.address);
        if let Some(listening) = self.listening.take() {
            let _ = listening.join();
        }
    }
}
