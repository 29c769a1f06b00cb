use belfry_core::run::{MAX_LOG_BYTES, MAX_OUTPUT_BYTES};

use super::*;

#[tokio::test]
async fn of_a_long_output_the_beginning_is_kept_beside_the_exit_code_and_the_log_says_so() {
    let run = run_node(shell("head -c 1000000 /dev/zero | tr '\\0' x")).await;
    let node = node(&run, "c");
    let kept = node.output["stdout"].as_str().unwrap().len();
    assert!(node.output.to_string().len() <= MAX_OUTPUT_BYTES && kept > MAX_OUTPUT_BYTES - 200, "{kept}");
    assert_eq!((&node.output["exit_code"], &node.output["stdout_truncated"]), (&json!(0), &json!(true)));
    assert_eq!(
        (node.output_truncated, node.log.as_str()),
        (false, &*format!("stdout: 1000000 bytes, of which the first {kept} were kept\n"))
    );
}

#[tokio::test]
async fn what_json_writes_longer_than_the_command_did_is_within_the_bound_too() {
    for text in ["head -c 40000 /dev/zero", "yes '\"' | head -c 60000", "head -c 60000 /dev/zero | tr '\\0' '\\377'"] {
        let run = run_node(shell(text)).await;
        let node = node(&run, "c");
        assert!(node.output.to_string().len() <= MAX_OUTPUT_BYTES && !node.output_truncated, "{text}");
        assert_eq!(node.output["stdout_truncated"], json!(true), "{text}");
    }
}

#[tokio::test]
async fn a_command_that_writes_without_end_ends_by_its_time_limit() {
    for stream in ["", " >&2"] {
        let mut endless = shell(&format!("yes{stream}"));
        endless["timeout"] = json!("PT0.2S");
        let run = run_node(endless).await;
        assert_eq!(run.error.as_deref(), Some("node `c` failed: it took longer than its time limit of 200ms and was killed"));
        let node = node(&run, "c");
        assert!(node.output.to_string().len() <= MAX_OUTPUT_BYTES && node.log.len() <= MAX_LOG_BYTES);
        assert_eq!(node.output["stdout_truncated"], json!(stream.is_empty()));
    }
}

#[tokio::test]
async fn a_line_without_end_is_broken_and_the_log_is_bounded() {
    let run = run_node(shell("head -c 20000 /dev/zero | tr '\\0' x >&2; echo >&2; echo next >&2")).await;
    let lengths: Vec<usize> = node(&run, "c").log.lines().map(str::len).collect();
    assert_eq!(lengths, [8192, 8192, 20_000 - 2 * 8192, 4]);
    let run = run_node(shell("yes | head -c 1000000 >&2")).await;
    let log = &node(&run, "c").log;
    assert!(log.len() <= MAX_LOG_BYTES && log.ends_with("(the log is full; what follows was left out)\n"), "{}", log.len());
}
