//! A workflow's body: read, checked, and shown again as the document that a merge patch changes.

use belfry_core::schedule::ScheduleContent;
use belfry_core::violation::Violations;
use belfry_core::workflow::{Delivery, QueueName, Workflow};
use serde_json::{Value, json};

use super::schemas::WorkflowRequest;
use crate::definition;
use crate::read::read_partly;
use crate::triggers::{Reading, ScheduleDraft, check_name};

const MAX_DESCRIPTION_BYTES: usize = 4 * 1024;
const MAX_TAGS: usize = 20;
const MAX_TAG: usize = 64;

/// A workflow as its author gave it, sound.
#[derive(Debug)]
pub(super) struct WorkflowDraft {
    pub name: String,
    pub description: String,
    pub definition: Value,
    pub tags: Vec<String>,
    pub queue: QueueName,
    pub delivery: Delivery,
    /// Of its trigger node.
    pub trigger: Option<ScheduleDraft>,
}

/// Everything of the workflow that users set.
pub(super) fn settable(workflow: &Workflow) -> Value {
    json!({
        "name": workflow.name,
        "description": workflow.description,
        "definition": workflow.definition,
        "tags": workflow.tags,
        "queue": workflow.queue,
        "delivery": workflow.delivery,
    })
}

/// `standing` is the content of the trigger's schedule that the workflow has now.
pub(super) fn read_workflow(body: &Value, reading: Reading<'_>, standing: Option<&ScheduleContent>) -> Result<WorkflowDraft, Violations> {
    let (request, mut violations) = read_partly::<WorkflowRequest>(body, &[]);
    // A definition is checked even where another field is missing: its author wants to hear everything at once.
    let trigger = match body.get("definition").map(|given| definition::validate(given, reading, standing)) {
        Some(Ok((_, trigger))) => trigger,
        Some(Err(others)) => {
            violations.append_under("/definition", others);
            None
        }
        None => None,
    };
    let Some(request) = request else { return Err(violations) };
    check_name("/name", &request.name, &mut violations);
    check_description(&request.description, &mut violations);
    check_tags(&request.tags, &mut violations);
    let queue = read_queue(request.queue.as_deref(), &mut violations);
    let delivery = request.delivery.unwrap_or_default();
    if delivery == Delivery::Handoff && queue == QueueName::default() {
        let detail = "a `handoff` workflow needs a queue of its own: workers of `default` would claim its messages";
        violations.add("/queue", Some(json!(queue)), detail, "the name of another queue");
    }
    violations.or(WorkflowDraft {
        name: request.name,
        description: request.description.unwrap_or_default(),
        definition: request.definition,
        tags: request.tags.unwrap_or_default(),
        queue,
        delivery,
        trigger,
    })
}

fn check_description(description: &Option<String>, violations: &mut Violations) {
    let bytes = description.as_deref().unwrap_or_default().len();
    if bytes > MAX_DESCRIPTION_BYTES {
        violations.add("/description", None, format!("it is {bytes} bytes long"), format!("at most {MAX_DESCRIPTION_BYTES} bytes"));
    }
}

fn check_tags(tags: &Option<Vec<String>>, violations: &mut Violations) {
    let tags = tags.as_deref().unwrap_or_default();
    if tags.len() > MAX_TAGS {
        violations.add("/tags", None, format!("there are {} tags", tags.len()), format!("at most {MAX_TAGS}"));
    }
    for (index, tag) in tags.iter().enumerate().take(MAX_TAGS) {
        let pointer = format!("/tags/{index}");
        if tag.is_empty() || tag.chars().count() > MAX_TAG {
            let detail = format!("it is {} characters long", tag.chars().count());
            violations.add(pointer, Some(json!(tag)), detail, format!("1 to {MAX_TAG} characters"));
        } else if tags[..index].contains(tag) {
            violations.add(pointer, Some(json!(tag)), format!("the tag `{tag}` is given twice"), "each tag once");
        }
    }
}

fn read_queue(name: Option<&str>, violations: &mut Violations) -> QueueName {
    let Some(name) = name else { return QueueName::default() };
    QueueName::parse(name).unwrap_or_else(|| {
        let expected = "1 to 64 letters, digits, `_`, `.` and `-`, beginning with a letter or digit";
        violations.add("/queue", Some(json!(name)), format!("`{name}` is no name of a queue"), expected);
        QueueName::default()
    })
}
