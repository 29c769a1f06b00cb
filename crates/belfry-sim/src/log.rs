//! What happened, line by line: the same seed writes the same lines.

use std::sync::{Mutex, MutexGuard};

use crate::time::Virtual;

/// A line is as long as this at most.
const LONGEST: usize = 900;

pub struct Log {
    time: Virtual,
    lines: Option<Mutex<Vec<String>>>,
}

impl Log {
    pub fn new(time: Virtual, is_kept: bool) -> Log {
        Log { time, lines: is_kept.then(Mutex::default) }
    }

    pub fn is_kept(&self) -> bool {
        self.lines.is_some()
    }

    pub fn line(&self, text: impl FnOnce() -> String) {
        if let Some(lines) = &self.lines {
            let text = text();
            let text = &text[..text.floor_char_boundary(LONGEST)];
            let millis = self.time.millis();
            locked(lines).push(format!("{:>5}.{:03} {text}", millis / 1_000, millis % 1_000));
        }
    }

    pub fn take(&self) -> Vec<String> {
        self.lines.as_ref().map(|lines| std::mem::take(&mut *locked(lines))).unwrap_or_default()
    }
}

fn locked(lines: &Mutex<Vec<String>>) -> MutexGuard<'_, Vec<String>> {
    lines.lock().expect("nothing panics while it is held")
}
