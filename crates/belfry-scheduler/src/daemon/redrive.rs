//! Runs whose message was lost: the broker is a doorbell, and what it loses is rung again.

use std::sync::Arc;

use jiff::SignedDuration;
use tracing::{debug, warn};

use belfry_core::ports::{Clock, Queue, QueueState, Redriven, StoreResult};
use belfry_core::workflow::QueueName;

use super::CLAIM_LENGTH;
use crate::metrics::DaemonMetrics;
use crate::service::ScheduledWorkflowService;

/// The most runs of one queue in one pass.
const MOST: usize = 1_000;
/// How long a queue may take to say whether it has ready messages.
const ANSWER_LIMIT: SignedDuration = SignedDuration::from_secs(5);

/// Asks the broker, so it works beside the ticks.
pub struct Redriver {
    pub service: ScheduledWorkflowService,
    pub queue: Arc<dyn Queue>,
    pub clock: Arc<dyn Clock>,
    pub metrics: DaemonMetrics,
}

impl Redriver {
    /// One pass over the queues that have runs which should have been claimed.
    pub async fn pass(&self) {
        if self.queue.state() != QueueState::Up {
            return;
        }
        match self.service.overdue_queues().await {
            Ok(queues) => {
                for queue in queues {
                    self.redrive(queue).await;
                }
            }
            Err(error) => warn!("failed to look for runs that were not claimed: {error}"),
        }
    }

    async fn redrive(&self, queue: QueueName) {
        let asked = tokio::select! {
            biased;
            asked = self.queue.has_ready(&queue) => asked.map_err(|error| error.to_string()),
            () = self.clock.sleep(ANSWER_LIMIT) => Err("no answer".to_owned()),
        };
        let done: StoreResult<Redriven> = match asked {
            // After a change of the store's clock nobody's silence proves anything. Asked here and not as the pass begins: set
            // since then, and known by now, the clock would be believed.
            Ok(_) if self.service.was_set_within(CLAIM_LENGTH) => return,
            Ok(has_ready) => self.service.redrive(queue.clone(), !has_ready, MOST).await,
            Err(reason) => return debug!(queue = %queue, "cannot tell whether messages were lost: {reason}"),
        };
        match done {
            Ok(redriven) => self.tell(&queue, redriven),
            Err(error) => warn!(queue = %queue, "failed to redrive runs that were not claimed: {error}"),
        }
    }

    fn tell(&self, queue: &QueueName, redriven: Redriven) {
        self.metrics.redriven.inc_by(redriven.requeued as u64);
        self.metrics.unclaimed.inc_by(redriven.unclaimed as u64);
        if redriven.requeued > 0 {
            warn!(queue = %queue, runs = redriven.requeued, "messages were lost, or consumed and not claimed; they are published again");
        }
        if redriven.unclaimed > 0 {
            warn!(queue = %queue, runs = redriven.unclaimed, "runs ended as unclaimed: their messages are consumed, and nobody claims them");
        }
    }
}
