//! What people see while something takes long: one line on standard error, rewritten, and only on a terminal.

use std::future::Future;
use std::io::{IsTerminal, Write};
use std::pin::pin;

use jiff::SignedDuration;

use belfry_core::ports::Clock;

use crate::edge::Host;

/// What ends sooner is not announced.
const PATIENCE: SignedDuration = SignedDuration::from_secs(2);
const STEP: SignedDuration = SignedDuration::from_secs(1);
/// The narrowest terminal that people use: a line that wraps could not be rewritten.
const WIDEST: usize = 79;

/// Does `work`; after two seconds says what is being done, and for how long.
pub async fn while_waiting<T>(doing: &str, work: impl Future<Output = T>) -> T {
    let mut line = StatusLine::new();
    if !line.is_live() {
        return work.await;
    }
    let mut work = pin!(work);
    let begun = Host.boot();
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = Host.sleep(STEP) => {
                let since = Host.boot().since(begun);
                if since >= PATIENCE {
                    line.show(&format!("{doing} … {} s", since.as_secs()));
                }
            }
        }
    }
}

/// One line that is rewritten. Where there is no terminal it shows nothing.
pub struct StatusLine {
    is_live: bool,
    is_shown: bool,
}

impl StatusLine {
    pub fn new() -> StatusLine {
        StatusLine { is_live: std::io::stderr().is_terminal(), is_shown: false }
    }

    pub fn is_live(&self) -> bool {
        self.is_live
    }

    pub fn show(&mut self, text: &str) {
        if self.is_live {
            let text: String = text.chars().filter(|c| !c.is_control()).take(WIDEST).collect();
            self.is_shown = true;
            write(&format!("\r\x1b[2K{text}"));
        }
    }

    /// Before anything else is printed.
    pub fn clear(&mut self) {
        if std::mem::take(&mut self.is_shown) {
            write("\r\x1b[2K");
        }
    }
}

impl Drop for StatusLine {
    fn drop(&mut self) {
        self.clear();
    }
}

/// A terminal that is gone has nobody before it.
fn write(text: &str) {
    let mut stderr = std::io::stderr();
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}
