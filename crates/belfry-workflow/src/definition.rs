//! Whether a definition is sound. What is stored has passed here.

mod graph;
mod nodes;
mod schema;
mod templates;
#[cfg(test)]
mod tests;

use belfry_core::definition::{Definition, Edge, Node};
use belfry_core::schedule::ScheduleContent;
use belfry_core::violation::Violations;
use serde::Deserialize;
use serde_json::Value;

pub use self::schema::{DefinitionSchema, EdgeSchema, NodeSchema, RetrySchema};

use crate::read::read_partly;
use crate::triggers::{Reading, ScheduleDraft};

pub const MAX_NODES: usize = 500;
pub const MAX_EDGES: usize = 2_000;
/// The largest definition, as JSON.
pub const MAX_BYTES: usize = 1024 * 1024;

/// The two lists, their items not read yet: each is read for itself, so that one fault does not hide those after it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lists {
    nodes: Vec<Value>,
    #[serde(default)]
    edges: Vec<Value>,
}

/// Reads and checks a definition, and the schedule of its trigger node when that has one. Pointers begin at `value`.
///
/// `reading` and `standing` are for the schedule: see [`crate::triggers::parse_schedule`].
pub fn validate<'a>(
    value: &Value,
    reading: impl Into<Reading<'a>>,
    standing: Option<&ScheduleContent>,
) -> Result<(Definition, Option<ScheduleDraft>), Violations> {
    let (lists, mut violations) = read_partly::<Lists>(value, &[]);
    let Some(lists) = lists else { return Err(violations) };
    check_size(value, &lists, &mut violations);
    if oversized(&lists) {
        return Err(violations);
    }
    let nodes = items::<Node>("nodes", &lists.nodes, &mut violations);
    let edges = items::<Edge>("edges", &lists.edges, &mut violations);
    let schedule = nodes::check(&nodes, reading.into(), standing, &mut violations);
    graph::check(&lists, &nodes, &edges, &mut violations);
    templates::check(&lists, &nodes, &edges, &mut violations);
    let definition = Definition { nodes: sound(nodes), edges: sound(edges) };
    violations.or((definition, schedule))
}

/// An item and its index in its list. Faulty ones are left out.
type Indexed<T> = Vec<(usize, T)>;

fn items<T: serde::de::DeserializeOwned>(list: &str, values: &[Value], violations: &mut Violations) -> Indexed<T> {
    let mut read = Vec::new();
    for (index, value) in values.iter().enumerate() {
        let (item, mut faults) = read_partly::<T>(value, &[]);
        if value.get("retry").is_some_and(Value::is_array) {
            // serde reads it as the object's fields in their order.
            faults.add("/retry", Some(value["retry"].clone()), "an array was found", "an object");
        }
        violations.append_under(&format!("/{list}/{index}"), faults);
        read.extend(item.map(|item| (index, item)));
    }
    read
}

fn sound<T>(items: Indexed<T>) -> Vec<T> {
    items.into_iter().map(|(_, item)| item).collect()
}

fn check_size(value: &Value, lists: &Lists, violations: &mut Violations) {
    if lists.nodes.is_empty() {
        violations.add("/nodes", None, "there are no nodes", "one node at least");
    }
    for (pointer, count, most) in [("/nodes", lists.nodes.len(), MAX_NODES), ("/edges", lists.edges.len(), MAX_EDGES)] {
        if count > most {
            violations.add(pointer, None, format!("it has {count} items"), format!("at most {most}"));
        }
    }
    let bytes = value.to_string().len();
    if bytes > MAX_BYTES {
        violations.add("", None, format!("it is {bytes} bytes as JSON"), format!("at most {MAX_BYTES} bytes"));
    }
}

fn oversized(lists: &Lists) -> bool {
    lists.nodes.len() > MAX_NODES || lists.edges.len() > MAX_EDGES
}
