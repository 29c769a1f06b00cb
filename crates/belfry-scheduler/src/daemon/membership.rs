//! This daemon among the others: its beats, its shards, and whether it may still publish what it took.
//!
//! Everything here is a hint but one thing: whoever others may have buried publishes nothing that it took before, for it is
//! theirs by now.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::SignedDuration;
use tracing::{info, warn};

use belfry_core::ids::MemberId;
use belfry_core::ports::{Boot, Clock, Ids, MEMBER_DEAD_AFTER, Member, Membership as Answer, StoreResult};
use belfry_core::shards::Shards;
use belfry_core::time::UnixMillis;

use crate::metrics::DaemonMetrics;
use crate::service::ScheduledWorkflowService;

/// How often a member says that it lives.
pub const BEAT_INTERVAL: SignedDuration = SignedDuration::from_secs(1);
/// How long a schedule is left to a member that does not get on with it.
const PATIENCE: SignedDuration = SignedDuration::from_secs(2);

/// Its clones are the same member.
#[derive(Clone)]
pub struct Membership {
    service: ScheduledWorkflowService,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    metrics: DaemonMetrics,
    state: Arc<Mutex<State>>,
}

struct State {
    /// None before the first beat, and when a gap made it another.
    id: Option<MemberId>,
    /// When the last beat that was answered was sent: the store heard of it no earlier.
    beaten: Option<Boot>,
    /// Who lived at the last beat.
    members: Vec<Member>,
    /// What is whose of those who share: hashing it anew for each question was most of an idle daemon's work.
    shared: BTreeMap<MemberId, Shards>,
    own: Shards,
    is_draining: bool,
    behind_since: Option<UnixMillis>,
    progressed_at: Option<UnixMillis>,
}

/// Overdue schedules of others that may be taken over: of these shards, due by this instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stalled {
    pub shards: Shards,
    pub due_by: UnixMillis,
}

impl Membership {
    pub fn new(service: ScheduledWorkflowService, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>, metrics: DaemonMetrics) -> Membership {
        let state = State {
            id: None,
            beaten: None,
            members: Vec::new(),
            shared: BTreeMap::new(),
            // Until it knows of others a daemon does everything: what two do is done once all the same.
            own: Shards::ALL,
            is_draining: false,
            behind_since: None,
            progressed_at: None,
        };
        Membership { service, clock, ids, metrics, state: Arc::new(Mutex::new(state)) }
    }

    /// Who this daemon is, while nobody can have buried it.
    pub fn id(&self) -> Option<MemberId> {
        self.state().living(self.clock.boot())
    }

    /// Whether what `member` took is still this daemon's to publish.
    pub fn is(&self, member: MemberId) -> bool {
        self.id() == Some(member)
    }

    /// The shards that this daemon looks after.
    pub fn shards(&self) -> Shards {
        self.state().own
    }

    /// How far the daemon has come, for the next beat to tell.
    pub fn progress(&self, behind_since: Option<UnixMillis>, moved_at: Option<UnixMillis>) {
        let mut state = self.state();
        state.behind_since = behind_since;
        state.progressed_at = state.progressed_at.max(moved_at);
    }

    /// Whether [`BEAT_INTERVAL`] has passed since the last beat.
    pub fn must_beat(&self) -> bool {
        let boot = self.clock.boot();
        self.state().beaten.is_none_or(|beaten| boot.since(beaten) >= BEAT_INTERVAL)
    }

    /// Says that this daemon lives, and buries those that do not. After a gap in which others may have buried it, it is
    /// another member.
    pub async fn beat(&self) -> StoreResult<()> {
        let sent = self.clock.boot();
        let known = self.state().living(sent);
        let id = match known {
            Some(id) => id,
            None => MemberId(self.ids.v7(self.service.now().await?)),
        };
        let told = self.state().told(id);
        let answer = self.service.beat(told).await?;
        if known.is_some() && answer.joined {
            warn!(member = %id, "this daemon was taken for dead, and begins anew");
            self.state().id = None;
            return Ok(());
        }
        self.take_in(id, sent, answer);
        Ok(())
    }

    /// Removes the members that are dead, unless the store's clock proves nothing now.
    pub async fn bury(&self) -> StoreResult<()> {
        let buried = self.service.bury().await?;
        if buried > 0 {
            warn!(members = buried, "{buried} daemons died; their schedules and unpublished runs are taken over");
        }
        Ok(())
    }

    /// Leaves the shards to the others, who hear of it within a beat; true when there are any.
    pub async fn drain(&self) -> StoreResult<bool> {
        self.state().is_draining = true;
        self.beat().await?;
        let state = self.state();
        Ok(state.members.iter().any(|member| Some(member.id) != state.id && !member.is_draining))
    }

    /// No longer a member: what it still holds unpublished is for the others at once.
    pub async fn leave(&self) -> StoreResult<()> {
        let id = self.state().id.take();
        match id {
            Some(id) => self.service.leave(id).await,
            None => Ok(()),
        }
    }

    /// What others leave undone at `now`: first of all members that are not behind or do not get on, then, of each that is
    /// behind and gets on, what it has passed over.
    pub fn stalled(&self, now: UnixMillis) -> Vec<Stalled> {
        let state = self.state();
        let overdue = now.minus(PATIENCE);
        let mut idle = Stalled { shards: Shards::NONE, due_by: overdue };
        let mut passed_over = Vec::new();
        for member in state.members.iter().filter(|member| Some(member.id) != state.id && !member.is_draining) {
            let gets_on = member.progressed_at.is_some_and(|at| at >= overdue);
            let shards = state.shared.get(&member.id).copied().unwrap_or(Shards::NONE);
            match member.behind_since.filter(|since| *since <= overdue && gets_on) {
                None => idle.shards = idle.shards.union(shards),
                Some(since) => passed_over.push(Stalled { shards, due_by: since.minus(SignedDuration::from_millis(1)) }),
            }
        }
        let found = (!idle.shards.is_empty()).then_some(idle);
        found.into_iter().chain(passed_over).collect()
    }

    fn take_in(&self, id: MemberId, sent: Boot, answer: Answer) {
        let mut state = self.state();
        if state.id != Some(id) {
            info!(member = %id, members = answer.members.len(), "this daemon is member {id}");
        }
        (state.id, state.beaten) = (Some(id), Some(sent));
        let unchanged = state.members.iter().map(sharing_of).eq(answer.members.iter().map(sharing_of));
        state.members = answer.members;
        if !unchanged {
            state.shared = Shards::shared(&state.sharing());
        }
        // A daemon that drains goes on with what it had until its last round: the others take over meanwhile.
        if !unchanged && !state.is_draining {
            state.own = state.shared.get(&id).copied().unwrap_or(Shards::NONE);
            info!(member = %id, members = state.members.len(), shards = state.own.len(), "the shards are shared anew");
        }
        self.metrics.members.set(i64::try_from(state.members.len()).unwrap_or(i64::MAX));
        self.metrics.shards.set(i64::try_from(state.own.len()).unwrap_or(i64::MAX));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held; and it is a hint however it was left.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn living(&self, boot: Boot) -> Option<MemberId> {
        let is_fresh = self.beaten.is_some_and(|beaten| boot.since(beaten) < MEMBER_DEAD_AFTER);
        self.id.filter(|_| is_fresh)
    }

    fn told(&self, id: MemberId) -> Member {
        Member { id, is_draining: self.is_draining, behind_since: self.behind_since, progressed_at: self.progressed_at }
    }

    fn sharing(&self) -> Vec<MemberId> {
        self.members.iter().filter(|member| !member.is_draining).map(|member| member.id).collect()
    }
}

fn sharing_of(member: &Member) -> (MemberId, bool) {
    (member.id, member.is_draining)
}
