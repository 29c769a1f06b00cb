//! One node of a run: its attempts, the pauses between them, and what it does.

use belfry_core::definition::{DEFAULT_TIMEOUT, Node};
use belfry_core::node::{HttpParameters, LogLevel, LogParameters, Parameters, WaitParameters};
use belfry_core::ports::ClaimedRun;
use belfry_core::run::{NodeResult, NodeState, bounded};
use belfry_core::time::UnixMillis;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::bounded::{log_line, set_output};
use crate::lease::{Lease, Lost, Wish, Wishes};
use crate::slots::Seat;
use crate::template::{Renderer, TemplateError};
use crate::timing::{sleep_for, sleep_until, within};
use crate::worker::Shared;
use crate::writes::record;

pub(crate) enum NodeEnd {
    Settled(NodeResult),
    /// The worker stops: the node is as it was last written.
    GivenBack,
}

/// What one attempt brought. A failed one may have an output too: the answer that was no success.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Outcome {
    pub output: Value,
    pub log: Vec<String>,
    pub error: Option<String>,
    /// Another attempt would fail in the same way, so there is none: a template, or an address that is not dialled.
    pub hopeless: bool,
}

impl Outcome {
    pub fn of(output: Value) -> Outcome {
        Outcome { output, ..Outcome::default() }
    }

    pub fn failed(error: impl ToString) -> Outcome {
        Outcome { error: Some(error.to_string()), ..Outcome::default() }
    }

    pub fn hopeless(error: impl ToString) -> Outcome {
        Outcome { hopeless: true, ..Outcome::failed(error) }
    }
}

pub(crate) enum Attempt {
    Ended(Outcome),
    Cut(Wish),
}

pub(crate) struct NodeWork<'a> {
    pub shared: &'a Shared,
    pub lease: &'a Lease,
    pub wishes: &'a Wishes,
    pub seat: &'a Seat,
    pub claimed: &'a ClaimedRun,
    pub node: &'a Node,
    pub renderer: Renderer,
}

impl NodeWork<'_> {
    /// A node that has done nothing yet.
    pub fn begun(node: &Node, now: UnixMillis) -> NodeResult {
        NodeResult {
            node_id: node.id.clone(),
            state: NodeState::Running,
            output: Value::Null,
            output_truncated: false,
            log: String::new(),
            error: None,
            attempts: 0,
            started_at: now,
            finished_at: None,
            wait_until: None,
        }
    }

    /// `earlier` is what an earlier claim left of it. Its attempts count on; one that was lost half-way does not take away
    /// the next, or a node without `retry` could not be gone on with at all.
    pub async fn run(self, earlier: Option<NodeResult>) -> Result<NodeEnd, Lost> {
        let mut result = earlier.unwrap_or_else(|| NodeWork::begun(self.node, self.lease.store_now()));
        let mut paused = result.state == NodeState::Waiting && result.wait_until.is_none();
        loop {
            if paused && let Some(wish) = self.pause(result.attempts).await {
                return self.cut(result, wish).await;
            }
            let outcome = match self.attempt(&mut result).await? {
                Attempt::Cut(wish) => return self.cut(result, wish).await,
                Attempt::Ended(outcome) => outcome,
            };
            let hopeless = outcome.hopeless;
            keep(&mut result, outcome);
            if result.error.is_none() {
                return self.settle(result, NodeState::Succeeded).await;
            }
            if hopeless || !self.may_try_again(result.attempts) {
                return self.settle(result, NodeState::Failed).await;
            }
            paused = true;
            result = self.between_attempts(result).await?;
        }
    }

    async fn attempt(&self, result: &mut NodeResult) -> Result<Attempt, Lost> {
        let parameters = match Parameters::read(self.node) {
            Ok(Parameters::Wait(parameters)) => return self.wait(&parameters, result).await,
            Ok(Parameters::Command(parameters)) => return self.command(&parameters, result).await,
            read => read,
        };
        self.begin_attempt(result).await?;
        let limit = self.node.timeout.unwrap_or(DEFAULT_TIMEOUT);
        let act = async {
            match &parameters {
                Ok(Parameters::Http(parameters)) => self.http(parameters).await,
                Ok(parameters) => self.act(parameters).unwrap_or_else(Outcome::hopeless),
                Err(error) => Outcome::hopeless(format_args!("its parameters cannot be read: {error}")),
            }
        };
        Ok(tokio::select! {
            biased;
            wish = self.wishes.reach(Wish::GiveBack) => Attempt::Cut(wish),
            outcome = within(&*self.shared.clock, limit, act) => Attempt::Ended(outcome.unwrap_or_else(|| timed_out(limit))),
        })
    }

    pub(crate) async fn begin_attempt(&self, result: &mut NodeResult) -> Result<(), Lost> {
        result.attempts += 1;
        result.state = NodeState::Running;
        result.error = None;
        *result = record(self.shared, self.lease, result.clone()).await?;
        Ok(())
    }

    /// The types of nodes that need nothing but their run.
    fn act(&self, parameters: &Parameters) -> Result<Outcome, TemplateError> {
        Ok(match parameters {
            Parameters::Trigger(_) => Outcome::of(self.claimed.run.input.clone()),
            Parameters::Log(LogParameters { message, level }) => {
                let message = self.renderer.text(message)?;
                let log = vec![format!("{}: {message}", word(*level))];
                Outcome { log, ..Outcome::of(json!({ "message": message })) }
            }
            Parameters::Set(parameters) => Outcome::of(self.renderer.value(&Value::Object(parameters.values.clone()))?),
            Parameters::Condition(parameters) => Outcome::of(json!({ "result": self.renderer.condition(&parameters.expression)? })),
            Parameters::Http(_) | Parameters::Wait(_) | Parameters::Command(_) => {
                unreachable!("`attempt` keeps these, which take time, to itself")
            }
        })
    }

    async fn http(&self, parameters: &HttpParameters) -> Outcome {
        match self.shared.http.request(parameters, &self.renderer, &format!("{}/{}", self.claimed.run.id, self.node.id)) {
            Ok(request) => self.shared.http.send(request, parameters).await,
            Err(error) => Outcome::hopeless(error),
        }
    }

    /// When the wait ends is stored before it begins, so that another worker goes on waiting for the same instant. The
    /// default time limit does not hold here; the node's own does, in each worker that waits.
    async fn wait(&self, parameters: &WaitParameters, result: &mut NodeResult) -> Result<Attempt, Lost> {
        let begun = self.shared.clock.boot();
        let until = match result.wait_until {
            Some(until) => until,
            None => {
                result.attempts += 1;
                match self.end_of_wait(parameters) {
                    Ok(until) => until,
                    Err(error) => return Ok(Attempt::Ended(Outcome::hopeless(error))),
                }
            }
        };
        let taken_over = result.wait_until.is_some();
        result.state = NodeState::Waiting;
        result.error = None;
        result.wait_until = Some(until);
        *result = record(self.shared, self.lease, result.clone()).await?;
        let waiting = async {
            match parameters.length {
                // What is known of the store's clock may be put right meanwhile, which must not change a length.
                Some(length) if !taken_over => sleep_until(&*self.shared.clock, begun.plus(length.0)).await,
                _ => self.lease.sleep_until(until).await,
            }
        };
        let limit = self.node.timeout.unwrap_or(SignedDuration::MAX);
        Ok(tokio::select! {
            biased;
            wish = self.wishes.reach(Wish::Fail) => Attempt::Cut(wish),
            waited = self.seat.idle(within(&*self.shared.clock, limit, waiting)) => Attempt::Ended(match waited {
                Some(()) => Outcome::of(json!({ "until": until })),
                None => timed_out(limit),
            }),
        })
    }

    fn end_of_wait(&self, parameters: &WaitParameters) -> Result<UnixMillis, String> {
        match (parameters.length, &parameters.until) {
            (Some(length), None) => Ok(self.lease.store_now().plus(length.0)),
            (None, Some(template)) => {
                let text = self.renderer.text(template).map_err(|error| error.to_string())?;
                let wrong = |_: jiff::Error| format!("`{text}` is no instant; write RFC 3339, such as 2026-11-25T09:00:00Z");
                text.trim().parse().map(UnixMillis::floor).map_err(wrong)
            }
            _ => Err("exactly one of `for` and `until` says how long it waits".to_owned()),
        }
    }

    fn may_try_again(&self, attempts: u32) -> bool {
        self.node.retry.as_ref().is_some_and(|retry| attempts < retry.attempts)
    }

    async fn between_attempts(&self, mut result: NodeResult) -> Result<NodeResult, Lost> {
        let line = format!("attempt {} failed: {}", result.attempts, result.error.as_deref().unwrap_or_default());
        log_line(&mut result, &line);
        result.state = NodeState::Waiting;
        result.wait_until = None;
        record(self.shared, self.lease, result).await
    }

    /// The pause after attempt number `attempts`, in full also after a takeover. What was wished when it was cut short.
    async fn pause(&self, attempts: u32) -> Option<Wish> {
        let length = self.node.retry.as_ref().map_or(SignedDuration::ZERO, |retry| retry.pause_after(attempts));
        tokio::select! {
            biased;
            wish = self.wishes.reach(Wish::Fail) => Some(wish),
            () = self.seat.idle(sleep_for(&*self.shared.clock, length)) => None,
        }
    }

    async fn cut(&self, mut result: NodeResult, wish: Wish) -> Result<NodeEnd, Lost> {
        match wish {
            Wish::GiveBack => return Ok(NodeEnd::GivenBack),
            Wish::Cancel => result.error = Some("the run was cancelled".to_owned()),
            // Between two attempts the error of the last one stands.
            Wish::Fail | Wish::GoOn => {
                result.error.get_or_insert_with(|| "it was waited for no longer, for the run had failed".to_owned());
            }
        }
        self.settle(result, NodeState::Failed).await
    }

    async fn settle(&self, mut result: NodeResult, state: NodeState) -> Result<NodeEnd, Lost> {
        result.state = state;
        result.finished_at = Some(self.lease.store_now());
        record(self.shared, self.lease, result).await.map(NodeEnd::Settled)
    }
}

fn keep(result: &mut NodeResult, outcome: Outcome) {
    for line in &outcome.log {
        log_line(result, line);
    }
    set_output(result, outcome.output);
    result.error = outcome.error.map(|error| bounded::error(&error));
}

fn timed_out(limit: SignedDuration) -> Outcome {
    Outcome::failed(format_args!("it took longer than its time limit of {limit:#}"))
}

fn word(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Info => "info",
        LogLevel::Warn => "warn",
        LogLevel::Error => "error",
    }
}
