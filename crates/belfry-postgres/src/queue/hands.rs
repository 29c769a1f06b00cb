//! What one consumer holds.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use belfry_core::ids::RunId;
use belfry_core::ports::Delivered;
use belfry_core::workflow::QueueName;
use tokio::sync;

/// One taking of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    pub queue: QueueName,
    pub message: i64,
    pub delivery: i64,
}

pub struct Taken {
    pub held: Held,
    pub run_id: RunId,
}

pub struct Hands {
    /// Held while messages are taken, so that two calls do not take more than was asked for.
    turn: sync::Mutex<()>,
    content: Mutex<Content>,
}

#[derive(Default)]
struct Content {
    is_closed: bool,
    /// By the tag of the delivery: of each, so that a late acknowledgement of an earlier one changes nothing.
    held: HashMap<u64, Held>,
    /// Held, and not handed out yet: taken for a call that was dropped before its answer.
    waiting: VecDeque<Delivered>,
    tags: u64,
}

impl Hands {
    pub fn new() -> Hands {
        Hands { turn: sync::Mutex::default(), content: Mutex::default() }
    }

    pub async fn turn(&self) -> sync::MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// How many were taken and not handed out.
    pub fn waiting(&self) -> usize {
        self.content().waiting.len()
    }

    /// Answers those that nobody is there for.
    pub fn keep(&self, taken: Vec<Taken>) -> Vec<Held> {
        let mut content = self.content();
        if content.is_closed {
            return taken.into_iter().map(|taken| taken.held).collect();
        }
        for Taken { held, run_id } in taken {
            content.tags += 1;
            let (tag, queue) = (content.tags, held.queue.clone());
            content.held.insert(tag, held);
            content.waiting.push_back(Delivered { run_id, queue, tag });
        }
        Vec::new()
    }

    pub fn hand_out(&self, slots: usize) -> Vec<Delivered> {
        let waiting = &mut self.content().waiting;
        waiting.drain(..slots.min(waiting.len())).collect()
    }

    pub fn held(&self, tag: u64) -> Option<Held> {
        self.content().held.get(&tag).cloned()
    }

    pub fn let_go(&self, tag: u64) {
        self.content().held.remove(&tag);
    }

    /// Nothing is kept from now on; answers all that is held.
    pub fn close(&self) -> Vec<Held> {
        let mut content = self.content();
        content.is_closed = true;
        content.waiting.clear();
        content.held.drain().map(|(_, held)| held).collect()
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
