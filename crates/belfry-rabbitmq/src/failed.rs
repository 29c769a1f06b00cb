//! Time limits, and what a failure is called: nothing here waits for the broker without one.

use std::future::Future;
use std::time::Duration;

use lapin::ErrorKind;
use lapin::protocol::AMQPSoftError;

use belfry_core::ports::QueueError;

/// How long the broker may take to answer one question.
pub(crate) const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// `doing` says what was tried, as read in "failed to …".
pub(crate) async fn within<T>(limit: Duration, doing: &str, answer: impl Future<Output = lapin::Result<T>>) -> Result<T, QueueError> {
    match tokio::time::timeout(limit, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(failed(doing, &error)),
        Err(_) => Err(QueueError::Unavailable(format!("failed to {doing}: the broker did not answer within {limit:?}"))),
    }
}

pub(crate) async fn answered<T>(doing: &str, answer: impl Future<Output = lapin::Result<T>>) -> Result<T, QueueError> {
    within(ANSWER_LIMIT, doing, answer).await
}

pub(crate) fn failed(doing: &str, error: &lapin::Error) -> QueueError {
    QueueError::Unavailable(format!("failed to {doing}: {error}"))
}

pub(crate) fn is_not_found(error: &lapin::Error) -> bool {
    matches!(error.kind(), ErrorKind::ProtocolError(error) if error.get_id() == AMQPSoftError::NOTFOUND.get_id())
}
