//! A consumer that takes every message and does nothing with it, as workers that are fast enough do.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use anyhow::bail;
use futures_util::StreamExt;
use lapin::Connection;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;

const PREFETCH: u16 = 500;

pub struct Drained(Arc<AtomicI64>);

pub async fn start(broker: &Connection, queue: &str) -> anyhow::Result<Drained> {
    let channel = broker.create_channel().await?;
    channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
    let mut consumer = channel.basic_consume(queue.into(), "drain".into(), BasicConsumeOptions::default(), FieldTable::default()).await?;
    let count = Arc::new(AtomicI64::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Some(Ok(delivery)) = consumer.next().await {
            counted.fetch_add(1, Ordering::Relaxed);
            if delivery.ack(BasicAckOptions::default()).await.is_err() {
                return;
            }
        }
    });
    Ok(Drained(count))
}

impl Drained {
    pub async fn wait_for(&self, messages: i64) -> anyhow::Result<()> {
        const LOOKS: usize = 600;
        for _ in 0..LOOKS {
            if self.0.load(Ordering::Relaxed) >= messages {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        bail!("{} of {messages} messages came within a minute", self.0.load(Ordering::Relaxed));
    }
}
