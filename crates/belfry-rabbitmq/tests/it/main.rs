//! The queue on RabbitMQ against its contract, and what only a broker does: it stops, blocks, and is changed by others.

#[expect(clippy::unwrap_used, reason = "it serves tests")]
mod broker;
mod consuming;
mod outages;
#[expect(clippy::unwrap_used, reason = "it serves tests")]
mod proxy;
mod publishing;
mod suite;
mod topology;
