//! The store as one process reaches it: every effect is watched where it happens.

mod calendars;
mod workflows;

use std::sync::Arc;

use async_trait::async_trait;
use belfry_core::ids::{ClaimToken, MemberId, RunId, ScheduleId};
use belfry_core::ports::{
    Backlog, Beat, Cancelled, Claim, ClaimAnswer, ClaimedRun, DueKey, DueSchedule, Finish, FinishAnswer, FireAnswer, FireBatch, GiveBack,
    Look, Mark, Member, Membership, Page, PendingRun, PollStore, PublishLease, Reaped, Redrive, Redriven, RunFilter, RunStore,
    ScheduleStore, StoreResult, Swept,
};
use belfry_core::run::{NodeResult, Run};
use belfry_core::shards::Shards;
use belfry_core::time::UnixMillis;
use belfry_core::workflow::QueueName;

use crate::faults::Verb;
use crate::hub::{Hub, answer};
use crate::process::Process;

#[derive(Clone)]
pub struct SimStore(pub Arc<Process>);

#[async_trait]
impl ScheduleStore for SimStore {
    async fn now(&self) -> StoreResult<UnixMillis> {
        self.0.ask(Verb::Now, String::new(), |hub, _| answer(ScheduleStore::now(&hub.store))).await
    }

    async fn beat(&self, member: Member) -> StoreResult<Membership> {
        let effect = move |hub: &Hub, _: &Process| {
            hub.audit().beaten(member.id);
            answer(hub.store.beat(member))
        };
        self.0.ask(Verb::Beat, self.0.words(&member.id), effect).await
    }

    async fn bury(&self, believed: UnixMillis) -> StoreResult<usize> {
        let effect = move |hub: &Hub, by: &Process| {
            let before = hub.store.members();
            let buried = answer(hub.store.bury(believed));
            hub.audit().buried(by, &before);
            buried
        };
        self.0.ask(Verb::Bury, String::new(), effect).await
    }

    async fn leave(&self, member: MemberId) -> StoreResult<()> {
        self.0.ask(Verb::Leave, self.0.words(&member), move |hub, _| answer(hub.store.leave(member))).await
    }

    async fn look(&self, shards: Shards, due_by: UnixMillis, after: Option<DueKey>, limit: usize) -> StoreResult<Look> {
        self.0.ask(Verb::Look, self.0.words(&due_by), move |hub, _| answer(hub.store.look(shards, due_by, after, limit))).await
    }

    async fn load(&self, ids: &[ScheduleId]) -> StoreResult<Vec<DueSchedule>> {
        let ids = ids.to_vec();
        self.0.ask(Verb::Load, String::new(), move |hub, _| answer(hub.store.load(&ids))).await
    }

    async fn fire(&self, batch: FireBatch) -> StoreResult<FireAnswer> {
        let what =
            self.0.words(&batch.fires.iter().map(|fire| (fire.id, fire.revision, fire.nominal, fire.decided_at)).collect::<Vec<_>>());
        let effect = move |hub: &Hub, by: &Process| {
            let fired = answer(hub.store.fire(batch.clone()));
            hub.audit().fired(by, &batch, &fired);
            fired
        };
        self.0.ask(Verb::Fire, what, effect).await
    }

    async fn pending(&self, member: MemberId, ids: &[RunId]) -> StoreResult<Vec<PendingRun>> {
        let ids = ids.to_vec();
        self.0.ask(Verb::Pending, String::new(), move |hub, _| answer(hub.store.pending(member, &ids))).await
    }

    async fn sweep(&self, publisher: PublishLease, except: &[QueueName], limit: usize) -> StoreResult<Swept> {
        let except = except.to_vec();
        let effect = move |hub: &Hub, _: &Process| {
            let swept = answer(hub.store.sweep(publisher, &except, limit));
            let taken = swept.iter().flat_map(|swept| &swept.runs).map(|run| run.id);
            hub.audit().changed(Verb::Sweep, taken, None);
            swept
        };
        self.0.ask(Verb::Sweep, self.0.words(&publisher.member), effect).await
    }

    async fn mark(&self, marks: &[Mark]) -> StoreResult<usize> {
        let marks = marks.to_vec();
        let what = self.0.words(&marks);
        let effect = move |hub: &Hub, by: &Process| {
            let marked = answer(hub.store.mark(&marks));
            hub.audit().marked(by, &marks);
            marked
        };
        self.0.ask(Verb::Mark, what, effect).await
    }

    async fn give_back(&self, rows: &[GiveBack]) -> StoreResult<usize> {
        let rows = rows.to_vec();
        let what = self.0.words(&rows);
        let effect = move |hub: &Hub, _: &Process| {
            let given = answer(hub.store.give_back(&rows));
            hub.audit().given_back(&rows);
            given
        };
        self.0.ask(Verb::GiveBack, what, effect).await
    }

    async fn overdue_queues(&self) -> StoreResult<Vec<QueueName>> {
        self.0.ask(Verb::OverdueQueues, String::new(), |hub, _| answer(hub.store.overdue_queues())).await
    }

    async fn redrive(&self, redrive: Redrive) -> StoreResult<Redriven> {
        let what = self.0.words(&redrive);
        let effect = move |hub: &Hub, by: &Process| {
            let redriven = answer(hub.store.redrive(redrive));
            if redriven.as_ref().is_ok_and(|redriven| redriven.requeued + redriven.unclaimed > 0) {
                hub.audit().redriven(by);
            }
            redriven
        };
        self.0.ask(Verb::Redrive, what, effect).await
    }

    async fn backlog(&self) -> StoreResult<Backlog> {
        self.0.ask(Verb::Backlog, String::new(), |hub, _| answer(hub.store.backlog())).await
    }

    async fn reap(&self, believed: UnixMillis, limit: usize) -> StoreResult<Reaped> {
        let effect = move |hub: &Hub, _: &Process| {
            let reaped = answer(hub.store.reap(believed, limit));
            if reaped.as_ref().is_ok_and(|reaped| reaped.requeued + reaped.worker_lost + reaped.cancelled > 0) {
                hub.audit().live_changed(Verb::Reap);
            }
            reaped
        };
        self.0.ask(Verb::Reap, self.0.words(&believed), effect).await
    }
}

#[async_trait]
impl PollStore for SimStore {
    async fn claim_oldest(&self, queue: QueueName, token: ClaimToken, worker: String) -> StoreResult<Option<ClaimedRun>> {
        let effect = move |hub: &Hub, _: &Process| {
            let claimed = answer(hub.store.claim_oldest(queue, token, worker.clone()));
            if let Ok(Some(claimed)) = &claimed {
                let claim = Claim { run_id: claimed.run.id, token, worker };
                hub.audit().claimed(&claim, &Ok(ClaimAnswer::Claimed(Box::new(claimed.clone()))));
            }
            claimed
        };
        self.0.ask(Verb::Claim, String::new(), effect).await
    }
}

#[async_trait]
impl RunStore for SimStore {
    async fn claim(&self, claim: Claim) -> StoreResult<ClaimAnswer> {
        let what = self.0.words(&claim);
        let effect = move |hub: &Hub, _: &Process| {
            let claimed = answer(hub.store.claim(claim.clone()));
            hub.audit().claimed(&claim, &claimed);
            claimed
        };
        self.0.ask(Verb::Claim, what, effect).await
    }

    async fn heartbeat(&self, run: RunId, epoch: i64, progress: Option<String>) -> StoreResult<Beat> {
        self.act(run, epoch, Verb::Heartbeat, move |hub| answer(hub.store.heartbeat(run, epoch, progress))).await
    }

    async fn record_node(&self, run: RunId, epoch: i64, result: NodeResult) -> StoreResult<bool> {
        self.act(run, epoch, Verb::RecordNode, move |hub| answer(hub.store.record_node(run, epoch, result))).await
    }

    async fn finish(&self, run: RunId, epoch: i64, finish: Finish) -> StoreResult<FinishAnswer> {
        self.act(run, epoch, Verb::Finish, move |hub| answer(hub.store.finish(run, epoch, finish))).await
    }

    async fn release(&self, run: RunId, epoch: i64) -> StoreResult<bool> {
        self.act(run, epoch, Verb::Release, move |hub| answer(hub.store.release(run, epoch))).await
    }

    async fn cancel(&self, run: RunId) -> StoreResult<Cancelled> {
        let effect = move |hub: &Hub, _: &Process| {
            let cancelled = answer(hub.store.cancel(run));
            hub.audit().changed(Verb::Cancel, [run], None);
            cancelled
        };
        self.0.ask(Verb::Cancel, self.0.words(&run), effect).await
    }

    async fn run(&self, run: RunId) -> StoreResult<Run> {
        self.0.ask(Verb::Read, self.0.words(&run), move |hub, _| answer(hub.store.run(run))).await
    }

    async fn runs(&self, filter: RunFilter) -> StoreResult<Page<Run>> {
        self.0.ask(Verb::Read, String::new(), move |hub, _| answer(hub.store.runs(filter))).await
    }
}

impl SimStore {
    /// What an executor does: it is alive when it sends.
    async fn act<T, F>(&self, run: RunId, epoch: i64, verb: Verb, effect: F) -> StoreResult<T>
    where
        T: std::fmt::Debug + Send + 'static,
        F: FnOnce(&Hub) -> StoreResult<T> + Send + 'static,
    {
        self.0.pass().await;
        self.0.hub.audit().acts(&self.0, verb, run, epoch);
        let effect = move |hub: &Hub, _: &Process| {
            let done = effect(hub);
            hub.audit().changed(verb, [run], Some(epoch));
            done
        };
        self.0.ask(verb, self.0.words(&(run, epoch)), effect).await
    }
}
