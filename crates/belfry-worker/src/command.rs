//! The `command` node: one program, in a process group of its own that never outlives it, where the operator lets it.
//!
//! A command runs as the worker's user and can do what that user can; nothing here is a sandbox. What is seen to: no shell
//! reads its arguments, its environment holds nothing of the worker's, what it writes takes bounded memory, and all of its
//! group is dead before anyone else may begin the run.

mod group;
mod invocation;
mod outcome;
mod process;

use std::sync::{Mutex, MutexGuard, PoisonError};

use belfry_core::definition::DEFAULT_TIMEOUT;
use belfry_core::node::CommandParameters;
use belfry_core::run::NodeResult;
use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use self::invocation::Invocation;
use self::process::{End, Watch};
use crate::bounded::log_line;
use crate::lease::Lost;
use crate::node::{Attempt, NodeWork, Outcome};
use crate::timing::within;
use crate::writes::record;

/// How often the log of a command that runs is written, when it has grown.
const LOG_STEP: SignedDuration = SignedDuration::from_secs(2);

impl NodeWork<'_> {
    pub(crate) async fn command(&self, parameters: &CommandParameters, result: &mut NodeResult) -> Result<Attempt, Lost> {
        self.begin_attempt(result).await?;
        let invocation = match self.invocation(parameters) {
            Ok(invocation) => invocation,
            Err(reason) => return Ok(Attempt::Ended(Outcome::hopeless(reason))),
        };
        let (live, ended) = (LiveResult::of(result.clone()), CancellationToken::new());
        let limit = self.node.timeout.unwrap_or(DEFAULT_TIMEOUT);
        let work = async {
            let watch = Watch { clock: &*self.shared.clock, wishes: self.wishes, limit };
            let end = process::run(invocation, &watch, |line| live.log(line)).await;
            ended.cancel();
            Ok(end)
        };
        // A lost claim ends both at once, and what is dropped is killed.
        let (end, ()) = futures_util::try_join!(work, self.write_log_until(&ended, &live))?;
        *result = live.into_result();
        Ok(match end {
            End::Cut(wish) => Attempt::Cut(wish),
            End::NotBegun { reason, hopeless } => Attempt::Ended(Outcome { hopeless, ..Outcome::failed(reason) }),
            End::Exited { status, stdout } => Attempt::Ended(outcome::exited(status, &stdout, &parameters.success_codes)),
            End::TimedOut { stdout } => Attempt::Ended(outcome::timed_out(limit, &stdout)),
        })
    }

    fn invocation(&self, parameters: &CommandParameters) -> Result<Invocation, String> {
        let settings = self.shared.settings.commands.as_ref().ok_or_else(|| {
            format!(
                "`command` nodes are switched off in worker `{}`; its operator can switch them on with worker.commands = true \
                 (BELFRY_WORKER_COMMANDS)",
                self.shared.settings.name
            )
        })?;
        Invocation::render(parameters, &self.renderer, settings, self.claimed, &self.node.id)
    }

    /// So that people see what a command says while it runs. A write that was begun is waited for, as every write is.
    async fn write_log_until(&self, ended: &CancellationToken, live: &LiveResult) -> Result<(), Lost> {
        let mut written = live.current().log.len();
        while within(&*self.shared.clock, LOG_STEP, ended.cancelled()).await.is_none() {
            let current = live.current().clone();
            if current.log.len() > written {
                written = current.log.len();
                record(self.shared, self.lease, current).await?;
            }
        }
        Ok(())
    }
}

/// A result whose log grows while its node runs.
struct LiveResult(Mutex<NodeResult>);

impl LiveResult {
    fn of(result: NodeResult) -> LiveResult {
        LiveResult(Mutex::new(result))
    }

    fn log(&self, line: &str) {
        log_line(&mut self.current(), line);
    }

    /// A line is added whole or not at all, so a panic in between leaves nothing that is wrong.
    fn current(&self) -> MutexGuard<'_, NodeResult> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn into_result(self) -> NodeResult {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}
