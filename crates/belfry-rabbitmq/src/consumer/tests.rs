use belfry_core::ports::Queue;
use lapin::options::QueueDeleteOptions;

use super::*;
use crate::settings::{Settings, parse_url};
use crate::topology::Topology;

const QUIET: SignedDuration = SignedDuration::from_millis(200);
const LONG: SignedDuration = SignedDuration::from_secs(20);

#[tokio::test]
async fn a_queue_that_is_deleted_and_declared_again_at_once_is_consumed_again() {
    let url = std::env::var("BELFRY_TEST_RABBITMQ").expect("BELFRY_TEST_RABBITMQ is not set: run the tests by scripts/test");
    let settings = Settings { prefix: format!("at-once-{}", std::process::id()), ..Settings::default() };
    let topology = Arc::new(Topology::new(&settings));
    let broker = crate::RabbitMq::connect(&url, settings).unwrap();
    let stranger = Link::start(parse_url(&url).unwrap(), "testing", Arc::clone(&topology));
    let queue = QueueName::default();
    let link = Arc::clone(&broker.consuming);
    let mut consumer = RabbitConsumer::start_renewing(link, Arc::clone(&topology), vec![queue.clone()], Duration::from_secs(1));
    // Subscribed, and nothing came.
    assert_eq!(consumer.receive(1, QUIET).await, Ok(vec![]));

    let channel = stranger.session().await.unwrap().channel().await.unwrap();
    let delete = channel.queue_delete(topology.queue(&queue), QueueDeleteOptions::default());
    let (deleted, declared) = tokio::join!(delete, topology.declare_over(&channel, &queue));
    assert_eq!((deleted.map(|_| ()).is_ok(), declared), (true, Ok(())));

    let run_id = "01938a5e-7c00-7000-8000-000000000001".parse().unwrap();
    let message = belfry_core::ports::Message { run_id, body: "{}".to_owned() };
    broker.publish(&queue, vec![message]).await.unwrap();
    let received = async {
        loop {
            // The end of the subscription may be told, as an error.
            if let Ok(delivered) = consumer.receive(1, LONG).await {
                return delivered;
            }
        }
    };
    let delivered = received.await;
    assert_eq!(delivered.iter().map(|delivered| delivered.run_id).collect::<Vec<_>>(), [run_id]);
}
