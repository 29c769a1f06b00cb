use belfry_core::definition::{Definition, Edge, Node, Retry};
use belfry_core::node::{ConditionParameters, HttpParameters, LogParameters, SetParameters};
use belfry_core::violation::Violation;
use serde_json::json;

use super::*;
use crate::workflows::WorkflowRequest;

fn faults(value: &Value) -> Vec<Violation> {
    read::<Definition>(value).unwrap_err().0
}

#[test]
fn every_fault_is_answered_with_its_pointer_and_what_is_accepted() {
    let found = faults(&json!({
        "nodes": [{"id": "a", "type": "log", "parametrs": {}, "timeout": 5, "retry": {"attempts": -1, "bakoff": 1}}],
        "edges": [{"from": "a", "to": "a", "when": "sucess"}],
        "a/b~c": null
    }));
    let fields = "one of `id`, `type`, `parameters`, `timeout`, `retry`";
    let expected = [
        Violation::new("/a~1b~0c", Some(Value::Null), "`a/b~c` is not known", "one of `nodes`, `edges`"),
        Violation::new(
            "/edges/0/when",
            Some(json!("sucess")),
            "`sucess` is not known; perhaps `success`",
            "one of `success`, `failure`, `true`, `false`",
        ),
        Violation::new("/nodes/0/parametrs", Some(json!({})), "`parametrs` is not known; perhaps `parameters`", fields),
        Violation::new("/nodes/0/retry/attempts", Some(json!(-1)), "the number -1 was found", "a whole number, not negative"),
        Violation::new(
            "/nodes/0/retry/bakoff",
            Some(json!(1)),
            "`bakoff` is not known; perhaps `backoff`",
            "one of `attempts`, `backoff`, `max_backoff`",
        ),
        Violation::new("/nodes/0/timeout", Some(json!(5)), "the number 5 was found", "a duration such as PT15M or 15m"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_missing_field_is_named_with_what_belongs_there() {
    let missing = Violation::new("/nodes/0/id", None, "it is missing", "1 to 64 letters, digits and `_`, not beginning with a digit");
    assert_eq!(faults(&json!({"nodes": [{"type": "log"}]})), [missing]);
}

#[test]
fn every_field_that_cannot_be_left_out_says_what_belongs_there() {
    let empty = json!({});
    let bodies = [
        read::<WorkflowRequest>(&empty).map(drop),
        read::<Definition>(&empty).map(drop),
        read::<Node>(&empty).map(drop),
        read::<Node>(&json!({"id": "a"})).map(drop),
        read::<Retry>(&empty).map(drop),
        read::<Edge>(&empty).map(drop),
        read::<Edge>(&json!({"from": "a"})).map(drop),
        read::<HttpParameters>(&empty).map(drop),
        read::<LogParameters>(&empty).map(drop),
        read::<SetParameters>(&empty).map(drop),
        read::<ConditionParameters>(&empty).map(drop),
    ];
    let missing: Vec<Violation> = bodies.into_iter().map(|read| read.unwrap_err().0.swap_remove(0)).collect();
    let fields: Vec<&str> = missing.iter().map(|violation| violation.pointer.as_str()).collect();
    let known = ["/name", "/nodes", "/id", "/type", "/attempts", "/from", "/to", "/url", "/message", "/values", "/expression"];
    assert_eq!(fields, known);
    for violation in missing {
        assert_eq!(violation.detail, "it is missing");
        assert_ne!(violation.expected, "", "{}", violation.pointer);
    }
}

#[test]
fn what_a_type_says_is_passed_on() {
    let found = faults(&json!({"nodes": [{"id": "a", "type": "log", "timeout": "1 day"}]}));
    assert_eq!(found[0].pointer, "/nodes/0/timeout");
    assert!(found[0].detail.starts_with("`1 day` is no duration; write ISO 8601"), "{}", found[0].detail);
}

#[test]
fn only_an_object_is_read() {
    for (value, found) in [(json!([1]), "an array"), (json!("{}"), "a string"), (Value::Null, "null"), (json!(true), "true")] {
        let detail = format!("{found} was found");
        assert_eq!(faults(&value), [Violation::new("", Some(value), detail, "an object")]);
    }
}

#[test]
fn merge_patch_does_what_the_examples_of_rfc_7396_say() {
    let examples = [
        (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
        (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
        (json!({"a": "b"}), json!({"a": null}), json!({})),
        (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
        (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
        (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
        (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
        (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
        (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
        (json!({"a": "b"}), json!(["c"]), json!(["c"])),
        (json!({"a": "foo"}), Value::Null, Value::Null),
        (json!({"a": "foo"}), json!("bar"), json!("bar")),
        (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
        (json!([1, 2]), json!({"a": "b", "c": null}), json!({"a": "b"})),
        (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
    ];
    for (mut target, patch, result) in examples {
        let before = target.clone();
        merge_patch(&mut target, &patch);
        assert_eq!(target, result, "{before} with {patch}");
    }
}
