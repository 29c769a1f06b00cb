use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::json;

use super::*;

fn definition(nodes: usize, edges: &[(usize, usize, When)]) -> Definition {
    let nodes: Vec<_> = (0..nodes).map(|place| json!({"id": place.to_string(), "type": "log"})).collect();
    let edges: Vec<_> =
        edges.iter().map(|(from, to, when)| json!({"from": from.to_string(), "to": to.to_string(), "when": when})).collect();
    serde_json::from_value(json!({"nodes": nodes, "edges": edges})).unwrap()
}

/// A graph without cycles, how each of its nodes would end, and an order in which to end them.
#[derive(Debug, Clone)]
struct Story {
    definition: Definition,
    ends: Vec<Progress>,
    order: Vec<Index>,
}

fn any_when() -> impl Strategy<Value = When> {
    prop_oneof![4 => Just(When::Success), 2 => Just(When::Failure), 1 => Just(When::True), 1 => Just(When::False)]
}

fn any_end() -> impl Strategy<Value = Progress> {
    prop_oneof![
        4 => Just(Progress::Succeeded { branch: None }),
        2 => any::<bool>().prop_map(|result| Progress::Succeeded { branch: Some(result) }),
        1 => Just(Progress::Failed),
    ]
}

fn any_story() -> impl Strategy<Value = Story> {
    (1_usize..9).prop_flat_map(|nodes| {
        let edges = vec((any::<Index>(), any::<Index>(), any_when()), 0..2 * nodes);
        (edges, vec(any_end(), nodes), vec(any::<Index>(), nodes)).prop_map(move |(edges, ends, order)| {
            let forward = edges.into_iter().filter_map(|(one, other, when)| {
                let (one, other) = (one.index(nodes), other.index(nodes));
                (one != other).then_some((one.min(other), one.max(other), when))
            });
            Story { definition: definition(nodes, &forward.collect::<Vec<_>>()), ends, order }
        })
    })
}

struct Told {
    progress: Vec<Progress>,
    verdict: Verdict,
    /// In the order in which they began.
    begun: Vec<usize>,
}

/// Plays `story` from `progress` on; whoever runs ends in the order that it names.
fn tell(story: &Story, mut progress: Vec<Progress>) -> Told {
    let graph = Graph::new(&story.definition).unwrap();
    let (mut begun, mut order) = (Vec::new(), story.order.iter().cycle());
    loop {
        let step = graph.step(&progress);
        for place in step.skip {
            assert_eq!(progress[place], Progress::Idle);
            progress[place] = Progress::Skipped;
        }
        for place in step.start {
            assert_eq!(progress[place], Progress::Idle);
            progress[place] = Progress::Begun;
            begun.push(place);
        }
        if let Some(verdict) = graph.verdict(&progress) {
            return Told { progress, verdict, begun };
        }
        let running: Vec<usize> = (0..progress.len()).filter(|place| progress[*place] == Progress::Begun).collect();
        assert!(!running.is_empty(), "without a verdict something runs");
        let ends = running[order.next().unwrap().index(running.len())];
        progress[ends] = story.ends[ends];
    }
}

fn idle(story: &Story) -> Vec<Progress> {
    vec![Progress::Idle; story.ends.len()]
}

/// The same by plain recursion over nodes in order, which is possible because edges lead forward only.
fn by_definition(story: &Story) -> Vec<Progress> {
    let mut progress: Vec<Progress> = Vec::new();
    for place in 0..story.ends.len() {
        let incoming: Vec<_> = story.definition.edges.iter().filter(|edge| edge.to == place.to_string()).collect();
        let taken = incoming.iter().any(|edge| match (progress[edge.from.parse::<usize>().unwrap()], edge.when) {
            (Progress::Succeeded { branch }, when) => {
                when == When::Success || (branch == Some(true) && when == When::True) || (branch == Some(false) && when == When::False)
            }
            (Progress::Failed, when) => when == When::Failure,
            _ => false,
        });
        progress.push(if incoming.is_empty() || taken { story.ends[place] } else { Progress::Skipped });
    }
    progress
}

fn handled(story: &Story, place: usize) -> bool {
    story.definition.edges.iter().any(|edge| edge.from == place.to_string() && edge.when == When::Failure)
}

proptest! {
    #[test]
    fn a_run_without_an_unhandled_failure_settles_every_node_as_the_rules_say(mut story in any_story()) {
        for place in 0..story.ends.len() {
            if story.ends[place] == Progress::Failed && !handled(&story, place) {
                story.ends[place] = Progress::Succeeded { branch: None };
            }
        }
        let told = tell(&story, idle(&story));
        prop_assert_eq!(told.progress, by_definition(&story));
        prop_assert_eq!(told.verdict, Verdict::Succeeded);
    }

    #[test]
    fn what_runs_when_a_failure_is_not_handled_ends_and_nothing_new_begins(story in any_story()) {
        let told = tell(&story, idle(&story));
        let expected = by_definition(&story);
        for (place, progress) in told.progress.iter().enumerate() {
            prop_assert!(*progress == Progress::Idle || *progress == expected[place]);
        }
        let unhandled: Vec<usize> =
            (0..expected.len()).filter(|place| told.progress[*place] == Progress::Failed && !handled(&story, *place)).collect();
        let fails_somewhere = (0..expected.len()).any(|place| expected[place] == Progress::Failed && !handled(&story, place));
        prop_assert_eq!(fails_somewhere, !unhandled.is_empty());
        prop_assert_eq!(told.verdict, if fails_somewhere { Verdict::Failed(unhandled) } else { Verdict::Succeeded });
    }

    #[test]
    fn no_node_begins_before_what_it_waits_for_has_settled(story in any_story()) {
        let told = tell(&story, idle(&story));
        for edge in &story.definition.edges {
            let (from, to): (usize, usize) = (edge.from.parse().unwrap(), edge.to.parse().unwrap());
            let begun = |place| told.begun.iter().position(|known| *known == place);
            if let (Some(from), Some(to)) = (begun(from), begun(to)) {
                prop_assert!(from < to);
            }
        }
    }

    #[test]
    fn the_order_in_which_nodes_end_does_not_change_a_run_that_succeeds(story in any_story(), other in vec(any::<Index>(), 9)) {
        let told = tell(&story, idle(&story));
        prop_assume!(told.verdict == Verdict::Succeeded);
        let retold = tell(&Story { order: other, ..story.clone() }, idle(&story));
        prop_assert_eq!((told.progress, told.verdict), (retold.progress, retold.verdict));
    }

    #[test]
    fn a_run_taken_over_half_way_ends_as_it_would_have(story in any_story(), kept in vec(any::<bool>(), 9)) {
        let told = tell(&story, idle(&story));
        prop_assume!(told.verdict == Verdict::Succeeded);
        // What was settled when the other worker was lost: some nodes, and all that they waited for.
        let graph = Graph::new(&story.definition).unwrap();
        let mut half = idle(&story);
        for place in (0..half.len()).filter(|place| kept[*place]) {
            for settled in graph.ancestors(place).into_iter().chain([place]) {
                half[settled] = told.progress[settled];
            }
        }
        let resumed = tell(&story, half.clone());
        prop_assert!(resumed.begun.iter().all(|place| half[*place] == Progress::Idle));
        prop_assert_eq!(resumed.progress, told.progress);
    }
}

#[test]
fn a_success_edge_of_a_condition_is_taken_on_either_result() {
    for result in [true, false] {
        let graph = Graph::new(&definition(4, &[(0, 1, When::Success), (0, 2, When::True), (0, 3, When::False)])).unwrap();
        let condition = Progress::Succeeded { branch: Some(result) };
        let step = graph.step(&[condition, Progress::Idle, Progress::Idle, Progress::Idle]);
        let (taken, other) = if result { (2, 3) } else { (3, 2) };
        assert_eq!(step, Step { skip: vec![other], start: vec![1, taken] });
    }
}

#[test]
fn a_join_runs_when_one_of_its_branches_was_taken() {
    let graph =
        Graph::new(&definition(4, &[(0, 1, When::True), (0, 2, When::False), (1, 3, When::Success), (2, 3, When::Success)])).unwrap();
    let done = Progress::Succeeded { branch: None };
    let step = graph.step(&[Progress::Succeeded { branch: Some(true) }, done, Progress::Skipped, Progress::Idle]);
    assert_eq!(step, Step { skip: vec![], start: vec![3] });
}

#[test]
fn nodes_that_wait_for_each_other_are_stuck_and_the_run_does_not_hang() {
    let graph = Graph::new(&definition(2, &[(0, 1, When::Success), (1, 0, When::Success)])).unwrap();
    assert_eq!(graph.verdict(&[Progress::Idle, Progress::Idle]), Some(Verdict::Stuck));
}

#[test]
fn a_definition_without_nodes_has_succeeded() {
    assert_eq!(Graph::new(&definition(0, &[])).unwrap().verdict(&[]), Some(Verdict::Succeeded));
}

#[test]
fn edges_that_lead_nowhere_and_ids_used_twice_are_refused() {
    let mut nowhere = definition(1, &[(0, 0, When::Success)]);
    nowhere.edges[0].to = "x".to_owned();
    assert_eq!(Graph::new(&nowhere).unwrap_err(), GraphError::UnknownNode("x".to_owned()));
    let mut twice = definition(2, &[]);
    twice.nodes[1].id = "0".to_owned();
    assert_eq!(Graph::new(&twice).unwrap_err(), GraphError::TwoOfOneName("0".to_owned()));
}
