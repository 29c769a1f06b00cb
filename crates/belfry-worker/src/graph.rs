//! Which nodes of a run may begin, which are skipped, and how the run ends: pure, so that its laws can be tested alone.
//!
//! A node begins when all its incoming edges are settled and at least one of them is taken, and is skipped when none is.
//! Once a node has failed with no `failure` edge to handle it nothing new begins: what runs is left to end, and the run
//! has failed.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use belfry_core::definition::{Definition, When};

/// The edges of a definition, its nodes named by their place in it.
#[derive(Debug)]
pub(crate) struct Graph {
    nodes: Vec<Shape>,
}

#[derive(Debug, Default)]
struct Shape {
    incoming: Vec<(usize, When)>,
    /// A `failure` edge leaves it, which its failure takes.
    handles_failure: bool,
}

/// How far one node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    Idle,
    Begun,
    /// `branch` is the result of a `condition` node.
    Succeeded {
        branch: Option<bool>,
    },
    Failed,
    Skipped,
}

/// What is to be done now.
#[derive(Debug, PartialEq, Eq, Default)]
pub(crate) struct Step {
    pub skip: Vec<usize>,
    pub start: Vec<usize>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Succeeded,
    /// The nodes whose failure nothing handles.
    Failed(Vec<usize>),
    /// Some nodes wait for each other. A definition that was checked when it was written has no such nodes.
    Stuck,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GraphError {
    #[error("an edge names the node `{0}`, which the definition does not have")]
    UnknownNode(String),
    #[error("two nodes have the id `{0}`")]
    TwoOfOneName(String),
}

impl Graph {
    pub fn new(definition: &Definition) -> Result<Graph, GraphError> {
        let mut places = BTreeMap::new();
        for (place, node) in definition.nodes.iter().enumerate() {
            if places.insert(node.id.as_str(), place).is_some() {
                return Err(GraphError::TwoOfOneName(node.id.clone()));
            }
        }
        let place = |id: &str| places.get(id).copied().ok_or_else(|| GraphError::UnknownNode(id.to_owned()));
        let mut nodes: Vec<Shape> = definition.nodes.iter().map(|_| Shape::default()).collect();
        for edge in &definition.edges {
            let (from, to) = (place(&edge.from)?, place(&edge.to)?);
            nodes[to].incoming.push((from, edge.when));
            nodes[from].handles_failure |= edge.when == When::Failure;
        }
        Ok(Graph { nodes })
    }

    /// What may begin and what is skipped, the skips that follow from skips included. Nothing, once the run has failed.
    pub fn step(&self, progress: &[Progress]) -> Step {
        let mut step = Step::default();
        if self.has_failed(progress) {
            return step;
        }
        let mut progress = progress.to_vec();
        while let Some(place) = self.first_to_skip(&progress) {
            progress[place] = Progress::Skipped;
            step.skip.push(place);
        }
        step.start = self.idle(&progress).filter(|place| self.is_ready(*place, &progress)).collect();
        step
    }

    /// How the run ends; `None` while something runs or may begin.
    pub fn verdict(&self, progress: &[Progress]) -> Option<Verdict> {
        if progress.contains(&Progress::Begun) || self.step(progress) != Step::default() {
            return None;
        }
        if self.has_failed(progress) {
            return Some(Verdict::Failed(self.unhandled(progress).collect()));
        }
        let stuck = progress.contains(&Progress::Idle);
        Some(if stuck { Verdict::Stuck } else { Verdict::Succeeded })
    }

    /// Whether a failure that nothing handles stands.
    pub fn has_failed(&self, progress: &[Progress]) -> bool {
        self.unhandled(progress).next().is_some()
    }

    /// Every node that `place` has waited for. Its templates see these and no others, or what they see would depend on
    /// which of two independent nodes happened to end first.
    pub fn ancestors(&self, place: usize) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut open = vec![place];
        while let Some(place) = open.pop() {
            open.extend(self.nodes[place].incoming.iter().map(|(from, _)| *from).filter(|from| found.insert(*from)));
        }
        found
    }

    fn unhandled<'a>(&'a self, progress: &'a [Progress]) -> impl Iterator<Item = usize> + 'a {
        (0..self.nodes.len()).filter(|place| progress[*place] == Progress::Failed && !self.nodes[*place].handles_failure)
    }

    fn idle<'a>(&'a self, progress: &'a [Progress]) -> impl Iterator<Item = usize> + 'a {
        (0..self.nodes.len()).filter(|place| progress[*place] == Progress::Idle)
    }

    fn first_to_skip(&self, progress: &[Progress]) -> Option<usize> {
        self.idle(progress).find(|place| self.waited_for_all(*place, progress) && !self.is_ready(*place, progress))
    }

    fn is_ready(&self, place: usize, progress: &[Progress]) -> bool {
        let incoming = &self.nodes[place].incoming;
        let taken = incoming.is_empty() || incoming.iter().any(|(from, when)| takes(progress[*from], *when));
        taken && self.waited_for_all(place, progress)
    }

    fn waited_for_all(&self, place: usize, progress: &[Progress]) -> bool {
        self.nodes[place].incoming.iter().all(|(from, _)| !matches!(progress[*from], Progress::Idle | Progress::Begun))
    }
}

/// A `success` edge of a condition is taken on either result: the condition itself succeeded.
fn takes(end: Progress, when: When) -> bool {
    match (end, when) {
        (Progress::Succeeded { .. }, When::Success) | (Progress::Failed, When::Failure) => true,
        (Progress::Succeeded { branch }, When::True) => branch == Some(true),
        (Progress::Succeeded { branch }, When::False) => branch == Some(false),
        _ => false,
    }
}
