//! What is kept of a node's output and log is bounded here, and says so.

use belfry_core::run::{MAX_LOG_BYTES, MAX_OUTPUT_BYTES, NodeResult};
use serde_json::Value;

/// The most of an error text that is kept.
const MAX_ERROR_BYTES: usize = 4 * 1024;
const LOG_FULL: &str = "… (the log is full; what follows was left out)\n";

/// Puts `output` into `result`: as it is, or the beginning of its JSON as a string when it is too large.
pub(crate) fn set_output(result: &mut NodeResult, output: Value) {
    let text = output.to_string();
    result.output_truncated = text.len() > MAX_OUTPUT_BYTES;
    result.output = if result.output_truncated { Value::from(json_beginning(&text, MAX_OUTPUT_BYTES)) } else { output };
}

/// As much of `text` as a JSON string of so many `bytes` can hold: quotes and the like take more room there.
pub(crate) fn json_beginning(text: &str, bytes: usize) -> &str {
    let mut room = bytes - 2;
    let mut kept = 0;
    for c in text.chars() {
        let length = match c {
            '"' | '\\' | '\n' | '\r' | '\t' => 2,
            c if c.is_control() => 6,
            c => c.len_utf8(),
        };
        if length > room {
            break;
        }
        room -= length;
        kept += c.len_utf8();
    }
    &text[..kept]
}

/// Adds one line to the log of `result`, unless it is full; then its last line says that some were left out.
pub(crate) fn log_line(result: &mut NodeResult, line: &str) {
    if result.log.ends_with(LOG_FULL) {
        return;
    }
    let room = MAX_LOG_BYTES - LOG_FULL.len() - result.log.len();
    if room > 0 {
        result.log.push_str(shortened(line, room - 1));
        result.log.push('\n');
    }
    if line.len() >= room {
        result.log.push_str(LOG_FULL);
    }
}

pub(crate) fn error_text(text: &str) -> String {
    let kept = shortened(text, MAX_ERROR_BYTES);
    if kept.len() < text.len() { format!("{kept}…") } else { kept.to_owned() }
}

/// At most `bytes` of `text`, cut between characters.
pub(crate) fn shortened(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::node_result;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_output_never_takes_more_than_its_bound_and_says_when_it_was_cut(piece in "[\\PC\"\\\\\n]{1,8}", times in 1usize..12_000) {
            let whole = Value::String(piece.repeat(times));
            let mut result = node_result("a");
            set_output(&mut result, whole.clone());
            prop_assert!(result.output.to_string().len() <= MAX_OUTPUT_BYTES);
            prop_assert_eq!(result.output_truncated, whole.to_string().len() > MAX_OUTPUT_BYTES);
            if result.output_truncated {
                prop_assert!(whole.to_string().starts_with(result.output.as_str().unwrap()));
                // Nearly all of the room is used: at most one character did not fit.
                prop_assert!(result.output.to_string().len() > MAX_OUTPUT_BYTES - 8);
            } else {
                prop_assert_eq!(result.output, whole);
            }
        }

        #[test]
        fn a_log_never_grows_past_its_bound_and_its_last_line_says_so(line in "\\PC{0,40}", times in 1usize..4_000) {
            let mut result = node_result("a");
            for _ in 0..times {
                log_line(&mut result, &line);
            }
            prop_assert!(result.log.len() <= MAX_LOG_BYTES);
            let whole = (line.len() + 1) * times <= MAX_LOG_BYTES - LOG_FULL.len();
            prop_assert_eq!(result.log.ends_with(LOG_FULL), !whole);
            if whole {
                prop_assert_eq!(result.log, format!("{line}\n").repeat(times));
            }
        }
    }

    #[test]
    fn a_long_error_is_cut_between_characters() {
        let text = "ä".repeat(MAX_ERROR_BYTES);
        let kept = error_text(&text);
        assert!(kept.len() <= MAX_ERROR_BYTES + "…".len());
        assert_eq!(kept.trim_end_matches('…'), "ä".repeat(MAX_ERROR_BYTES / 2));
    }
}
