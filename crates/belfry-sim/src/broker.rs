//! The broker, and how one process reaches it.
//!
//! The reference queue keeps the messages; around it are connections, which break, and a broker that goes down, falls silent
//! or hangs with one queue.

use std::collections::{BTreeMap, VecDeque};
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use belfry_core::ids::RunId;
use belfry_core::ports::{Consumer, Delivered, Message, Queue, QueueError, QueueState, Settled};
use belfry_core::workflow::QueueName;
use belfry_testkit::reference::ReferenceQueue;
use jiff::SignedDuration;
use tokio::sync::{Notify, oneshot};

use crate::faults::{Fault, Verb};
use crate::hub::{Hub, answer};
use crate::process::{Fate, Process, WAY_TRIED_EVERY};
use crate::time::BrokerClock;

/// How long an adapter waits for the broker.
const ANSWER_LIMIT: i64 = 10_000;
/// How long the broker takes to notice that a peer is gone.
pub const NOTICED_AFTER: i64 = 20_000;

pub struct Broker {
    queue: ReferenceQueue,
    trouble: Mutex<Trouble>,
    /// Each consumer's connection, with its process' number.
    connections: Mutex<Vec<(u64, Arc<Connection>)>>,
    /// What nobody gets yet, by when it is ready again.
    held: Mutex<Vec<(i64, Held)>>,
    /// Something may be ready that was not before.
    rings: Notify,
}

enum Held {
    Message(QueueName, Message),
    /// By somebody who consumes, and neither acknowledges nor gives back. Its drop puts them back.
    Ready {
        _by: Box<dyn Consumer>,
    },
}

/// In milliseconds of virtual time.
#[derive(Default)]
struct Trouble {
    down_until: i64,
    silent_until: i64,
    hangs_until: BTreeMap<QueueName, i64>,
}

/// A consumer on the broker's side; none once the connection was closed.
struct Connection(Mutex<Option<Box<dyn Consumer>>>);

impl Broker {
    pub fn new() -> Broker {
        Broker {
            queue: ReferenceQueue::new(Arc::new(BrokerClock)),
            trouble: Mutex::default(),
            connections: Mutex::default(),
            held: Mutex::default(),
            rings: Notify::new(),
        }
    }

    /// Down until so many milliseconds of virtual time; every connection breaks.
    pub fn goes_down(&self, until: i64) {
        locked(&self.trouble).down_until = until;
        self.close(|_| true);
    }

    pub fn falls_silent(&self, until: i64) {
        locked(&self.trouble).silent_until = until;
    }

    pub fn hangs(&self, queue: QueueName, until: i64) {
        locked(&self.trouble).hangs_until.insert(queue, until);
    }

    pub fn recovers(&self) {
        *locked(&self.trouble) = Trouble::default();
        self.release(i64::MAX);
    }

    /// Keeps a message from everybody until so many milliseconds of virtual time; [`Broker::release`] ends it.
    fn hold(&self, until: i64, queue: &QueueName, message: Message) {
        locked(&self.held).push((until, Held::Message(queue.clone(), message)));
    }

    /// Keeps the ready messages that `held` says from everybody, as [`Broker::hold`].
    pub fn hold_ready(&self, until: i64, held: impl FnMut(&Delivered) -> bool) {
        let (by, _) = self.take_ready(held);
        locked(&self.held).push((until, Held::Ready { _by: by }));
    }

    /// Puts a copy beside each ready message that `doubled` says.
    pub fn double_ready(&self, doubled: impl FnMut(&Delivered) -> bool) {
        let (_, taken) = self.take_ready(doubled);
        for one in taken {
            let copy = Message { run_id: one.run_id, body: String::new() };
            answer(self.queue.publish(&one.queue, vec![copy])).expect("the reference queue keeps everything");
        }
        self.rings.notify_waiters();
    }

    /// The ready messages that `wanted` says, and who holds them.
    fn take_ready(&self, mut wanted: impl FnMut(&Delivered) -> bool) -> (Box<dyn Consumer>, Vec<Delivered>) {
        let mut consumer = answer(self.queue.consumer(Vec::new())).expect("the reference queue has consumers");
        let ready = answer(consumer.receive(usize::MAX, SignedDuration::ZERO)).expect("the reference queue answers");
        let (taken, others): (Vec<Delivered>, Vec<Delivered>) = ready.into_iter().partition(|one| wanted(one));
        for other in others {
            answer(consumer.give_back(&other)).expect("the reference queue takes back");
        }
        (consumer, taken)
    }

    /// What was held until `now` is ready.
    pub fn release(&self, now: i64) {
        let free: Vec<(i64, Held)> = locked(&self.held).extract_if(.., |(until, _)| *until <= now).collect();
        for (_, held) in free {
            if let Held::Message(queue, message) = held {
                answer(self.queue.publish(&queue, vec![message])).expect("the reference queue keeps everything");
            }
        }
        self.rings.notify_waiters();
    }

    /// What the broker is to do with the messages that are ready; `lost` says which it loses.
    pub fn loses(&self, lost: impl FnMut(&QueueName, RunId) -> bool) {
        self.queue.lose_where(lost);
    }

    /// Closes the connections of the processes that `whose` says: what they hold is ready again.
    pub fn close(&self, whose: impl Fn(u64) -> bool) {
        let mut connections = locked(&self.connections);
        connections.retain(|(process, connection)| {
            let closes = whose(*process);
            if closes {
                drop(locked(&connection.0).take());
            }
            !closes
        });
        drop(connections);
        self.rings.notify_waiters();
    }

    fn is_down(&self, now: i64) -> bool {
        now < locked(&self.trouble).down_until
    }

    fn is_silent(&self, now: i64, queue: Option<&QueueName>) -> bool {
        let trouble = locked(&self.trouble);
        now < trouble.silent_until || queue.is_some_and(|queue| trouble.hangs_until.get(queue).is_some_and(|until| now < *until))
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nothing panics while it is held")
}

fn broken(why: &str) -> QueueError {
    QueueError::Unavailable(format!("simulated: {why}"))
}

#[derive(Clone)]
pub struct SimQueue(pub Arc<Process>);

#[async_trait]
impl Queue for SimQueue {
    async fn publish(&self, queue: &QueueName, messages: Vec<Message>) -> Result<Vec<Settled>, QueueError> {
        let process = Arc::clone(&self.0);
        let was_frozen = process.pass().await;
        let fate = process.fate(Verb::Publish);
        let ids: Vec<RunId> = messages.iter().map(|message| message.run_id).collect();
        let begun = process.hub.audit().publishes(&process, &ids, was_frozen);
        let queue = queue.clone();
        self.ask(Verb::Publish, fate, async move {
            let settled = arrive(&process.hub, &process, &queue, messages, fate).await;
            process.hub.log.line(|| format!("{} publish {queue} {ids:?} {:?} => {settled:?}", process.name, fate.fault));
            if let (Ok(settled), true) = (&settled, fate.fault != Some(Fault::After)) {
                process.hub.audit().settled(&ids, settled, begun);
            }
            settled
        })
        .await
    }

    fn state(&self) -> QueueState {
        let hub = &self.0.hub;
        if hub.broker.is_down(hub.time.millis()) { QueueState::Down("simulated".to_owned()) } else { QueueState::Up }
    }

    async fn has_ready(&self, queue: &QueueName) -> Result<bool, QueueError> {
        let process = Arc::clone(&self.0);
        process.pass().await;
        let fate = process.fate(Verb::HasReady);
        let queue = queue.clone();
        self.ask(Verb::HasReady, fate, async move {
            reach(&process.hub, &queue, fate).await?;
            let ready = answer(process.hub.broker.queue.has_ready(&queue));
            process.hub.log.line(|| format!("{} has_ready {queue} => {ready:?}", process.name));
            ready
        })
        .await
    }

    async fn consumer(&self, queues: Vec<QueueName>) -> Result<Box<dyn Consumer>, QueueError> {
        let process = Arc::clone(&self.0);
        process.pass().await;
        let fate = process.fate(Verb::Connect);
        process.hub.time.sleep(fate.there + fate.back).await;
        process.pass().await;
        if process.hub.broker.is_down(process.hub.time.millis()) || fate.fault == Some(Fault::Before) {
            return Err(broken("no connection"));
        }
        let consumer = answer(process.hub.broker.queue.consumer(queues))?;
        let connection = Arc::new(Connection(Mutex::new(Some(consumer))));
        locked(&process.hub.broker.connections).push((process.number, Arc::clone(&connection)));
        Ok(Box::new(SimConsumer { process, connection, arriving: VecDeque::new() }))
    }
}

impl SimQueue {
    /// Goes its way whether or not anybody still waits.
    async fn ask<T: Send + 'static>(
        &self,
        verb: Verb,
        fate: Fate,
        work: impl Future<Output = Result<T, QueueError>> + Send + 'static,
    ) -> Result<T, QueueError> {
        let hub = Arc::clone(&self.0.hub);
        let (answer, answered) = oneshot::channel();
        let time = hub.time;
        tokio::spawn(async move {
            let done = work.await;
            time.sleep(fate.back).await;
            let done = if fate.fault == Some(Fault::After) { Err(broken("the answer was lost")) } else { done };
            // Nobody may be waiting any more.
            drop(answer.send(done));
        });
        let done = tokio::select! {
            biased;
            done = answered => done.ok(),
            () = time.sleep(ANSWER_LIMIT) => None,
        };
        self.0.pass().await;
        done.unwrap_or_else(|| Err(broken(&format!("no answer to {verb:?}"))))
    }
}

/// The way to the broker, as far as `queue` of it.
async fn reach(hub: &Hub, queue: &QueueName, fate: Fate) -> Result<(), QueueError> {
    hub.time.sleep(fate.there).await;
    if hub.broker.is_down(hub.time.millis()) {
        return Err(broken("the broker is down"));
    }
    while hub.broker.is_silent(hub.time.millis(), Some(queue)) {
        if fate.is_lost_on_the_way {
            return pending().await;
        }
        hub.time.sleep(WAY_TRIED_EVERY).await;
    }
    if fate.fault == Some(Fault::Before) {
        return Err(broken("the connection broke"));
    }
    Ok(())
}

async fn arrive(
    hub: &Arc<Hub>,
    process: &Process,
    queue: &QueueName,
    messages: Vec<Message>,
    fate: Fate,
) -> Result<Vec<Settled>, QueueError> {
    reach(hub, queue, fate).await?;
    if fate.is_lost_on_the_way && process.is_dead() {
        return pending().await;
    }
    let half = messages.len().div_ceil(2);
    let mut settled = vec![Settled::Confirmed; messages.len()];
    for (place, message) in messages.into_iter().enumerate() {
        match fate.fault {
            Some(Fault::Half) if place >= half => break,
            Some(Fault::Refused) if place == 0 => {
                settled[0] = Settled::Refused("simulated".to_owned());
                continue;
            }
            Some(Fault::Twice) => keep(hub, queue, message.clone()),
            Some(Fault::Held(by)) => {
                hub.broker.hold(hub.time.millis() + i64::from(by), queue, message);
                continue;
            }
            _ => {}
        }
        keep(hub, queue, message);
    }
    hub.broker.rings.notify_waiters();
    if let Some(Fault::Held(by)) = fate.fault {
        release_after(hub, i64::from(by));
    }
    if fate.fault == Some(Fault::Half) { Err(broken("the connection broke in the middle")) } else { Ok(settled) }
}

/// Releases what is held, once so many milliseconds have passed.
pub fn release_after(hub: &Arc<Hub>, millis: i64) {
    let hub = Arc::clone(hub);
    tokio::spawn(async move {
        hub.time.sleep(millis).await;
        hub.broker.release(hub.time.millis());
    });
}

fn keep(hub: &Hub, queue: &QueueName, message: Message) {
    hub.audit().kept(message.run_id);
    answer(hub.broker.queue.publish(queue, vec![message])).expect("the reference queue keeps everything");
}

struct SimConsumer {
    process: Arc<Process>,
    connection: Arc<Connection>,
    /// On their way to the worker, with when they arrive.
    arriving: VecDeque<(i64, Delivered)>,
}

impl SimConsumer {
    /// What the connection's consumer answers to `verb`; an error once it was closed.
    fn with<T>(&self, verb: impl FnOnce(&mut Box<dyn Consumer>) -> Result<T, QueueError>) -> Result<T, QueueError> {
        locked(&self.connection.0).as_mut().map_or_else(|| Err(broken("the connection was closed")), verb)
    }

    /// Takes what is ready for `slots`, unless something is on its way.
    fn take(&mut self, slots: usize) -> Result<(), QueueError> {
        let hub = &self.process.hub;
        let now = hub.time.millis();
        if !self.arriving.is_empty() || hub.broker.is_silent(now, None) {
            return self.with(|_| Ok(()));
        }
        let fate = self.process.fate(Verb::Receive);
        if fate.fault == Some(Fault::Before) {
            hub.broker.close(|process| process == self.process.number);
            return Err(broken("the connection broke"));
        }
        let taken = self.with(|consumer| answer(consumer.receive(slots, SignedDuration::ZERO)))?;
        self.arriving.extend(taken.into_iter().map(|delivered| (now + fate.there + fate.back, delivered)));
        Ok(())
    }

    fn return_all(&mut self) -> Result<(), QueueError> {
        while let Some((_, delivered)) = self.arriving.pop_front() {
            self.with(|consumer| answer(consumer.give_back(&delivered)))?;
        }
        self.process.hub.broker.rings.notify_waiters();
        Ok(())
    }

    /// Settles a message a little later, unless the connection breaks meanwhile.
    async fn settle(
        &self,
        what: &'static str,
        verb: impl FnOnce(&mut Box<dyn Consumer>) -> Result<(), QueueError> + Send + 'static,
    ) -> Result<(), QueueError> {
        self.process.pass().await;
        let fate = self.process.fate(Verb::Settle);
        if fate.fault == Some(Fault::Before) {
            self.process.hub.broker.close(|process| process == self.process.number);
        }
        self.with(|_| Ok(()))?;
        let (process, connection) = (Arc::clone(&self.process), Arc::clone(&self.connection));
        tokio::spawn(async move {
            process.hub.time.sleep(fate.there).await;
            if let Some(consumer) = locked(&connection.0).as_mut() {
                let done = verb(consumer);
                process.hub.log.line(|| format!("{} {what} => {done:?}", process.name));
            }
            process.hub.broker.rings.notify_waiters();
        });
        Ok(())
    }
}

#[async_trait]
impl Consumer for SimConsumer {
    async fn receive(&mut self, slots: usize, patience: SignedDuration) -> Result<Vec<Delivered>, QueueError> {
        self.process.pass().await;
        if slots == 0 {
            return self.return_all().map(|()| Vec::new());
        }
        let process = Arc::clone(&self.process);
        let time = process.hub.time;
        let end = time.millis() + i64::try_from(patience.as_millis()).unwrap_or(i64::MAX);
        loop {
            let rung = process.hub.broker.rings.notified();
            tokio::pin!(rung);
            rung.as_mut().enable();
            self.take(slots)?;
            if let Some((arrives, _)) = self.arriving.front() {
                time.sleep_until(*arrives).await;
                process.pass().await;
                self.with(|_| Ok(()))?;
                let count = self.arriving.len().min(slots);
                let delivered: Vec<Delivered> = self.arriving.drain(..count).map(|(_, delivered)| delivered).collect();
                process
                    .hub
                    .log
                    .line(|| format!("{} received {:?}", process.name, delivered.iter().map(|one| one.run_id).collect::<Vec<_>>()));
                return Ok(delivered);
            }
            tokio::select! {
                biased;
                () = rung => {}
                () = time.sleep_until(end) => {
                    process.pass().await;
                    return self.with(|_| Ok(Vec::new()));
                }
            }
            process.pass().await;
        }
    }

    async fn acknowledge(&mut self, delivered: &Delivered) -> Result<(), QueueError> {
        let delivered = delivered.clone();
        self.settle("acknowledged", move |consumer| answer(consumer.acknowledge(&delivered))).await
    }

    async fn give_back(&mut self, delivered: &Delivered) -> Result<(), QueueError> {
        let delivered = delivered.clone();
        self.settle("gave back", move |consumer| answer(consumer.give_back(&delivered))).await
    }

    async fn reject(&mut self, delivered: &Delivered) -> Result<(), QueueError> {
        let delivered = delivered.clone();
        self.settle("rejected", move |consumer| answer(consumer.reject(&delivered))).await
    }
}

impl Drop for SimConsumer {
    /// A living process closes its connection; that a dead one is gone the broker notices after a while.
    fn drop(&mut self) {
        if !self.process.is_dead() {
            drop(locked(&self.connection.0).take());
            self.process.hub.broker.rings.notify_waiters();
        }
    }
}
