//! The task that holds a consumer's channel.
//!
//! It subscribes while messages are wanted and none lies in the tray, and ends the subscription with the first that comes:
//! between two calls of `receive` nothing is held that the worker has no slot for. A subscription that brings nothing stays,
//! so that an idle worker costs next to nothing. Whatever fails, the channel goes, the broker takes back all that was held, and the
//! next call begins anew.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use lapin::Channel;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicNackOptions, BasicRejectOptions};
use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;
use tracing::{error, warn};

use belfry_core::ids::RunId;
use belfry_core::ports::{Delivered, QueueError};
use belfry_core::workflow::QueueName;

use super::flow::{Event, Flow};
use super::{How, Settling, Tray};
use crate::failed::answered;
use crate::link::{Link, Session};
use crate::topology::Topology;

pub(super) struct Desk {
    link: Arc<Link>,
    topology: Arc<Topology>,
    queues: Vec<QueueName>,
    /// Those of the queues that can be had over the channel.
    available: Vec<QueueName>,
    tray: Arc<Tray>,
    wanted: usize,
    channel: Option<Channel>,
    /// Whether the channel is to be renewed as soon as nothing is held over it.
    old: bool,
    flow: Option<Flow>,
    /// Our tag of a delivery → the channel's. Ours are never used again, so that a late word on a delivery of an earlier
    /// channel meets nothing.
    held: HashMap<u64, u64>,
    last_tag: u64,
}

impl Desk {
    pub fn new(link: Arc<Link>, topology: Arc<Topology>, queues: Vec<QueueName>, tray: Arc<Tray>) -> Desk {
        let available = Vec::new();
        Desk {
            link,
            topology,
            queues,
            available,
            tray,
            wanted: 0,
            channel: None,
            old: false,
            flow: None,
            held: HashMap::new(),
            last_tag: 0,
        }
    }

    pub async fn run(mut self, mut wants: watch::Receiver<usize>, mut settlings: mpsc::Receiver<Settling>, renew_every: Duration) {
        let mut renewals = tokio::time::interval(renew_every);
        renewals.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first is due at once.
        renewals.tick().await;
        loop {
            let worked = tokio::select! {
                biased;
                changed = wants.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    self.wanted = *wants.borrow_and_update();
                    self.adjust().await
                }
                Some(settling) = settlings.recv() => self.settle(settling).await,
                _ = renewals.tick() => {
                    self.old = self.channel.is_some();
                    self.adjust().await
                }
                event = next(&mut self.flow) => self.met(event).await,
            };
            if let Err(error) = worked {
                self.broke(error);
            }
        }
    }

    /// Brings the subscription and the tray in line with what is wanted.
    async fn adjust(&mut self) -> Result<(), QueueError> {
        self.return_excess().await?;
        if self.old && self.held.is_empty() {
            // First, so that what is on its way is not returned behind what came after it.
            self.end_flow().await?;
            if self.held.is_empty() {
                self.let_go();
            }
        }
        let fits = self.flow.as_ref().is_some_and(|flow| flow.prefetch == self.prefetch());
        if !fits || !self.wants_more() {
            self.end_flow().await?;
        }
        if self.flow.is_none() && self.wants_more() {
            let channel = self.open().await?;
            self.flow = Some(Flow::start(&channel, &self.topology, &self.available, self.prefetch()).await?);
        }
        Ok(())
    }

    fn prefetch(&self) -> u16 {
        Flow::prefetch(self.wanted, self.available.len())
    }

    fn wants_more(&self) -> bool {
        self.wanted > 0 && self.tray.contents().messages.is_empty()
    }

    async fn open(&mut self) -> Result<Channel, QueueError> {
        if let Some(channel) = self.channel.as_ref().filter(|channel| channel.status().connected()) {
            return Ok(channel.clone());
        }
        // What an earlier channel held has gone back with it.
        self.let_go();
        let session = self.link.session().await?;
        self.available = self.look_for_queues(&session).await?;
        let channel = session.channel().await?;
        self.channel = Some(channel.clone());
        Ok(channel)
    }

    /// Those that can be had: one that is of another type, or gone, takes nothing away from the others.
    async fn look_for_queues(&mut self, session: &Session) -> Result<Vec<QueueName>, QueueError> {
        let (mut available, mut refused) = (Vec::new(), Vec::new());
        for queue in &self.queues {
            match self.topology.prepare(session, queue).await {
                Ok(()) => available.push(queue.clone()),
                Err(error) => {
                    // Only a connection that still works makes it this queue's fault.
                    session.channel().await?;
                    refused.push((queue.clone(), error));
                }
            }
        }
        if available.is_empty()
            && let Some((_, error)) = refused.pop()
        {
            return Err(error);
        }
        for (queue, error) in refused {
            error!(queue = %queue, "the queue is not consumed, and its neighbours are: {error}");
        }
        Ok(available)
    }

    async fn met(&mut self, event: Event) -> Result<(), QueueError> {
        match event {
            Event::Came(queue, delivery) => {
                let Some(run_id) = run_id(&delivery) else { return self.bury(&queue, &delivery).await };
                self.keep(queue, run_id, &delivery);
                self.end_flow().await
            }
            Event::Ended(queue) => {
                let name = self.topology.queue(&queue);
                Err(QueueError::Unavailable(format!("the broker ended the subscription to {name}: the queue was deleted, or moved")))
            }
            Event::Broke(error) => Err(error),
        }
    }

    async fn end_flow(&mut self) -> Result<(), QueueError> {
        let Some(flow) = self.flow.take() else { return Ok(()) };
        for (queue, delivery) in flow.end().await? {
            match run_id(&delivery) {
                Some(run_id) => self.keep(queue, run_id, &delivery),
                None => self.bury(&queue, &delivery).await?,
            }
        }
        self.return_excess().await?;
        self.tray.changed.notify_one();
        Ok(())
    }

    /// Puts a delivery into the tray.
    fn keep(&mut self, queue: QueueName, run_id: RunId, delivery: &Delivery) {
        self.last_tag += 1;
        self.held.insert(self.last_tag, delivery.delivery_tag);
        self.tray.contents().messages.push_back(Delivered { run_id, queue, tag: self.last_tag });
    }

    async fn bury(&mut self, queue: &QueueName, delivery: &Delivery) -> Result<(), QueueError> {
        error!(queue = %queue, "a message without a run's id was in the queue: it goes to the dead letters");
        self.answer(delivery.delivery_tag, How::Reject).await
    }

    /// Gives back what lies in the tray beyond what is wanted, the newest first.
    async fn return_excess(&mut self) -> Result<(), QueueError> {
        loop {
            let excess = {
                let mut contents = self.tray.contents();
                if contents.messages.len() <= self.wanted {
                    return Ok(());
                }
                contents.messages.pop_back()
            };
            if let Some(delivered) = excess {
                self.settle_one(delivered.tag, How::GiveBack).await?;
            }
        }
    }

    async fn settle(&mut self, settling: Settling) -> Result<(), QueueError> {
        let settled = self.settle_one(settling.tag, settling.how).await;
        // Whoever asked may have gone away.
        let _ = settling.done.send(settled.clone());
        settled
    }

    async fn settle_one(&mut self, tag: u64, how: How) -> Result<(), QueueError> {
        match self.held.remove(&tag) {
            Some(delivery_tag) => self.answer(delivery_tag, how).await,
            None => Ok(()),
        }
    }

    async fn answer(&mut self, delivery_tag: u64, how: How) -> Result<(), QueueError> {
        // With its channel went all that was held: it is the broker's again, and there is nothing to settle.
        let Some(channel) = self.channel.clone().filter(|channel| channel.status().connected()) else { return Ok(()) };
        match how {
            How::Acknowledge => answered("acknowledge a message", channel.basic_ack(delivery_tag, BasicAckOptions::default())).await,
            // `nack`, not `reject`: since RabbitMQ 4.3 only the latter counts towards the limit at which a message dies.
            How::GiveBack => {
                let requeue = BasicNackOptions { multiple: false, requeue: true };
                answered("give a message back", channel.basic_nack(delivery_tag, requeue)).await
            }
            How::Reject => answered("reject a message", channel.basic_reject(delivery_tag, BasicRejectOptions { requeue: false })).await,
        }
    }

    fn broke(&mut self, error: QueueError) {
        warn!("consuming broke: {error}");
        self.let_go();
        self.tray.contents().failed = Some(error);
        self.tray.changed.notify_one();
    }

    /// Drops the channel, which closes it: the broker takes back all that it held.
    fn let_go(&mut self) {
        self.flow = None;
        self.channel = None;
        self.old = false;
        self.held.clear();
        self.tray.contents().messages.clear();
    }
}

async fn next(flow: &mut Option<Flow>) -> Event {
    match flow {
        Some(flow) => flow.next().await,
        None => std::future::pending().await,
    }
}

fn run_id(delivery: &Delivery) -> Option<RunId> {
    delivery.properties.message_id().as_ref().and_then(|id| id.as_str().parse().ok())
}
