use belfry_core::ids::WorkflowId;
use belfry_core::ports::Conflict;
use serde_json::{Value, json};

use super::*;
use crate::fixture::{Fixture, invalid, log, now, said, triggered};

fn body(definition: &Value) -> Value {
    json!({"name": "report", "definition": definition})
}

fn plain() -> Value {
    json!({"nodes": [log()]})
}

#[tokio::test]
async fn what_is_left_out_has_its_default() {
    let fixture = Fixture::new();
    let made = fixture.workflows.create(&body(&plain())).await.unwrap();
    let expected = json!({
        "id": made.id, "name": "report", "description": "", "definition": plain(), "version": 1, "tags": [],
        "queue": "default", "delivery": "tracked", "revision": 1,
        "created_at": "2026-11-25T09:00:00Z", "updated_at": "2026-11-25T09:00:00Z"
    });
    assert_eq!(serde_json::to_value(&made).unwrap(), expected);
    assert_eq!(fixture.workflows.get(made.id).await.unwrap(), made);
}

#[tokio::test]
async fn every_violation_of_a_body_is_answered_at_once() {
    let fixture = Fixture::new();
    let bad = json!({
        "name": "my report", "description": "x".repeat(4097), "queue": "a b", "nme": 1, "tags": ["a", "", "a"],
        "definition": {"nodes": [{"id": "x", "type": "htp"}], "edges": [{"from": "x", "to": "y"}]}
    });
    let expected = [
        ("/nme", "`nme` is not known; perhaps `name`"),
        ("/definition/nodes/0/type", "`htp` is no type of a node; perhaps `http`"),
        ("/definition/edges/0/to", "there is no node `y`; perhaps `x`"),
        ("/name", "`my report` is no name"),
        ("/description", "it is 4097 bytes long"),
        ("/tags/1", "it is 0 characters long"),
        ("/tags/2", "the tag `a` is given twice"),
        ("/queue", "`a b` is no name of a queue"),
    ];
    assert_eq!(said(&invalid(fixture.workflows.create(&bad).await)), expected);
}

#[tokio::test]
async fn bodies_have_limits_and_required_fields() {
    let fixture = Fixture::new();
    let with = |field: &str, value: Value| {
        let mut body = body(&plain());
        body[field] = value;
        body
    };
    let tags: Vec<String> = (0..21).map(|n| n.to_string()).collect();
    let cases = [
        (json!({"definition": plain()}), "/name", "it is missing"),
        (json!({"name": "x"}), "/definition", "it is missing"),
        (json!({"name": "x", "definition": []}), "/definition", "an array was found"),
        (with("name", json!("x".repeat(129))), "/name", &format!("`{}` is no name", "x".repeat(129))),
        (with("tags", json!(tags)), "/tags", "there are 21 tags"),
        (with("tags", json!(["ä".repeat(65)])), "/tags/0", "it is 65 characters long"),
        (with("delivery", json!("handof")), "/delivery", "`handof` is not known; perhaps `handoff`"),
        (
            with("delivery", json!("handoff")),
            "/queue",
            "a `handoff` workflow needs a queue of its own: workers of `default` would claim its messages",
        ),
        (json!([]), "", "an array was found"),
    ];
    for (body, pointer, detail) in cases {
        assert_eq!(said(&invalid(fixture.workflows.create(&body).await)), [(pointer, detail)], "{body}");
    }
    let mut handoff = with("delivery", json!("handoff"));
    handoff["queue"] = json!("theirs");
    assert!(fixture.workflows.create(&handoff).await.is_ok());
}

#[tokio::test]
async fn names_are_unique_among_living_workflows() {
    let fixture = Fixture::new();
    let first = fixture.workflows.create(&body(&plain())).await.unwrap();
    let taken = ServiceError::Conflict(Conflict::WorkflowName("report".to_owned()));
    assert_eq!(fixture.workflows.create(&body(&plain())).await.unwrap_err(), taken);
    fixture.workflows.delete(first.id, Some(first.revision)).await.unwrap();
    assert_eq!(fixture.workflows.get(first.id).await.unwrap_err(), ServiceError::NotFound("workflow"));
    assert!(fixture.workflows.create(&body(&plain())).await.is_ok());
}

#[tokio::test]
async fn a_replacement_is_the_whole_new_state_and_a_changed_definition_a_new_version() {
    let fixture = Fixture::new();
    let mut first = body(&plain());
    first["tags"] = json!(["a"]);
    first["description"] = json!("words");
    let made = fixture.workflows.create(&first).await.unwrap();
    let replaced = fixture.workflows.replace(made.id, Some(made.revision), &body(&plain())).await.unwrap();
    assert_eq!((replaced.version, replaced.revision, replaced.tags.len(), replaced.description.as_str()), (1, 2, 0, ""));
    let again = fixture.workflows.replace(made.id, None, &body(&plain())).await.unwrap();
    assert_eq!(again, replaced, "nothing changes, nothing is raised");
    let changed = fixture.workflows.replace(made.id, None, &body(&triggered(json!({"cron": "@daily"})))).await.unwrap();
    assert_eq!((changed.version, changed.revision), (2, 3));
}

#[tokio::test]
async fn a_patch_changes_what_it_names() {
    let fixture = Fixture::new();
    let made = fixture.workflows.create(&body(&plain())).await.unwrap();
    let patched = fixture.workflows.patch(made.id, None, &json!({"tags": ["a"], "definition": {"edges": []}})).await.unwrap();
    assert_eq!((patched.name.as_str(), patched.version), ("report", 2));
    assert_eq!(patched.definition, json!({"nodes": [log()], "edges": []}));
    let refused = fixture.workflows.patch(made.id, None, &json!({"name": null, "definition": {"nodes": []}, "version": 3})).await;
    let expected =
        [("/version", "`version` is read-only, leave it out"), ("/name", "it is missing"), ("/definition/nodes", "there are no nodes")];
    assert_eq!(said(&invalid(refused)), expected);
    assert_eq!(fixture.workflows.get(made.id).await.unwrap(), patched);
}

#[tokio::test]
async fn a_stale_revision_is_refused_before_the_body_is_looked_at() {
    let fixture = Fixture::new();
    let made = fixture.workflows.create(&body(&plain())).await.unwrap();
    let stale = ServiceError::Stale { current: 1 };
    assert_eq!(fixture.workflows.replace(made.id, Some(2), &json!({})).await.unwrap_err(), stale);
    assert_eq!(fixture.workflows.patch(made.id, Some(2), &json!({"x": 1})).await.unwrap_err(), stale);
    assert_eq!(fixture.workflows.delete(made.id, Some(2)).await.unwrap_err(), stale);
}

#[tokio::test]
async fn a_write_without_a_revision_is_made_again_when_another_comes_between() {
    let fixture = Fixture::new();
    let made = fixture.workflow().await;
    let patch = json!({"description": "words"});
    let patched = fixture.overtaken(4).0.patch(made.id, None, &patch).await.unwrap();
    assert_eq!((patched.tags, patched.description.as_str(), patched.revision), (vec!["after-4".to_owned()], "words", 6));
    let at_a_revision = fixture.overtaken(1).0.patch(made.id, Some(6), &json!({"description": ""})).await.unwrap_err();
    assert_eq!(at_a_revision, ServiceError::Stale { current: 7 });
}

#[tokio::test]
async fn the_trigger_s_schedule_follows_the_definition() {
    let fixture = Fixture::new();
    let workflow = fixture.triggered(json!({"cron": "0 9 * * *"})).await;
    let made = fixture.schedules.get(workflow.id).await.unwrap();
    assert_eq!(serde_json::to_value(made.origin).unwrap(), json!("definition"));
    let change = json!({"definition": triggered(json!({"cron": "0 8 * * *"}))});
    fixture.workflows.patch(workflow.id, None, &change).await.unwrap();
    let changed = fixture.schedules.get(workflow.id).await.unwrap();
    assert_eq!((changed.id, changed.cron.as_deref()), (made.id, Some("0 8 * * *")));
    let without = json!({"name": "triggered", "definition": plain()});
    fixture.workflows.replace(workflow.id, None, &without).await.unwrap();
    assert_eq!(fixture.schedules.get(workflow.id).await.unwrap_err(), ServiceError::NotFound("schedule"));
}

#[tokio::test]
async fn a_write_of_the_workflow_does_not_shift_its_interval() {
    let fixture = Fixture::new();
    let workflow = fixture.triggered(json!({"every": "15m"})).await;
    let start = fixture.schedules.get(workflow.id).await.unwrap().start;
    assert_eq!(start, Some(now()));
    fixture.pass(7);
    fixture.workflows.patch(workflow.id, None, &json!({"description": "words"})).await.unwrap();
    let put = json!({"name": "triggered", "tags": ["a"], "definition": triggered(json!({"every": "PT15M", "input": {"a": 1}}))});
    fixture.workflows.replace(workflow.id, None, &put).await.unwrap();
    assert_eq!(fixture.schedules.get(workflow.id).await.unwrap().start, start);
    let longer = json!({"definition": triggered(json!({"every": "20m"}))});
    fixture.workflows.patch(workflow.id, None, &longer).await.unwrap();
    assert_eq!(fixture.schedules.get(workflow.id).await.unwrap().start, Some(now().plus(jiff::SignedDuration::from_mins(7))));
}

#[tokio::test]
async fn a_pause_outlives_writes_of_a_definition_that_says_nothing_of_it() {
    let fixture = Fixture::new();
    let workflow = fixture.triggered(json!({"cron": "@hourly"})).await;
    let schedule = fixture.schedules.get(workflow.id).await.unwrap();
    fixture.schedules.pause(schedule.id, None).await.unwrap();
    fixture.workflows.patch(workflow.id, None, &json!({"description": "words"})).await.unwrap();
    assert!(!fixture.schedules.get(workflow.id).await.unwrap().is_active);
    let stated = json!({"definition": triggered(json!({"cron": "@hourly", "is_active": true}))});
    fixture.workflows.patch(workflow.id, None, &stated).await.unwrap();
    assert!(fixture.schedules.get(workflow.id).await.unwrap().is_active);
}

#[tokio::test]
async fn a_write_that_states_the_same_activity_does_not_undo_a_pause_or_a_resumption() {
    for stated in [true, false] {
        let fixture = Fixture::new();
        let workflow = fixture.triggered(json!({"cron": "@hourly", "is_active": stated})).await;
        let schedule = fixture.schedules.get(workflow.id).await.unwrap();
        assert_eq!(schedule.is_active, stated);
        if stated {
            fixture.schedules.pause(schedule.id, None).await.unwrap();
        } else {
            fixture.schedules.resume(schedule.id, None).await.unwrap();
        }
        let other_times = json!({"description": "words", "definition": triggered(json!({"cron": "@daily", "is_active": stated}))});
        fixture.workflows.patch(workflow.id, None, &other_times).await.unwrap();
        let after = fixture.schedules.get(workflow.id).await.unwrap();
        assert_eq!((after.is_active, after.cron.as_deref()), (!stated, Some("@daily")));
        let opposite = json!({"definition": triggered(json!({"cron": "@daily", "is_active": !stated}))});
        fixture.schedules.patch_by_id(schedule.id, None, &json!({"is_active": stated})).await.unwrap();
        fixture.workflows.patch(workflow.id, None, &opposite).await.unwrap();
        assert_eq!(fixture.schedules.get(workflow.id).await.unwrap().is_active, !stated);
    }
}

#[tokio::test]
async fn a_schedule_that_a_definition_begins_to_have_is_as_it_states() {
    let fixture = Fixture::new();
    let workflow = fixture.triggered(json!({"cron": "@hourly", "is_active": false})).await;
    fixture.workflows.patch(workflow.id, None, &json!({"definition": {"nodes": [log()], "edges": []}})).await.unwrap();
    let again = json!({"definition": triggered(json!({"cron": "@hourly", "is_active": false}))});
    fixture.workflows.patch(workflow.id, None, &again).await.unwrap();
    assert!(!fixture.schedules.get(workflow.id).await.unwrap().is_active);
}

#[tokio::test]
async fn an_answer_is_no_body_and_each_field_that_is_only_read_is_named() {
    let fixture = Fixture::new();
    let workflow = fixture.triggered(json!({"cron": "@hourly"})).await;
    let answer = serde_json::to_value(&workflow).unwrap();
    let refused = invalid(fixture.workflows.replace(workflow.id, None, &answer).await);
    let fields = ["id", "version", "revision", "created_at", "updated_at"];
    let details = fields.map(|field| format!("`{field}` is read-only, leave it out"));
    let mut found: Vec<&str> = refused.0.iter().map(|violation| violation.detail.as_str()).collect();
    found.sort_unstable();
    let mut expected: Vec<&str> = details.iter().map(String::as_str).collect();
    expected.sort_unstable();
    assert_eq!(found, expected);

    let plain = fixture.workflow().await.id;
    let (schedule, _) = fixture.schedules.put(plain, None, &json!({"cron": "@hourly"})).await.unwrap();
    let refused = invalid(fixture.schedules.put(plain, None, &serde_json::to_value(&schedule).unwrap()).await);
    assert_eq!(refused.0.len(), 14, "{refused}");
    assert!(refused.0.iter().all(|violation| violation.detail.ends_with(" is read-only, leave it out")), "{refused}");
}

#[tokio::test]
async fn a_one_shot_that_has_fired_does_not_forbid_to_edit_its_workflow() {
    let fixture = Fixture::new();
    let workflow = fixture.triggered(json!({"at": "2026-11-25T10:00:00Z"})).await;
    fixture.pass(120);
    fixture.workflows.patch(workflow.id, None, &json!({"description": "words"})).await.unwrap();
    let again = fixture.workflows.create(&json!({"name": "late", "definition": workflow.definition})).await;
    let expected = [("/definition/nodes/0/parameters/schedule/at", "it has passed: now is 2026-11-25T11:00:00Z")];
    assert_eq!(said(&invalid(again)), expected);
}

#[tokio::test]
async fn a_trigger_s_schedule_does_not_push_a_directly_made_one_aside() {
    let fixture = Fixture::new();
    let workflow = fixture.workflow().await;
    fixture.schedules.put(workflow.id, None, &json!({"cron": "@daily"})).await.unwrap();
    let add = json!({"definition": triggered(json!({"cron": "@hourly"}))});
    let refused = fixture.workflows.patch(workflow.id, None, &add).await.unwrap_err();
    assert_eq!(refused, ServiceError::DirectDefaultStands { node: "start".to_owned() });
    fixture.schedules.delete(workflow.id, None).await.unwrap();
    assert!(fixture.workflows.patch(workflow.id, None, &add).await.is_ok());
}

#[tokio::test]
async fn versions_are_kept_and_listed_newest_first() {
    let fixture = Fixture::new();
    let workflow = fixture.workflow().await;
    for words in ["one", "two"] {
        let mut definition = plain();
        definition["nodes"][0]["parameters"]["message"] = json!(words);
        fixture.workflows.patch(workflow.id, None, &json!({ "definition": definition })).await.unwrap();
    }
    let numbers = |list: &ListResponse<VersionResponse>| list.items.iter().map(|version| version.version).collect::<Vec<_>>();
    let first = fixture.workflows.versions(workflow.id, None, Some(2)).await.unwrap();
    assert_eq!((numbers(&first), first.next_cursor.as_deref()), (vec![3, 2], Some("2")));
    let rest = fixture.workflows.versions(workflow.id, Some(2), None).await.unwrap();
    assert_eq!((numbers(&rest), rest.next_cursor), (vec![1], None));
    assert_eq!(fixture.workflows.version(workflow.id, 1).await.unwrap().definition, workflow.definition);
    assert_eq!(fixture.workflows.version(workflow.id, 4).await.unwrap_err(), ServiceError::NotFound("version"));
}

#[tokio::test]
async fn lists_are_paged_and_filtered() {
    let fixture = Fixture::new();
    for name in ["a", "b", "c"] {
        let tags = if name == "b" { json!([]) } else { json!(["daily"]) };
        fixture.workflows.create(&json!({"name": name, "tags": tags, "definition": plain()})).await.unwrap();
    }
    let names = |list: &ListResponse<WorkflowResponse>| list.items.iter().map(|workflow| workflow.name.clone()).collect::<Vec<_>>();
    let query = |name: Option<&str>, tag: Option<&str>, limit, cursor: Option<String>| ListWorkflows {
        name: name.map(str::to_owned),
        tag: tag.map(str::to_owned),
        limit,
        cursor,
        ..ListWorkflows::default()
    };
    let first = fixture.workflows.list(query(None, None, Some(2), None)).await.unwrap();
    assert_eq!(names(&first), ["a", "b"]);
    let rest = fixture.workflows.list(query(None, None, None, first.next_cursor)).await.unwrap();
    assert_eq!((names(&rest), rest.next_cursor), (vec!["c".to_owned()], None));
    assert_eq!(names(&fixture.workflows.list(query(None, Some("daily"), None, None)).await.unwrap()), ["a", "c"]);
    assert_eq!(names(&fixture.workflows.list(query(Some("b"), None, None, None)).await.unwrap()), ["b"]);
    let refused = fixture.workflows.list(query(None, None, Some(0), Some("x".to_owned()))).await;
    assert_eq!(said(&invalid(refused)), [("/cursor", "`x` cannot be read"), ("/limit", "0 is out of range")]);
}

#[tokio::test]
async fn a_manual_run_takes_the_given_input_and_time() {
    let fixture = Fixture::new();
    let workflow = fixture.workflow().await;
    let run = fixture.workflows.run(workflow.id, &json!({})).await.unwrap();
    assert_eq!((run.input, run.nominal_time, run.lateness_ms), (json!({}), None, 0));
    let body = json!({"input": {"a": 1}, "nominal_time": "2026-11-24T10:00:00+01:00"});
    let run = serde_json::to_value(fixture.workflows.run(workflow.id, &body).await.unwrap()).unwrap();
    assert_eq!((&run["input"], &run["nominal_time"]), (&json!({"a": 1}), &json!("2026-11-24T09:00:00Z")));
    assert_eq!((&run["kind"], &run["reason"], &run["state"]), (&json!("manual"), &json!("manual"), &json!("pending")));
}

#[tokio::test]
async fn a_manual_run_s_body_is_checked() {
    let fixture = Fixture::new();
    let workflow = fixture.workflow().await.id;
    let large = json!({"a": "x".repeat(65_536)});
    let cases = [
        (json!({"inputs": {}}), "/inputs", "`inputs` is not known; perhaps `input`"),
        (json!({"input": "x"}), "/input", "a string was found"),
        (json!({ "input": large }), "/input", "it is 65544 bytes as JSON"),
        (
            json!({"nominal_time": "yesterday"}),
            "/nominal_time",
            "`yesterday` is no instant; write RFC 3339 with an offset, such as 2026-11-25T09:00:00Z",
        ),
        (json!(null), "", "null was found"),
    ];
    for (body, pointer, detail) in cases {
        assert_eq!(said(&invalid(fixture.workflows.run(workflow, &body).await)), [(pointer, detail)]);
    }
    let nowhere = WorkflowId(uuid::Uuid::nil());
    assert_eq!(fixture.workflows.run(nowhere, &json!({})).await.unwrap_err(), ServiceError::NotFound("workflow"));
}
