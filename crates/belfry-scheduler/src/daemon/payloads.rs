//! Schedules as they were read, kept by revision so that one that fires often is read once. A hint only.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use belfry_core::ids::ScheduleId;
use belfry_core::ports::{DueKey, DueSchedule};

/// Within a budget of bytes, the oldest going first.
pub struct Payloads {
    known: HashMap<ScheduleId, Entry>,
    /// Every entry, in the order of reading; a schedule read again is there twice, and its older place is passed over.
    order: VecDeque<(ScheduleId, u64)>,
    bytes: usize,
    budget: usize,
    reads: u64,
}

struct Entry {
    due: Arc<DueSchedule>,
    bytes: usize,
    read: u64,
}

impl Payloads {
    pub fn new(budget: usize) -> Payloads {
        Payloads { known: HashMap::new(), order: VecDeque::new(), bytes: 0, budget, reads: 0 }
    }

    /// What is known of `key`'s schedule at its revision.
    pub fn get(&self, key: &DueKey) -> Option<Arc<DueSchedule>> {
        let entry = self.known.get(&key.id)?;
        (entry.due.schedule.revision == key.revision).then(|| Arc::clone(&entry.due))
    }

    pub fn insert(&mut self, due: Arc<DueSchedule>) {
        let (id, bytes) = (due.schedule.id, size_of_payload(&due));
        self.forget(id);
        self.reads += 1;
        self.order.push_back((id, self.reads));
        self.bytes += bytes;
        self.known.insert(id, Entry { due, bytes, read: self.reads });
        if self.order.len() > 2 * self.known.len() + 64 {
            let known = &self.known;
            self.order.retain(|(id, read)| known.get(id).is_some_and(|entry| entry.read == *read));
        }
        while self.bytes > self.budget {
            let Some((oldest, read)) = self.order.pop_front() else { break };
            if self.known.get(&oldest).is_some_and(|entry| entry.read == read) {
                self.forget(oldest);
            }
        }
    }

    pub fn forget(&mut self, id: ScheduleId) {
        if let Some(entry) = self.known.remove(&id) {
            self.bytes -= entry.bytes;
        }
    }
}

/// A rough size: what the text of its values takes, and the structs around them.
fn size_of_payload(due: &DueSchedule) -> usize {
    const STRUCTS: usize = 1_000;
    let content = &due.schedule.content;
    STRUCTS + serde_size(&content.input) + content.specs.len() * 200 + content.calendars.bytes()
}

fn serde_size(value: &serde_json::Value) -> usize {
    match value {
        serde_json::Value::String(text) => text.len() + 32,
        serde_json::Value::Array(items) => 32 + items.iter().map(serde_size).sum::<usize>(),
        serde_json::Value::Object(fields) => 32 + fields.iter().map(|(name, value)| name.len() + 64 + serde_size(value)).sum::<usize>(),
        _ => 32,
    }
}
