//! What is done beside firing: publishing what nobody publishes, taking back what was lost, and counting.

use std::sync::Arc;

use tracing::warn;

use belfry_core::ports::QueueState;
use belfry_core::time::UnixMillis;

use super::redrive::Redriver;
use super::{CLAIM_LENGTH, Daemon, has_passed};

impl Daemon {
    /// Takes runs that nobody publishes, no more than there is room for.
    pub(super) async fn sweep(&mut self, now: UnixMillis) -> usize {
        let free = self.publisher.free();
        if free == 0 || !(self.backlog || has_passed(self.swept_at, self.settings.sweep_interval, now)) {
            return 0;
        }
        let Some(lease) = self.lease() else { return 0 };
        let begun = self.clock.boot();
        match self.service.sweep(lease, &self.publisher.in_trouble(), free).await {
            Ok(runs) => {
                let count = runs.len();
                self.swept_at = Some(now);
                self.backlog = count == free;
                self.publisher.offer(runs, lease.member, begun);
                count
            }
            Err(error) => {
                self.background_failed("sweep", &error);
                0
            }
        }
    }

    /// Takes runs back from workers that were lost, a bounded number a tick. Not in this daemon's first minute: were the store's
    /// clock set just before it began, every claim would look lost.
    pub(super) async fn reap(&mut self, now: UnixMillis) {
        const MOST: usize = 1_000;
        if !has_passed(self.reaped_at, self.settings.reap_interval, now) || !self.service.has_been_steady_for(CLAIM_LENGTH) {
            return;
        }
        self.reaped_at = Some(now);
        match self.service.reap(MOST).await {
            Ok(reaped) => {
                self.metrics.requeued.inc_by(reaped.requeued as u64);
                self.metrics.workers_lost.inc_by(reaped.worker_lost as u64);
                if reaped.requeued + reaped.worker_lost > 0 {
                    warn!(requeued = reaped.requeued, worker_lost = reaped.worker_lost, "workers were lost");
                }
            }
            Err(error) => self.background_failed("reap", &error),
        }
    }

    /// Looks for runs whose message was lost, beside the ticks: the broker may take its time.
    pub(super) fn redrive(&mut self, now: UnixMillis) {
        while self.redriving.try_join_next().is_some() {}
        let is_due = has_passed(self.redriven_at, self.settings.redrive_interval, now);
        if !self.redriving.is_empty() || !is_due {
            return;
        }
        self.redriven_at = Some(now);
        let (service, queue, clock) = (self.service.clone(), Arc::clone(&self.queue), Arc::clone(&self.clock));
        let redriver = Redriver { service, queue, clock, metrics: self.metrics.clone() };
        self.redriving.spawn(async move { redriver.pass().await });
    }

    pub(super) async fn measure(&mut self, now: UnixMillis) {
        self.metrics.ticks.inc();
        self.metrics.near_schedules.set(i64::try_from(self.near.len()).unwrap_or(i64::MAX));
        let overdue = self.near.next_due().map_or(0.0, |due| now.since(due).as_secs_f64().max(0.0));
        self.metrics.overdue.set(overdue);
        self.metrics.queue_up.set(i64::from(self.queue.state() == QueueState::Up));
        if let Some((offset, error)) = self.service.offset() {
            self.metrics.clock_error_ms.set(i64::try_from(error.as_millis()).unwrap_or(i64::MAX));
            if let Some(wall) = &self.wall {
                let host_ahead = wall.now().get() - (self.clock.boot().0 + offset);
                self.metrics.host_clock_ahead_ms.set(host_ahead);
            }
        }
        if !has_passed(self.measured_at, self.settings.measure_interval, now) {
            return;
        }
        self.measured_at = Some(now);
        match self.service.backlog().await {
            Ok(backlog) => {
                self.metrics.pending.set(i64::try_from(backlog.pending).unwrap_or(i64::MAX));
                self.metrics.pending_age.set(backlog.oldest.map_or(0.0, |oldest| now.since(oldest).as_secs_f64().max(0.0)));
            }
            Err(error) => self.background_failed("measure the backlog", &error),
        }
    }
}
