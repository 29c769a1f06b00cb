//! How much is kept of what workers say, and how it tells that something was left out.

use serde_json::Value;

use super::{MAX_LOG_BYTES, MAX_OUTPUT_BYTES};

/// The most of an error's text that is kept.
pub const MAX_ERROR_BYTES: usize = 4 * 1024;
/// The last line of a log that is full.
pub const LOG_FULL: &str = "… (the log is full; what follows was left out)\n";

/// As it is, and false; or the beginning of its JSON as a string, and true, when it has more than [`MAX_OUTPUT_BYTES`].
pub fn output(output: Value) -> (Value, bool) {
    let text = output.to_string();
    if text.len() <= MAX_OUTPUT_BYTES { (output, false) } else { (Value::from(json_beginning(&text, MAX_OUTPUT_BYTES)), true) }
}

/// As much of `text` as a JSON string of so many `bytes` can hold: quotes and the like take more room there.
pub fn json_beginning(text: &str, bytes: usize) -> &str {
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

/// A log that comes as a whole: at most [`MAX_LOG_BYTES`] of it, its last line then [`LOG_FULL`].
pub fn log(text: String) -> String {
    if text.len() <= MAX_LOG_BYTES {
        return text;
    }
    let kept = beginning(&text, MAX_LOG_BYTES - LOG_FULL.len() - 1);
    let end = if kept.ends_with('\n') { "" } else { "\n" };
    format!("{kept}{end}{LOG_FULL}")
}

/// At most [`MAX_ERROR_BYTES`], and an ellipsis where more was said.
pub fn error(text: &str) -> String {
    let kept = beginning(text, MAX_ERROR_BYTES);
    if kept.len() < text.len() { format!("{kept}…") } else { kept.to_owned() }
}

/// At most `bytes` of `text`, cut between characters.
pub fn beginning(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_output_never_takes_more_than_its_bound_and_says_when_it_was_cut(piece in "[\\PC\"\\\\\n]{1,8}", times in 1usize..12_000) {
            let whole = Value::String(piece.repeat(times));
            let (kept, is_cut) = output(whole.clone());
            prop_assert!(kept.to_string().len() <= MAX_OUTPUT_BYTES);
            prop_assert_eq!(is_cut, whole.to_string().len() > MAX_OUTPUT_BYTES);
            if is_cut {
                prop_assert!(whole.to_string().starts_with(kept.as_str().unwrap()));
                // Nearly all of the room is used: at most one character did not fit.
                prop_assert!(kept.to_string().len() > MAX_OUTPUT_BYTES - 8);
            } else {
                prop_assert_eq!(kept, whole);
            }
        }

        #[test]
        fn a_log_that_comes_whole_is_kept_whole_or_says_that_it_is_not(line in "\\PC{0,40}\n?", times in 1usize..4_000) {
            let whole = line.repeat(times);
            let kept = log(whole.clone());
            prop_assert!(kept.len() <= MAX_LOG_BYTES);
            if whole.len() <= MAX_LOG_BYTES {
                prop_assert_eq!(kept, whole);
            } else {
                let beginning = kept.strip_suffix(LOG_FULL).unwrap();
                prop_assert!(beginning.ends_with('\n'));
                prop_assert!(whole.starts_with(beginning.strip_suffix('\n').unwrap()));
                prop_assert!(kept.len() > MAX_LOG_BYTES - 8);
            }
        }
    }

    #[test]
    fn a_long_error_is_cut_between_characters() {
        let kept = error(&"ä".repeat(MAX_ERROR_BYTES));
        assert_eq!(kept, format!("{}…", "ä".repeat(MAX_ERROR_BYTES / 2)));
        assert_eq!(error(&"x".repeat(MAX_ERROR_BYTES)), "x".repeat(MAX_ERROR_BYTES));
    }
}
