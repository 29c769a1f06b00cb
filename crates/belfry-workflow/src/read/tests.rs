use belfry_core::definition::Definition;
use belfry_core::violation::Violation;
use serde_json::json;

use super::*;

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
fn a_missing_field_is_named() {
    let missing = Violation::new("/nodes/0/id", None, "it is missing", "");
    assert_eq!(faults(&json!({"nodes": [{"type": "log"}]})), [missing]);
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
