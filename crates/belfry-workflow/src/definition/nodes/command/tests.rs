use serde_json::{Value, json};

use crate::definition::validate;
use crate::fixture::{now, said};

fn check(parameters: &Value) -> Vec<(String, String)> {
    let node = json!({"id": "a", "type": "command", "parameters": parameters});
    let found = validate(&json!({ "nodes": [node] }), now(), None).map(drop).err().unwrap_or_default();
    let inside = |pointer: &str| pointer.strip_prefix("/nodes/0/parameters").unwrap().to_owned();
    said(&found).into_iter().map(|(pointer, detail)| (inside(pointer), detail.to_owned())).collect()
}

#[test]
fn commands_are_sound_with_a_program_or_a_shells_text() {
    for parameters in [
        json!({"argv": ["true"]}),
        json!({"argv": ["{{ input.program }}", "", "{{ input.n }}"], "cwd": "/srv/{{ input.shop }}", "success_codes": [0, 255]}),
        json!({"shell": "docker ps --format '{{.ID}}' && awk '{{ print $1 }}' f", "cwd": "{{ input.folder }}"}),
        json!({"shell": "echo \"$WHO\"", "env": {"WHO": "{{ input.who }}"}, "stdin": {"n": "{{ input.n }}"}}),
        json!({"argv": ["true"], "shell": null}),
    ] {
        assert_eq!(check(&parameters), [], "{parameters}");
    }
}

#[test]
fn what_a_command_cannot_be_is_told_at_its_place() {
    for (parameters, pointer, detail) in [
        (json!({}), "", "neither `argv` nor `shell` is given"),
        (json!({"argv": ["a"], "shell": "a"}), "", "`argv` and `shell` are given together"),
        (json!({"argv": []}), "/argv", "it names no program"),
        (json!({"argv": [""]}), "/argv", "it names no program"),
        (json!({"argv": vec!["a"; 1_001]}), "/argv", "it has 1001 items"),
        (json!({"argv": ["a", "b\0"]}), "/argv/1", "it has a NUL"),
        (json!({"argv": "ls -l"}), "/argv", "a string was found"),
        (json!({"argv": ["sleep", 5]}), "/argv/1", "the number 5 was found"),
        (json!({"shell": " \n"}), "/shell", "it is empty"),
        (json!({"shell": "a\0"}), "/shell", "it has a NUL"),
        (json!({"argv": ["a"], "cwd": "srv"}), "/cwd", "`srv` is no absolute path"),
        (json!({"argv": ["a"], "env": {"A=B": ""}}), "/env/A=B", "`A=B` is no name of a variable"),
        (json!({"argv": ["a"], "env": {"": ""}}), "/env/", "`` is no name of a variable"),
        (json!({"argv": ["a"], "success_codes": [256]}), "/success_codes/0", "the number 256 was found"),
        (json!({"argv": ["a"], "comand": 1}), "/comand", "`comand` is not known"),
    ] {
        assert_eq!(check(&parameters), [(pointer.to_owned(), detail.to_owned())], "{parameters}");
    }
    let reserved = check(&json!({"argv": ["a"], "env": {"BELFRY_RUN_ID": "x"}}));
    assert!(reserved[0].1.starts_with("`BELFRY_RUN_ID` begins with BELFRY_"), "{reserved:?}");
}

#[test]
fn a_template_in_the_text_of_a_shell_is_refused_for_it_would_be_run_as_a_program() {
    for shell in ["echo {{ input.who }}", "echo {{input.who}}", "x {{- run.id }}", "curl {{ nodes.a.output }}"] {
        let found = check(&json!({ "shell": shell }));
        assert_eq!((found.len(), found[0].0.as_str()), (1, "/shell"), "{shell}");
        assert!(found[0].1.contains("would become part of its program"), "{found:?}");
    }
}
