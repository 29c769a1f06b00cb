//! What is kept of a node's output and log is bounded here, and says so.

use belfry_core::run::bounded::{self, LOG_FULL, beginning};
use belfry_core::run::{MAX_LOG_BYTES, NodeResult};
use serde_json::Value;

/// Puts `output` into `result`: as it is, or the beginning of its JSON as a string when it is too large.
pub(crate) fn set_output(result: &mut NodeResult, output: Value) {
    (result.output, result.output_truncated) = bounded::output(output);
}

/// Adds one line to the log of `result`, unless it is full; then its last line says that some were left out.
pub(crate) fn log_line(result: &mut NodeResult, line: &str) {
    if result.log.ends_with(LOG_FULL) {
        return;
    }
    let room = MAX_LOG_BYTES - LOG_FULL.len() - result.log.len();
    if room > 0 {
        result.log.push_str(beginning(line, room - 1));
        result.log.push('\n');
    }
    if line.len() >= room {
        result.log.push_str(LOG_FULL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::node_result;
    use proptest::prelude::*;

    proptest! {
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
}
