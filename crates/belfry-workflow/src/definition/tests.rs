use serde_json::json;

use super::*;
use crate::fixture::{log, now, said, triggered};

fn faults(value: &Value) -> Violations {
    validate(value, now(), None).unwrap_err()
}

/// A definition of the nodes, whose ids are `a`, `b`, …, and of the edges `from`, `to`, `when`.
fn graph(kinds: &[&str], edges: &[(&str, &str, &str)]) -> Value {
    let parameters = |kind: &str| match kind {
        "condition" => json!({"expression": "input.x"}),
        "log" => json!({"message": "hello"}),
        _ => json!({}),
    };
    let node = |(index, kind): (usize, &&str)| {
        let id = char::from(b'a' + u8::try_from(index).unwrap());
        json!({"id": id, "type": kind, "parameters": parameters(kind)})
    };
    let nodes: Vec<Value> = kinds.iter().enumerate().map(node).collect();
    let edges: Vec<Value> = edges.iter().map(|(from, to, when)| json!({"from": from, "to": to, "when": when})).collect();
    json!({"nodes": nodes, "edges": edges})
}

fn with_node(node: Value) -> Value {
    json!({ "nodes": [node] })
}

#[test]
fn a_sound_definition_answers_its_trigger_s_schedule() {
    let (definition, schedule) = validate(&triggered(json!({"cron": "0 9 * * *"})), now(), None).unwrap();
    assert_eq!(definition.nodes.len(), 2);
    assert_eq!(schedule.unwrap().content.specs, [belfry_core::spec::Spec::cron("0 9 * * *".parse().unwrap())]);
    assert_eq!(validate(&with_node(log()), now(), None).unwrap().1, None);
}

#[test]
fn a_trigger_without_a_schedule_is_sound() {
    let (_, schedule) = validate(&graph(&["trigger", "log"], &[("a", "b", "success")]), now(), None).unwrap();
    assert_eq!(schedule, None);
}

#[test]
fn edges_lead_from_node_to_node_and_each_is_there_once() {
    let found = faults(&graph(
        &["log", "log"],
        &[("a", "b", "success"), ("a", "b", "success"), ("a", "b", "failure"), ("a", "bb", "success"), ("b", "b", "success")],
    ));
    let expected = [
        ("/edges/1", "`/edges/0` is the same edge"),
        ("/edges/3/to", "there is no node `bb`; perhaps `b`"),
        ("/edges/4/to", "the edge leads from `b` to itself"),
    ];
    assert_eq!(said(&found), expected);
}

#[test]
fn a_cycle_is_answered_with_its_nodes_in_order() {
    let edges = [("a", "b", "success"), ("b", "c", "success"), ("c", "d", "success"), ("d", "b", "failure"), ("d", "e", "success")];
    let found = faults(&graph(&["log"; 5], &edges));
    assert_eq!(said(&found), [("/edges", "the edges lead round in a circle: b → c → d → b")]);
}

#[test]
fn a_diamond_is_no_cycle() {
    let edges = [("a", "b", "success"), ("a", "c", "success"), ("b", "d", "success"), ("c", "d", "failure")];
    assert!(validate(&graph(&["log"; 4], &edges), now(), None).is_ok());
}

#[test]
fn only_conditions_have_branches_and_nothing_leads_to_a_trigger() {
    let edges = [("b", "c", "true"), ("b", "c", "false"), ("c", "b", "true"), ("c", "a", "success")];
    let both_to_one_node = graph(&["trigger", "condition", "log"], &edges[..2]);
    assert!(validate(&both_to_one_node, now(), None).is_ok());
    let found = faults(&graph(&["trigger", "condition", "log"], &edges[2..]));
    let expected = [
        ("/edges/0/when", "`c` is of type `log`, and only a `condition` has branches"),
        ("/edges/1/to", "`a` is a trigger: a workflow begins there, and no edge leads to it"),
    ];
    assert_eq!(said(&found), expected);
}

#[test]
fn ids_are_unique_and_can_stand_in_templates() {
    let node = |id: &str| json!({"id": id, "type": "log", "parameters": {"message": ""}});
    let long = "x".repeat(65);
    let found = faults(&json!({"nodes": [node("a"), node("a"), node("fetch-data"), node("1st"), node(""), node(&long)]}));
    let too_long = format!("`{long}` is no id of a node");
    let expected = [
        ("/nodes/1/id", "`a` is the id of `/nodes/0` too"),
        ("/nodes/2/id", "`fetch-data` has a `-`, which subtracts in templates (`nodes.fetch-data.output`); write `fetch_data`"),
        ("/nodes/3/id", "`1st` is no id of a node"),
        ("/nodes/4/id", "`` is no id of a node"),
        ("/nodes/5/id", &too_long),
    ];
    assert_eq!(said(&found), expected);
}

#[test]
fn one_trigger_at_most() {
    let found = faults(&graph(&["trigger", "trigger"], &[]));
    assert_eq!(said(&found), [("/nodes/1/type", "`a` is a trigger too, and there is one at most")]);
}

#[test]
fn parameters_are_read_as_the_type_asks() {
    let cases = [
        (json!({"id": "a", "type": "htp"}), "/nodes/0/type", "`htp` is no type of a node; perhaps `http`"),
        (json!({"id": "a", "type": "http"}), "/nodes/0/parameters/url", "it is missing"),
        (json!({"id": "a", "type": "http", "parameters": {"url": 5}}), "/nodes/0/parameters/url", "the number 5 was found"),
        (
            json!({"id": "a", "type": "http", "parameters": {"url": "ftp://x"}}),
            "/nodes/0/parameters/url",
            "`ftp://x` is no address of http or https",
        ),
        (
            json!({"id": "a", "type": "http", "parameters": {"url": "http://x", "method": "get"}}),
            "/nodes/0/parameters/method",
            "`get` is no method; perhaps `GET`",
        ),
        (
            json!({"id": "a", "type": "http", "parameters": {"url": "http://x", "success_status": [200, 20]}}),
            "/nodes/0/parameters/success_status/1",
            "it is no status of HTTP",
        ),
        (
            json!({"id": "a", "type": "http", "parameters": {"url": "http://x", "follow_redirects": 11}}),
            "/nodes/0/parameters/follow_redirects",
            "it is out of range",
        ),
        (
            json!({"id": "a", "type": "log", "parameters": {"mesage": "x", "message": "x"}}),
            "/nodes/0/parameters/mesage",
            "`mesage` is not known; perhaps `message`",
        ),
        (
            json!({"id": "a", "type": "condition", "parameters": {"expression": "{{ input.x }}"}}),
            "/nodes/0/parameters/expression",
            "an expression stands without `{{` and `}}`",
        ),
        (json!({"id": "a", "type": "wait"}), "/nodes/0/parameters", "neither `for` nor `until` is given"),
        (
            json!({"id": "a", "type": "wait", "parameters": {"for": "5s", "until": "x"}}),
            "/nodes/0/parameters",
            "`for` and `until` are given together",
        ),
        (json!({"id": "a", "type": "wait", "parameters": {"for": "0s"}}), "/nodes/0/parameters/for", "it is zero"),
        (json!({"id": "a", "type": "set", "parameters": []}), "/nodes/0/parameters", "an array was found"),
        (
            json!({"id": "a", "type": "trigger", "parameters": {"schedule": {"cron": "0 9 * *"}}}),
            "/nodes/0/parameters/schedule/cron",
            "a cron expression has five fields (minute hour day-of-month month day-of-week), six with the second first, or \
             seven with the year last as well, but 4 were found",
        ),
        (
            json!({"id": "a", "type": "trigger", "parameters": {"schedule": {"cron": "@daily", "name": "other"}}}),
            "/nodes/0/parameters/schedule/name",
            "a trigger node has the workflow's `default` schedule, not `other`",
        ),
    ];
    for (node, pointer, detail) in cases {
        assert_eq!(said(&faults(&with_node(node.clone()))), [(pointer, detail)], "{node}");
    }
}

#[test]
fn an_address_may_begin_with_a_template() {
    let node = json!({"id": "a", "type": "http", "parameters": {"url": "{{ input.url }}"}});
    assert!(validate(&with_node(node), now(), None).is_ok());
}

#[test]
fn retries_and_timeouts_have_limits() {
    let mut node = log();
    node["timeout"] = json!("PT24H0.001S");
    node["retry"] = json!({"attempts": 21, "max_backoff": "25h"});
    let expected = [
        ("/nodes/0/timeout", "it is out of range"),
        ("/nodes/0/retry/attempts", "it is out of range"),
        ("/nodes/0/retry/max_backoff", "it is out of range"),
    ];
    assert_eq!(said(&faults(&with_node(node.clone()))), expected);
    node["timeout"] = json!("0s");
    node["retry"] = json!([3]);
    let expected = [("/nodes/0/retry", "an array was found"), ("/nodes/0/timeout", "it is out of range")];
    assert_eq!(said(&faults(&with_node(node.clone()))), expected);
    node["timeout"] = json!("24h");
    node["retry"] = json!({"attempts": 20, "backoff": "0s"});
    assert!(validate(&with_node(node), now(), None).is_ok());
}

#[test]
fn one_fault_hides_no_other() {
    let found = faults(&json!({
        "nodes": [{"type": "log"}, {"id": "b", "type": "log"}, {"id": "c", "type": "log", "parameters": {"message": "x"}}],
        "edges": [{"from": "b"}, {"from": "c", "to": "d"}],
        "nods": []
    }));
    let expected = [
        ("/nods", "`nods` is not known; perhaps `nodes`"),
        ("/nodes/0/id", "it is missing"),
        ("/edges/0/to", "it is missing"),
        ("/nodes/1/parameters/message", "it is missing"),
        ("/edges/1/to", "there is no node `d`; perhaps `b`"),
    ];
    assert_eq!(said(&found), expected);
}

#[test]
fn what_is_too_large_is_refused() {
    let nodes: Vec<Value> = (0..501).map(|n| json!({"id": format!("n{n}"), "type": "set", "parameters": {"values": {}}})).collect();
    assert_eq!(said(&faults(&json!({ "nodes": nodes }))), [("/nodes", "it has 501 items")]);
    let edges = vec![json!({"from": "say", "to": "say"}); 2001];
    assert_eq!(said(&faults(&json!({"nodes": [log()], "edges": edges}))), [("/edges", "it has 2001 items")]);
    let mut large = log();
    large["parameters"]["message"] = json!("x".repeat(MAX_BYTES));
    let found = faults(&with_node(large));
    assert_eq!((found.0[0].pointer.as_str(), found.0[0].expected.as_str()), ("", "at most 1048576 bytes"));
    assert_eq!(said(&faults(&json!({"nodes": []}))), [("/nodes", "there are no nodes")]);
}
