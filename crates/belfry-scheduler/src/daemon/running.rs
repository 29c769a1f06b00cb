//! The daemon's life: it begins to beat, ticks and waits, hands over and settles what it began.

use std::sync::Arc;

use jiff::SignedDuration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use belfry_core::ports::MEMBER_DEAD_AFTER;
use belfry_core::time::UnixMillis;

use super::membership::{BEAT_INTERVAL, Membership};
use super::{CLAIM_LENGTH, Daemon, LONGEST_PAUSE, SHORTEST_PAUSE, SLICE};
use crate::service::ScheduledWorkflowService;

/// How long a daemon that stops goes on firing after it said so: until the others have heard of it.
const LINGER: SignedDuration = SignedDuration::from_millis(1_500);

impl Daemon {
    /// Works until `shutdown`. Then it leaves its schedules to the others, publishes what it has begun to, within the drain
    /// limit, and returns.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut beats = JoinSet::new();
        self.work(&shutdown, &mut beats).await;
        if self.drain().await {
            let lingering = CancellationToken::new();
            let (clock, over) = (Arc::clone(&self.clock), lingering.clone());
            beats.spawn(async move {
                clock.sleep(LINGER).await;
                over.cancel();
            });
            self.work(&lingering, &mut beats).await;
        }
        self.publisher.drain(self.settings.drain_limit).await;
        beats.shutdown().await;
        self.publisher.stop().await;
        if let Err(error) = self.membership.leave().await {
            warn!("failed to leave; what is left unpublished is taken over once this daemon counts as dead: {error}");
        }
        info!("the daemon has stopped");
    }

    async fn work(&mut self, until: &CancellationToken, beats: &mut JoinSet<()>) {
        let mut pause = SHORTEST_PAUSE;
        let hint = self.hint();
        while !until.is_cancelled() {
            let wait = match self.service.now().await {
                Ok(now) => {
                    pause = SHORTEST_PAUSE;
                    self.keep_beating(beats).await;
                    let tick = self.tick(now).await;
                    self.until(tick.again_at)
                }
                Err(error) => {
                    pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
                    warn!("the store does not answer, trying again in {pause:#}: {error}");
                    pause
                }
            };
            tokio::select! {
                biased;
                () = until.cancelled() => {}
                () = hint.0.notified() => (self.looked_at, self.swept_at) = (None, None),
                () = self.publisher.freed(), if self.backlog => {}
                () = self.clock.sleep(wait) => {}
            }
        }
    }

    /// The first beat is waited for, so that the first look is of this daemon's own shards; then a task beats.
    async fn keep_beating(&mut self, beats: &mut JoinSet<()>) {
        if self.is_kept {
            return;
        }
        self.is_kept = true;
        beat(&self.service, &self.membership).await;
        let (service, membership, clock) = (self.service.clone(), self.membership.clone(), Arc::clone(&self.clock));
        beats.spawn(async move {
            loop {
                clock.sleep(BEAT_INTERVAL).await;
                beat(&service, &membership).await;
            }
        });
    }

    /// Tells the others that this daemon leaves its schedules to them; true when there are any who will take them.
    async fn drain(&self) -> bool {
        info!("the daemon is stopping");
        match self.membership.drain().await {
            Ok(others) => others,
            Err(error) => {
                warn!("failed to tell that this daemon stops: {error}");
                false
            }
        }
    }

    /// How long to sleep until `instant`, by the store's clock: a slice of it, unless the store is in trouble.
    fn until(&self, instant: UnixMillis) -> SignedDuration {
        let longest = if self.failed_ticks > 0 { LONGEST_PAUSE } else { SLICE };
        let wait = self.service.boot_at(instant).map_or(SLICE, |boot| boot.since(self.clock.boot()));
        wait.clamp(SignedDuration::ZERO, longest)
    }
}

/// A beat, and a look at who does not beat any more: by the silence that this daemon has heard itself, for were the store's
/// clock set just before it began, everybody would look dead. A failure shows in what follows from it.
pub(super) async fn beat(service: &ScheduledWorkflowService, membership: &Membership) {
    let beaten = match membership.beat().await {
        Ok(()) if service.has_been_steady_for(MEMBER_DEAD_AFTER) && !service.was_set_within(CLAIM_LENGTH) => membership.bury().await,
        Ok(()) => Ok(()),
        Err(error) => Err(error),
    };
    if let Err(error) = beaten {
        warn!("failed to tell the others that this daemon lives: {error}");
    }
}
