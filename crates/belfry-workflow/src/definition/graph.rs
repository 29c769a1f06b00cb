//! The edges: that they lead somewhere, and never round in a circle.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::mem::{Discriminant, discriminant};

use belfry_core::definition::{Edge, Node, When};
use belfry_core::node::{CONDITION, TRIGGER};
use belfry_core::violation::Violations;
use serde_json::{Value, json};

use super::{Indexed, Lists};
use crate::read::perhaps;

pub(super) fn check(lists: &Lists, nodes: &Indexed<Node>, edges: &Indexed<Edge>, violations: &mut Violations) {
    // By the ids as sent: an edge to a node whose parameters are wrong is not wrong too.
    let ids: Vec<&str> = lists.nodes.iter().filter_map(|node| node.get("id")?.as_str()).collect();
    let known: HashSet<&str> = ids.iter().copied().collect();
    let kinds: HashMap<&str, &str> = nodes.iter().map(|(_, node)| (node.id.as_str(), node.kind.as_str())).collect();
    let mut seen: HashMap<(&str, &str, Discriminant<When>), usize> = HashMap::new();
    for (index, edge) in edges {
        let mut faults = Violations::default();
        for (pointer, id) in [("/from", &edge.from), ("/to", &edge.to)] {
            if !known.contains(id.as_str()) {
                let detail = format!("there is no node `{id}`{}", perhaps(id, &ids));
                faults.add(pointer, Some(json!(id)), detail, "the id of a node");
            }
        }
        check_edge(edge, &kinds, &mut faults);
        if let Some(first) = seen.insert((&edge.from, &edge.to, discriminant(&edge.when)), *index) {
            faults.add("", None, format!("`/edges/{first}` is the same edge"), "each edge once");
        }
        violations.append_under(&format!("/edges/{index}"), faults);
    }
    if let Some(cycle) = cycle(edges) {
        let detail = format!("the edges lead round in a circle: {}", cycle.join(" → "));
        violations.add("/edges", None, detail, "edges without a cycle");
    }
}

fn check_edge(edge: &Edge, kinds: &HashMap<&str, &str>, violations: &mut Violations) {
    let branch = matches!(edge.when, When::True | When::False);
    match kinds.get(edge.from.as_str()) {
        Some(&kind) if branch && kind != CONDITION => {
            let detail = format!("`{}` is of type `{kind}`, and only a `condition` has branches", edge.from);
            violations.add("/when", Some(json!(edge.when)), detail, "`success` or `failure`");
        }
        _ => {}
    }
    if kinds.get(edge.to.as_str()) == Some(&TRIGGER) {
        let detail = format!("`{}` is a trigger: a workflow begins there, and no edge leads to it", edge.to);
        violations.add("/to", Some(Value::from(edge.to.as_str())), detail, "a node of another type");
    }
    if edge.from == edge.to {
        violations.add("/to", Some(Value::from(edge.to.as_str())), format!("the edge leads from `{}` to itself", edge.to), "another node");
    }
}

/// The nodes of one cycle, the first one again at its end; edges from a node to itself have been answered for themselves.
fn cycle(edges: &Indexed<Edge>) -> Option<Vec<&str>> {
    let mut targets: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut waits_for: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, edge) in edges.iter().filter(|(_, edge)| edge.from != edge.to) {
        targets.entry(&edge.from).or_default().push(&edge.to);
        waits_for.entry(&edge.from).or_default();
        *waits_for.entry(&edge.to).or_default() += 1;
    }
    // Kahn: what can be begun is taken away, again and again. What remains waits for itself.
    let mut ready: Vec<&str> = waits_for.iter().filter(|(_, count)| **count == 0).map(|(node, _)| *node).collect();
    while let Some(node) = ready.pop() {
        waits_for.remove(node);
        for target in targets.get(node).into_iter().flatten() {
            let count = waits_for.get_mut(target)?;
            *count -= 1;
            if *count == 0 {
                ready.push(target);
            }
        }
    }
    walk(edges, &waits_for)
}

/// Every remaining node has a remaining one before it: walking backwards must meet a node again.
fn walk<'a>(edges: &'a Indexed<Edge>, remaining: &BTreeMap<&'a str, usize>) -> Option<Vec<&'a str>> {
    let mut before: HashMap<&str, &str> = HashMap::new();
    for (_, edge) in edges.iter().filter(|(_, edge)| edge.from != edge.to && remaining.contains_key(edge.from.as_str())) {
        before.entry(&edge.to).or_insert(&edge.from);
    }
    let mut path = vec![*remaining.keys().next()?];
    loop {
        let node = *before.get(path.last()?)?;
        if let Some(begin) = path.iter().position(|seen| *seen == node) {
            let mut cycle = path.split_off(begin);
            cycle.push(node);
            cycle.reverse();
            return Some(cycle);
        }
        path.push(node);
    }
}
