use belfry_core::ids::RunId;
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
