//! One claimed run, from its claim to its end.

use std::convert::Infallible;
use std::sync::Arc;

use belfry_core::definition::Definition;
use belfry_core::node::KINDS;
use belfry_core::ports::{Boot, ClaimedRun};
use belfry_core::run::{NodeResult, NodeState, RunState};
use futures_util::stream::{FuturesUnordered, StreamExt};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::graph::{Graph, Progress, Verdict};
use crate::lease::{Lease, Lost, Wish, Wishes};
use crate::node::{NodeEnd, NodeWork};
use crate::slots::Seat;
use crate::template::Renderer;
use crate::timing::within;
use crate::worker::Shared;
use crate::writes::{Conclusion, conclude, record};

/// How long a run that this worker cannot read is held before it is given back: the next to claim it may be this worker
/// again, and it must not go round in circles at full speed.
const UNREADABLE_PAUSE: SignedDuration = SignedDuration::from_secs(5);

/// How a worker stops.
#[derive(Debug, Clone)]
pub(crate) struct Stop {
    /// Nothing new is received, and runs that merely wait are given back.
    pub asked: CancellationToken,
    /// All runs are given back.
    pub drain: CancellationToken,
}

/// Executes a run whose claim's token was first sent at `first_sent`. Ends when the run did, when it was given back
/// (which `stop` asks for), or when the claim is lost; then nothing more is done for it.
pub(crate) async fn execute(shared: Arc<Shared>, claimed: ClaimedRun, first_sent: Boot, stop: Stop, seat: Seat) {
    let (id, metrics) = (claimed.run.id, shared.metrics.clone());
    let lease = Lease::new(Arc::clone(&shared), id, claimed.epoch, first_sent, claimed.claim_until);
    let wishes = Wishes::new();
    let work = async {
        tokio::select! {
            biased;
            lost = lease.keep(&wishes) => Err(lost),
            never = pass_on(&stop, &seat, &wishes) => match never {},
            never = seat.keep() => match never {},
            ended = run_to_its_end(&shared, &lease, &wishes, &seat, &claimed) => ended,
        }
    };
    match lease.fence(work).await {
        Ok(Some(state)) => {
            metrics.ended(state);
            info!(run.id = %id, run.state = %state, "run {id} of `{}` {state}", claimed.run.workflow_name);
        }
        Ok(None) => {
            metrics.given_back.inc();
            info!(run.id = %id, "gave back run {id} of `{}`", claimed.run.workflow_name);
        }
        Err(Lost) => {
            metrics.lost.inc();
            warn!(run.id = %id, "dropped run {id} of `{}`, for its claim is lost", claimed.run.workflow_name);
        }
    }
}

async fn pass_on(stop: &Stop, seat: &Seat, wishes: &Wishes) -> Infallible {
    stop.asked.cancelled().await;
    tokio::select! {
        biased;
        () = stop.drain.cancelled() => (),
        () = seat.merely_waits() => (),
    }
    wishes.raise(Wish::GiveBack);
    std::future::pending().await
}

/// The state that stands at the end, or none when the run was given back.
async fn run_to_its_end(
    shared: &Shared,
    lease: &Lease,
    wishes: &Wishes,
    seat: &Seat,
    claimed: &ClaimedRun,
) -> Result<Option<RunState>, Lost> {
    let conclusion = match read(claimed) {
        Ok(definition) => match Graph::new(&definition) {
            Ok(graph) => Execution::new(shared, lease, wishes, seat, claimed, &definition, &graph).drive().await?,
            Err(broken) => Conclusion::finish(RunState::Failed, Some(&broken.to_string())),
        },
        Err(reason) => {
            warn!(run.id = %lease.run, "run {} needs a newer worker and is given back: {reason}", lease.run);
            let wish = within(&*shared.clock, UNREADABLE_PAUSE, wishes.reach(Wish::GiveBack)).await;
            if wish == Some(Wish::Cancel) { Conclusion::finish(RunState::Cancelled, None) } else { Conclusion::Release }
        }
    };
    conclude(shared, lease, conclusion).await
}

/// What is stored was checked when it was written, so what cannot be read here is of a newer version.
fn read(claimed: &ClaimedRun) -> Result<Definition, String> {
    let definition = Definition::deserialize(&claimed.definition).map_err(|error| error.to_string())?;
    match definition.nodes.iter().find(|node| !KINDS.contains(&node.kind.as_str())) {
        Some(node) => Err(format!("node `{}` is of the unknown type `{}`", node.id, node.kind)),
        None => Ok(definition),
    }
}

struct Execution<'a> {
    shared: &'a Shared,
    lease: &'a Lease,
    wishes: &'a Wishes,
    seat: &'a Seat,
    claimed: &'a ClaimedRun,
    definition: &'a Definition,
    graph: &'a Graph,
    /// By the node's place in the definition, like `results`.
    progress: Vec<Progress>,
    results: Vec<Option<NodeResult>>,
}

impl<'a> Execution<'a> {
    /// Goes on where the results of earlier claims end.
    fn new(
        shared: &'a Shared,
        lease: &'a Lease,
        wishes: &'a Wishes,
        seat: &'a Seat,
        claimed: &'a ClaimedRun,
        definition: &'a Definition,
        graph: &'a Graph,
    ) -> Execution<'a> {
        let earlier = |id: &str| claimed.run.nodes.iter().find(|result| result.node_id == id).cloned();
        let results: Vec<_> = definition.nodes.iter().map(|node| earlier(&node.id)).collect();
        let progress = results.iter().map(|result| result.as_ref().map_or(Progress::Idle, progress_of)).collect();
        Execution { shared, lease, wishes, seat, claimed, definition, graph, progress, results }
    }

    async fn drive(mut self) -> Result<Conclusion, Lost> {
        let mut running = FuturesUnordered::new();
        loop {
            if self.graph.has_failed(&self.progress) {
                self.wishes.raise(Wish::Fail);
            }
            if self.wishes.now() < Wish::GiveBack {
                let step = self.graph.step(&self.progress);
                for place in step.skip {
                    self.skip(place).await?;
                }
                for place in step.start {
                    self.progress[place] = Progress::Begun;
                    let (work, earlier) = (self.work(place), self.results[place].clone());
                    running.push(async move { work.run(earlier).await.map(|end| (place, end)) });
                }
            }
            self.seat.set_begun(running.len());
            match running.next().await {
                Some(ended) => match ended? {
                    (place, NodeEnd::Settled(result)) => self.settle(place, result),
                    // It stays begun, so that the run has no verdict.
                    (_, NodeEnd::GivenBack) => (),
                },
                None => return Ok(self.conclusion()),
            }
        }
    }

    fn work(&self, place: usize) -> NodeWork<'a> {
        let ancestors = self.graph.ancestors(place);
        let seen = ancestors.iter().filter_map(|ancestor| self.results[*ancestor].as_ref());
        let renderer = Renderer::new(self.claimed, seen);
        NodeWork {
            shared: self.shared,
            lease: self.lease,
            wishes: self.wishes,
            seat: self.seat,
            claimed: self.claimed,
            node: &self.definition.nodes[place],
            renderer,
        }
    }

    async fn skip(&mut self, place: usize) -> Result<(), Lost> {
        let now = self.lease.store_now();
        let mut skipped = NodeWork::begun(&self.definition.nodes[place], now);
        skipped.state = NodeState::Skipped;
        skipped.finished_at = Some(now);
        let written = record(self.shared, self.lease, skipped).await?;
        self.settle(place, written);
        Ok(())
    }

    fn settle(&mut self, place: usize, result: NodeResult) {
        self.progress[place] = progress_of(&result);
        self.results[place] = Some(result);
    }

    fn conclusion(&self) -> Conclusion {
        if self.wishes.now() == Wish::Cancel {
            return Conclusion::finish(RunState::Cancelled, None);
        }
        match self.graph.verdict(&self.progress) {
            Some(Verdict::Succeeded) => Conclusion::finish(RunState::Succeeded, None),
            Some(Verdict::Failed(places)) => Conclusion::finish(RunState::Failed, Some(&self.reasons(&places))),
            Some(Verdict::Stuck) => Conclusion::finish(RunState::Failed, Some("some nodes wait for each other, so none can begin")),
            None => Conclusion::Release,
        }
    }

    fn reasons(&self, places: &[usize]) -> String {
        let reason = |place: &usize| {
            let error = self.results[*place].as_ref().and_then(|result| result.error.as_deref());
            format!("node `{}` failed: {}", self.definition.nodes[*place].id, error.unwrap_or("no reason was kept"))
        };
        places.iter().map(reason).collect::<Vec<_>>().join("; ")
    }
}

/// What was begun and not settled by an earlier claim is begun again: it is idle to the graph.
fn progress_of(result: &NodeResult) -> Progress {
    match result.state {
        NodeState::Running | NodeState::Waiting => Progress::Idle,
        NodeState::Succeeded => Progress::Succeeded { branch: result.output.get("result").and_then(Value::as_bool) },
        NodeState::Failed => Progress::Failed,
        NodeState::Skipped => Progress::Skipped,
    }
}
