//! How the end of a process becomes the outcome of its attempt.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use belfry_core::run::MAX_OUTPUT_BYTES;
use belfry_core::run::bounded::json_beginning;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::process::Captured;
use crate::node::Outcome;

/// What the output has beside `stdout`.
const REST_BYTES: usize = 128;
const MAX_STDOUT_BYTES: usize = MAX_OUTPUT_BYTES - REST_BYTES;

pub(super) fn exited(status: ExitStatus, stdout: &Captured, success_codes: &[u8]) -> Outcome {
    let (code, signal) = (status.code(), status.signal());
    let is_success =
        code.is_some_and(|code| if success_codes.is_empty() { code == 0 } else { success_codes.iter().any(|c| i32::from(*c) == code) });
    let error = match (code, signal) {
        _ if is_success => None,
        (Some(code), _) => Some(format!("the command's exit code is {code}")),
        (None, Some(signal)) => Some(format!("the command was killed by signal {signal}{}", name(signal))),
        (None, None) => Some(format!("the command ended as {status}")),
    };
    with_output(code, signal, stdout, error)
}

pub(super) fn timed_out(limit: SignedDuration, stdout: &Captured) -> Outcome {
    with_output(None, None, stdout, Some(format!("it took longer than its time limit of {limit:#} and was killed")))
}

fn with_output(code: Option<i32>, signal: Option<i32>, stdout: &Captured, error: Option<String>) -> Outcome {
    let (value, kept) = shown(stdout);
    let truncated = kept.is_some();
    let log = kept.map(|kept| format!("stdout: {} bytes, of which the first {kept} were kept", stdout.bytes));
    let output = json!({ "exit_code": code, "signal": signal, "stdout": value, "stdout_truncated": truncated });
    Outcome { output, log: log.into_iter().collect(), error, hopeless: false }
}

/// JSON as what it is, everything else as text without the line breaks at its end, as shells take it; and how many bytes
/// were kept, when not all.
fn shown(stdout: &Captured) -> (Value, Option<usize>) {
    let is_whole = stdout.bytes == stdout.kept.len() as u64;
    if is_whole
        && let Ok(value) = serde_json::from_slice::<Value>(&stdout.kept)
        && value.to_string().len() <= MAX_STDOUT_BYTES
    {
        return (value, None);
    }
    let text = String::from_utf8_lossy(&stdout.kept);
    let kept = json_beginning(&text, MAX_STDOUT_BYTES);
    if is_whole && kept.len() == text.len() {
        return (Value::from(text.trim_end_matches(['\n', '\r'])), None);
    }
    (Value::from(kept), Some(kept.len()))
}

/// The names of those that end commands in daily life; the others have their number.
fn name(signal: i32) -> &'static str {
    match signal {
        2 => " (SIGINT)",
        6 => " (SIGABRT)",
        9 => " (SIGKILL)",
        11 => " (SIGSEGV)",
        13 => " (SIGPIPE)",
        15 => " (SIGTERM)",
        _ => "",
    }
}
