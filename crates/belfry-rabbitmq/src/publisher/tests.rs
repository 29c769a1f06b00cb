use super::*;
use crate::settings::{QueueType, parse_url};

const BATCH: usize = 500;
const ROUNDS: usize = 10;

fn message(number: usize) -> Message {
    let run_id = format!("01938a5e-7c00-7000-8000-{number:012x}").parse().unwrap();
    Message { run_id, body: "{}".to_owned() }
}

/// Every `one_in`-th message of a pipelined batch has a routing key that nothing is bound by.
async fn assert_exactly_the_unroutable_are_returned(prefix: &str, queue_type: QueueType, one_in: usize) {
    let url = std::env::var("BELFRY_TEST_RABBITMQ").expect("BELFRY_TEST_RABBITMQ is not set: run the tests by scripts/test");
    let prefix = format!("{prefix}-{}", std::process::id());
    let settings = Arc::new(Settings { prefix, queue_type, ..Settings::default() });
    let topology = Arc::new(Topology::new(&settings));
    let link = Link::start(parse_url(&url).unwrap(), "testing", Arc::clone(&topology));
    let publisher = Publisher::new(link, topology, settings);
    let session = publisher.link.session().await.unwrap();
    let queue = QueueName::default();
    session.declare(&publisher.topology, &queue).await.unwrap();
    let (bound, unbound) = (publisher.topology.routing_key(&queue), ShortString::from("bound-to-nothing"));
    for round in 0..ROUNDS {
        let messages: Vec<Arc<Message>> = (0..BATCH).map(|number| Arc::new(message(round * BATCH + number))).collect();
        let unroutable = |number: usize| number.is_multiple_of(one_in);
        let keys = (0..BATCH).map(|number| if unroutable(number) { unbound.clone() } else { bound.clone() });
        let batch = publisher.pipeline(&session, keys.zip(messages.iter().cloned()).collect()).await.unwrap();
        let expected: HashSet<RunId> = (0..BATCH).filter(|number| unroutable(*number)).map(|number| messages[number].run_id).collect();
        assert_eq!(batch.returned.keys().copied().collect::<HashSet<_>>(), expected);
        assert!(batch.rejected.is_empty());
        assert!(batch.returned.values().all(|reason| reason.contains("NO_ROUTE")), "{:?}", batch.returned);
    }
}

#[tokio::test]
async fn of_a_batch_to_a_quorum_queue_exactly_the_unroutable_third_is_returned() {
    assert_exactly_the_unroutable_are_returned("quorum-third", QueueType::Quorum, 3).await;
}

#[tokio::test]
async fn of_a_batch_to_a_quorum_queue_exactly_the_unroutable_tenth_is_returned() {
    assert_exactly_the_unroutable_are_returned("quorum-tenth", QueueType::Quorum, 10).await;
}

#[tokio::test]
async fn of_a_batch_to_a_classic_queue_exactly_the_unroutable_third_is_returned() {
    assert_exactly_the_unroutable_are_returned("classic-third", QueueType::Classic, 3).await;
}

#[tokio::test]
async fn of_a_batch_to_a_classic_queue_exactly_the_unroutable_tenth_is_returned() {
    assert_exactly_the_unroutable_are_returned("classic-tenth", QueueType::Classic, 10).await;
}
