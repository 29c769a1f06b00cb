use belfry_core::violation::{Violation, Violations};
use serde_json::{Value, json};

use super::{EXPRESSION, TEMPLATE};
use crate::definition::validate;
use crate::fixture::{now, said};

/// A node `fetch`, then `node` (its id is `me`), then `later`; `aside` is on no path.
fn around(kind: &str, parameters: Value) -> Value {
    let log = |id: &str| json!({"id": id, "type": "log", "parameters": {"message": ""}});
    json!({
        "nodes": [log("fetch"), {"id": "me", "type": kind, "parameters": parameters}, log("later"), log("aside")],
        "edges": [{"from": "fetch", "to": "me"}, {"from": "me", "to": "later"}]
    })
}

fn faults(kind: &str, parameters: Value) -> Violations {
    validate(&around(kind, parameters), now(), None).map(drop).err().unwrap_or_default()
}

fn faults_of(template: &str) -> Violations {
    faults("log", json!({ "message": template }))
}

#[test]
fn every_template_of_every_type_is_read_and_answered_at_its_own_place() {
    let broken = "{{ input. }}";
    let cases = [
        ("http", json!({"url": "http://x/{{ input. }}"}), "/url"),
        ("http", json!({"url": "http://x", "headers": {"a/b": broken}}), "/headers/a~1b"),
        ("http", json!({"url": "http://x", "body": broken}), "/body"),
        ("http", json!({"url": "http://x", "body": {"a": [1, broken]}}), "/body/a/1"),
        ("log", json!({ "message": broken }), "/message"),
        ("set", json!({"values": {"a": {"b": [null, broken]}}}), "/values/a/b/1"),
        ("wait", json!({ "until": broken }), "/until"),
        ("command", json!({ "argv": ["echo", broken] }), "/argv/1"),
        ("command", json!({ "argv": ["echo"], "cwd": broken }), "/cwd"),
        ("command", json!({ "shell": "echo", "env": {"A": broken} }), "/env/A"),
        ("command", json!({ "shell": "echo", "stdin": broken }), "/stdin"),
        ("command", json!({ "shell": "echo", "stdin": {"a": [broken]} }), "/stdin/a/0"),
    ];
    for (kind, parameters, pointer) in cases {
        let pointer = format!("/nodes/1/parameters{pointer}");
        let detail = "the template cannot be read: unexpected end of variable block, expected identifier or integer";
        assert_eq!(said(&faults(kind, parameters.clone())), [(pointer.as_str(), detail)], "{parameters}");
    }
    let found = faults("condition", json!({"expression": "input.a ="}));
    let expected = Violation::new(
        "/nodes/1/parameters/expression",
        Some(json!("input.a =")),
        "the expression cannot be read: unexpected input after expression",
        EXPRESSION,
    );
    assert_eq!(found.0, [expected]);
}

#[test]
fn a_violation_shows_the_template_its_line_and_what_is_accepted() {
    let template = "a\n{% if input.x %}\nb";
    let detail = "the template cannot be read: unexpected end of input, expected end of block (line 2)";
    let expected = Violation::new("/nodes/1/parameters/message", Some(json!(template)), detail, TEMPLATE);
    assert_eq!(faults_of(template).0, [expected]);
}

#[test]
fn a_name_that_nothing_has_is_answered_once_with_the_nearest() {
    for (template, detail) in [
        ("{{ inptu.a }}{{ inptu.b }}", "`inptu` is not known; perhaps `input`"),
        ("{{ node.fetch.output }}", "`node` is not known; perhaps `nodes`"),
        ("{% for a in inputs %}{{ a }}{% endfor %}", "`inputs` is not known; perhaps `input`"),
        ("{{ nodes.ftch.output }}{{ nodes.ftch.output.body }}", "there is no node `ftch`; perhaps `fetch`"),
        ("{{ nodes.later.output }}", "no path leads from node `later` to this one, so its output is not there"),
        ("{{ nodes.aside.output }}", "no path leads from node `aside` to this one, so its output is not there"),
        ("{{ nodes.me.output }}", "no path leads from node `me` to this one, so its output is not there"),
    ] {
        assert_eq!(said(&faults_of(template)), [("/nodes/1/parameters/message", detail)], "{template}");
    }
    let of_a_condition = faults("condition", json!({"expression": "nodes.later.output.status == inptu"}));
    let details: Vec<&str> = of_a_condition.0.iter().map(|violation| violation.detail.as_str()).collect();
    let expected = ["`inptu` is not known; perhaps `input`", "no path leads from node `later` to this one, so its output is not there"];
    assert_eq!(details, expected);
    assert_eq!(of_a_condition.0[1].expected, "a node that comes before: `fetch`");
}

#[test]
fn what_may_work_in_a_run_is_accepted() {
    for template in [
        "plain { } %",
        "{{ input.a }} {{ nodes.fetch.output.x.y }} {{ run.id }}",
        "{{ nodes[input.which].output }} {{ nodes['later'] is defined }} {% for id in nodes %}{{ id }}{% endfor %}",
        "{% set x = 1 %}{{ x }}{% if x %}{% set y = 2 %}{% endif %}{{ y }}{% set z %}a{% endset %}{{ z.b }}",
        "{% for a in range(3) %}{{ loop.index }}{{ a }}{% endfor %}{{ dict(a=1) }}{{ namespace() }}{{ debug() }}",
        "{% set ns = namespace(n=0) %}{% for a in input %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}",
        "{% with a = input.b %}{{ a }}{% endwith %}{% raw %}{{ x {% endraw %}{# {{ x #}",
        "{{ {'a': {'b': 1}}}}",
        "{{ '}} {{' }}",
        "{{- input.a | default('x') -}}",
    ] {
        for (kind, parameters) in [("log", json!({ "message": template })), ("set", json!({"values": {"a": template}}))] {
            assert_eq!(faults(kind, parameters), Violations::default(), "{template}");
        }
    }
    for expression in ["input.a and nodes.fetch.output.status in [200, 201]", " not nodes[input.which].output "] {
        assert_eq!(faults("condition", json!({ "expression": expression })), Violations::default(), "{expression}");
    }
}

#[test]
fn a_node_comes_before_over_any_number_of_edges() {
    let mut definition = around("set", json!({"values": {}}));
    definition["nodes"][2]["parameters"]["message"] = json!("{{ nodes.fetch.output }} {{ nodes.me.output }}");
    assert!(validate(&definition, now(), None).is_ok());
}

#[test]
fn an_edge_that_cannot_be_read_makes_no_template_wrong() {
    let mut definition = around("log", json!({"message": "{{ nodes.fetch.output }} {{ nodes.ftch.output }}"}));
    definition["edges"][0] = json!({"from": "fetch", "to": "me", "when": "sucess"});
    let expected = [
        ("/edges/0/when", "`sucess` is not known; perhaps `success`"),
        ("/nodes/1/parameters/message", "there is no node `ftch`; perhaps `fetch`"),
    ];
    assert_eq!(said(&validate(&definition, now(), None).unwrap_err()), expected);
}

#[test]
fn a_template_that_would_overflow_the_stack_is_refused_before_it_is_parsed() {
    let chains =
        [".a", "[0]", "+1", "|abs", "()", "**1", " if 1", " if 1 else 1"].map(|link| format!("{{{{ input{} }}}}", link.repeat(20_000)));
    let signs = ["-", "not "].map(|sign| format!("{{{{ {}1 }}}}", sign.repeat(20_000)));
    let branches = format!("{{% if 1 %}}{}{{% endif %}}", "{% elif 1 %}".repeat(20_000));
    for template in chains.iter().chain(&signs).chain([&branches]) {
        let expected = [("/nodes/1/parameters/message", "the template is too large to be read")];
        assert_eq!(said(&faults_of(template)), expected, "{}", &template[..40]);
    }
    let expression = format!("1{}", "+1".repeat(20_000));
    assert_eq!(faults("condition", json!({ "expression": expression })).0.len(), 1);
}

#[test]
fn what_is_just_small_enough_is_parsed_and_long_texts_are_no_long_templates() {
    for link in [".a", "+1", "|abs"] {
        assert_eq!(faults_of(&format!("{{{{ input{} }}}}", link.repeat(490))), Violations::default(), "{link}");
    }
    assert_eq!(faults_of(&format!("{{{{ {}1 }}}}", "-".repeat(990))), Violations::default());
    assert_eq!(faults_of(&format!("{{% if 1 %}}{}{{% endif %}}", "{% elif 1 %}".repeat(200))), Violations::default());
    assert_eq!(faults_of(&"{{ input.a }}, and so on. ".repeat(5_000)), Violations::default());
}
