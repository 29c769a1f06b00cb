//! One subscription to each of a consumer's queues, ended as a whole.

use futures_util::stream::{self, BoxStream, SelectAll, StreamExt};
use lapin::Channel;
use lapin::message::Delivery;
use lapin::options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::{FieldTable, ShortString};

use belfry_core::ports::QueueError;
use belfry_core::workflow::QueueName;

use crate::failed::{ANSWER_LIMIT, answered, failed};
use crate::topology::Topology;

pub(super) struct Flow {
    channel: Channel,
    events: SelectAll<BoxStream<'static, Event>>,
    tags: Vec<ShortString>,
    pub prefetch: u16,
}

pub(super) enum Event {
    Came(QueueName, Box<Delivery>),
    /// One of the subscriptions is over: ended by us, or by the broker when its queue is deleted.
    Ended(QueueName),
    Broke(QueueError),
}

impl Flow {
    /// How much the broker may send of each queue unasked: together no more than there are slots, or one of each.
    pub fn prefetch(slots: usize, queues: usize) -> u16 {
        u16::try_from(slots / queues.max(1)).unwrap_or(u16::MAX).max(1)
    }

    /// Subscribes over `channel`, which the caller closes when this fails.
    pub async fn start(channel: &Channel, topology: &Topology, queues: &[QueueName], prefetch: u16) -> Result<Flow, QueueError> {
        // Not global, which quorum queues do not know: it holds for each subscription that follows.
        answered("set the prefetch", channel.basic_qos(prefetch, BasicQosOptions { global: false })).await?;
        let mut flow = Flow { channel: channel.clone(), events: SelectAll::new(), tags: Vec::new(), prefetch };
        for queue in queues {
            let name = topology.queue(queue);
            let doing = format!("consume the queue {name}");
            let consume = channel.basic_consume(name, "".into(), BasicConsumeOptions::default(), FieldTable::default());
            let consumer = answered(&doing, consume).await?;
            flow.tags.push(consumer.tag());
            let (of, over) = (queue.clone(), queue.clone());
            let events = consumer.map(move |delivery| match delivery {
                Ok(delivery) => Event::Came(of.clone(), Box::new(delivery)),
                Err(error) => Event::Broke(failed(&doing, &error)),
            });
            flow.events.push(events.chain(stream::once(async { Event::Ended(over) })).boxed());
        }
        Ok(flow)
    }

    pub async fn next(&mut self) -> Event {
        match self.events.next().await {
            Some(event) => event,
            None => Event::Broke(QueueError::Unavailable("the subscriptions have ended".to_owned())),
        }
    }

    /// Ends the subscriptions, and answers what the broker had sent meanwhile: after its word on a cancel it sends no more.
    pub async fn end(mut self) -> Result<Vec<(QueueName, Box<Delivery>)>, QueueError> {
        for tag in &self.tags {
            answered("end a subscription", self.channel.basic_cancel(tag.clone(), BasicCancelOptions::default())).await?;
        }
        let late = |_| QueueError::Unavailable(format!("failed to end a subscription: the broker did not answer within {ANSWER_LIMIT:?}"));
        tokio::time::timeout(ANSWER_LIMIT, self.rest()).await.map_err(late)?
    }

    async fn rest(&mut self) -> Result<Vec<(QueueName, Box<Delivery>)>, QueueError> {
        let mut came = Vec::new();
        while let Some(event) = self.events.next().await {
            match event {
                Event::Came(queue, delivery) => came.push((queue, delivery)),
                Event::Ended(_) => {}
                Event::Broke(error) => return Err(error),
            }
        }
        Ok(came)
    }
}
