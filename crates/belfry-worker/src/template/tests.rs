use serde_json::json;

use super::*;
use crate::fake::{claimed, node_result};

fn renderer() -> Renderer {
    let mut fetch = node_result("fetch");
    fetch.state = NodeState::Succeeded;
    fetch.output = json!({"status": 200, "body": {"items": [1, 2, 3], "name": "Ann"}});
    let mut left_out = node_result("left-out");
    left_out.state = NodeState::Skipped;
    let claimed = claimed(json!({"who": "Bob", "count": 3, "ratio": 0.5, "none": null}));
    Renderer::new(&claimed, [fetch, left_out].iter())
}

fn value(template: Value) -> Value {
    renderer().value(&template).unwrap()
}

#[test]
fn templates_see_input_outputs_and_the_run() {
    let text = "{{ input.who }} {{ nodes.fetch.output.body.name }} {{ run.workflow }} {{ run.attempt }} {{ run.nominal_time }} \
                {{ run.previous_nominal_time }} {{ run.id }}";
    let rendered = renderer().text(text).unwrap();
    assert_eq!(rendered, "Bob Ann nightly 2 2026-11-25T09:00:00Z 2026-11-24T09:00:00Z 00000000-0000-0001-0000-000000000001");
}

#[test]
fn what_there_is_none_of_is_absent_and_can_be_asked_for() {
    let asked = "{{ run.next_nominal_time is defined }} {{ nodes['left-out'].output is defined }} {{ nodes.fetch.output is defined }}";
    assert_eq!(renderer().text(asked).unwrap(), "false false true");
    for template in ["{{ run.next_nominal_time }}", "{{ nodes['left-out'].output }}", "{{ nodes.other.output }}", "{{ inptu }}"] {
        assert!(matches!(renderer().text(template), Err(TemplateError::Fails { .. })), "{template}");
        assert!(matches!(renderer().value(&json!(template)), Err(TemplateError::Fails { .. })), "{template}");
    }
    assert!(matches!(renderer().condition("run.next_nominal_time"), Err(TemplateError::Fails { .. })));
}

#[test]
fn values_in_text_are_written_as_json() {
    let text = "{{ input.none }} {{ true }} {{ input.ratio }} {{ nodes.fetch.output.body }} {{ range(3) }} {{ '<a>' }}";
    assert_eq!(renderer().text(text).unwrap(), r#"null true 0.5 {"items":[1,2,3],"name":"Ann"} [0,1,2] <a>"#);
}

#[test]
fn a_lone_expression_keeps_its_type_and_everything_else_is_text() {
    for (template, rendered) in [
        (json!("{{ input.count }}"), json!(3)),
        (json!(" {{- input.count -}}\n"), json!(3)),
        (json!("{{ input.ratio }}"), json!(0.5)),
        (json!("{{ input.none }}"), json!(null)),
        (json!("{{ nodes.fetch.output.body }}"), json!({"items": [1, 2, 3], "name": "Ann"})),
        (json!("{{ {'a': [input.count, true]} }}"), json!({"a": [3, true]})),
        (json!("{{ '}} {{' }}"), json!("}} {{")),
        (json!("{{ input.count }}{{ input.count }}"), json!("33")),
        (json!("n = {{ input.count }}"), json!("n = 3")),
        (json!("plain"), json!("plain")),
        (
            json!({"deep": ["{{ input.count }}", 7, null, {"{{ key }}": "{{ input.who }}"}]}),
            json!({"deep": [3, 7, null, {"{{ key }}": "Bob"}]}),
        ),
    ] {
        assert_eq!(value(template.clone()), rendered, "{template}");
    }
}

#[test]
fn conditions_are_expressions_judged_by_truth() {
    for (expression, result) in [
        ("nodes.fetch.output.status == 200", true),
        ("input.count > 3", false),
        ("nodes.fetch.output.body['items']", true),
        ("input.none", false),
        ("'a' in input.who", false),
    ] {
        assert_eq!(renderer().condition(expression), Ok(result), "{expression}");
    }
    assert!(matches!(renderer().condition("{{ input.count }}"), Err(TemplateError::Fails { .. })));
}

#[test]
fn a_template_that_runs_wild_is_stopped() {
    let renderer = renderer();
    let endless = "{% for a in range(10000) %}{% for b in range(10000) %}{{ a }}{% endfor %}{% endfor %}";
    let reason = renderer.text(endless).unwrap_err().to_string();
    assert!(reason.contains("too much work"), "{reason}");
    for template in ["{{ 'x' * 1000000000 }}", "{{ 'x' | indent(1000000000, true) }}", "{{ [0] * 100000000 }}"] {
        assert!(renderer.text(template).is_err(), "{template}");
    }
    assert!(renderer.value(&json!("{{ 'x' * 1000000000 }}")).is_err());
}

#[test]
fn more_than_a_mebibyte_is_not_rendered_also_not_in_pieces() {
    let renderer = renderer();
    let half = "{{ 'x' * 600000 }}";
    assert_eq!(renderer.text(half).map(|text| text.len()), Ok(600_000));
    assert_eq!(renderer.text(&half.repeat(2)), Err(TemplateError::TooLarge));
    assert_eq!(renderer.value(&json!([half, half])), Err(TemplateError::TooLarge));
    assert_eq!(renderer.value(&json!([half, format!("x{half}")])), Err(TemplateError::TooLarge));
}

#[test]
fn nothing_can_be_loaded() {
    for template in ["{% include 'x' %}", "{% extends 'x' %}", "{% import 'x' as y %}"] {
        assert!(renderer().text(template).is_err(), "{template}");
    }
}

#[test]
fn an_error_shows_the_template_and_names_what_is_not_defined() {
    for (template, name) in [
        ("{{ input.whom }}", "input.whom"),
        ("to {{ input.who }}, {{ inptu.whom }}", "inptu"),
        ("{{ input.a.b.c }}!", "input.a"),
        ("{{ nodes['left-out'].output.status }}!", "nodes['left-out'].output"),
        ("{% for item in nodes.fetch.output.body['items'] %}{{ item.b }}{% endfor %}", "item.b"),
        ("{{ input.whom | upper }}", "input.whom"),
        ("{{ input.whom + 1 }}", "input.whom"),
    ] {
        let wished = format!("the template `{template}` fails: `{name}` is not defined; write `{name} | default(…)` if it may be absent");
        assert_eq!(renderer().text(template).unwrap_err().to_string(), wished);
        let reason = renderer().value(&json!(template)).unwrap_err().to_string();
        assert!(reason.contains(&format!("`{name}` is not defined; write")), "{reason}");
    }
    let reason = renderer().condition("input.count > 1 and input.most > 2").unwrap_err().to_string();
    assert!(reason.contains("fails: `input.most` is not defined; write"), "{reason}");
}

#[test]
fn what_is_missing_because_an_output_was_cut_is_told_so() {
    let mut big = node_result("big");
    (big.state, big.output, big.output_truncated) = (NodeState::Succeeded, json!("{\"body\":{"), true);
    let mut bigger = node_result("bigger");
    (bigger.state, bigger.output) = (NodeState::Succeeded, json!({}));
    let renderer = Renderer::new(&claimed(Value::Null), [big, bigger].iter());
    for name in ["nodes.big.output.body", "nodes['big'].output.body", "nodes.big.output['body']"] {
        let reason = renderer.condition(&format!("{name}.name == 'x'")).unwrap_err().to_string();
        let wished = format!("fails: `{name}` is not defined, for the output of `big` was larger than 64 KiB and was cut");
        assert!(reason.ends_with(&wished), "{reason}");
    }
    let reason = renderer.condition("nodes.bigger.output.body").unwrap_err().to_string();
    assert!(reason.contains("`nodes.bigger.output.body` is not defined; write"), "{reason}");
}
