use belfry_core::ids::RunId;
use belfry_core::run::bounded::MAX_ERROR_BYTES;
use belfry_core::run::{MAX_LOG_BYTES, MAX_OUTPUT_BYTES};
use serde_json::json;

use super::*;
use crate::fixture::{Fixture, invalid, said};
use crate::runs::ClaimResponse;

async fn claimed(fixture: &Fixture) -> ClaimResponse {
    let workflow = fixture.workflow().await;
    let run = fixture.workflows.run(workflow.id, &json!({})).await.unwrap();
    fixture.runs.claim(run.id, &json!({"token": "5e0c1f9c-8a52-4d7b-9a53-0d1f3a6f0c01", "worker": "w"})).await.unwrap()
}

#[tokio::test]
async fn the_error_of_a_failure_is_cut_between_characters_and_never_refused() {
    let fixture = Fixture::new();
    let claim = claimed(&fixture).await;
    let error = "ä".repeat(MAX_ERROR_BYTES);
    fixture.runs.fail(claim.run.id, &json!({"epoch": claim.epoch, "error": error})).await.unwrap();
    let kept = fixture.runs.get(claim.run.id).await.unwrap().error.unwrap();
    assert_eq!(kept, format!("{}…", "ä".repeat(MAX_ERROR_BYTES / 2)));
}

#[tokio::test]
async fn an_error_that_fits_is_kept_as_it_is_even_an_empty_one() {
    let fixture = Fixture::new();
    let whole = "x".repeat(MAX_ERROR_BYTES);
    for error in ["", whole.as_str()] {
        let fixture = if error.is_empty() { &fixture } else { &Fixture::new() };
        let claim = claimed(fixture).await;
        fixture.runs.fail(claim.run.id, &json!({"epoch": claim.epoch, "error": error})).await.unwrap();
        assert_eq!(fixture.runs.get(claim.run.id).await.unwrap().error.as_deref(), Some(error));
    }
}

#[tokio::test]
async fn progress_is_one_line_cut_between_characters_and_never_refused() {
    let fixture = Fixture::new();
    let claim = claimed(&fixture).await;
    for (said, kept) in [
        ("312 of\t900\ninvoices".to_owned(), "312 of 900 invoices".to_owned()),
        ("ä".repeat(MAX_PROGRESS), "ä".repeat(MAX_PROGRESS)),
        ("ä".repeat(MAX_PROGRESS + 1), format!("{}…", "ä".repeat(MAX_PROGRESS - 1))),
        (String::new(), String::new()),
    ] {
        fixture.runs.heartbeat(claim.run.id, &json!({"epoch": claim.epoch, "progress": said})).await.unwrap();
        assert_eq!(fixture.runs.get(claim.run.id).await.unwrap().progress, Some(kept));
    }
}

#[tokio::test]
async fn what_a_run_leaves_is_bounded_and_says_so_whichever_way_it_ends() {
    let fixture = Fixture::new();
    let long = "x".repeat(MAX_OUTPUT_BYTES.max(MAX_LOG_BYTES));
    for verb in ["complete", "fail"] {
        let fixture = if verb == "complete" { &fixture } else { &Fixture::new() };
        let claim = claimed(fixture).await;
        let mut body = json!({"epoch": claim.epoch, "output": {"text": long}, "log": format!("{long}\n")});
        if verb == "complete" {
            fixture.runs.complete(claim.run.id, &body).await.unwrap();
        } else {
            body["error"] = json!("too much");
            fixture.runs.fail(claim.run.id, &body).await.unwrap();
        }
        let kept = fixture.runs.get(claim.run.id).await.unwrap();
        let (output, log) = (kept.output.unwrap(), kept.log.unwrap());
        assert_eq!((output.to_string().len(), kept.output_truncated), (MAX_OUTPUT_BYTES, Some(true)), "{verb}");
        assert!(output.as_str().unwrap().starts_with(r#"{"text":"xxx"#), "{verb}");
        assert!(log.len() <= MAX_LOG_BYTES && log.ends_with(bounded::LOG_FULL), "{verb}");
    }
}

#[tokio::test]
async fn every_fault_of_a_claim_is_told_at_once_with_what_would_be_accepted() {
    let fixture = Fixture::new();
    let body = json!({"token": "00000000-0000-0000-0000-000000000000", "worker": "x".repeat(MAX_WORKER + 1), "workr": 1});
    let violations = invalid(fixture.runs.claim(RunId(uuid::Uuid::nil()), &body).await);
    let expected = [
        ("/workr", "`workr` is not known; perhaps `worker`"),
        ("/token", "the nil UUID is nobody's own"),
        ("/worker", "it is no name of a worker"),
    ];
    assert_eq!(said(&violations), expected);
    assert_eq!(violations.0[1].expected, TOKEN);
    assert_eq!(violations.0[2].expected, WORKER);
}
