//! What processes of this host use, as far as `/proc` tells.

use std::collections::BTreeMap;
use std::fs;

use rustix::param::clock_ticks_per_second;

use super::daemons::Daemons;

/// In bytes.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    pub now: u64,
    pub peak: u64,
}

impl Memory {
    pub fn of(pid: u32) -> Option<Memory> {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let kib = |field: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(field))?;
            line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()
        };
        Some(Memory { now: kib("VmRSS:")? * 1024, peak: kib("VmHWM:")? * 1024 })
    }

    pub fn max(self, other: Memory) -> Memory {
        Memory { now: self.now.max(other.now), peak: self.peak.max(other.peak) }
    }
}

/// Processor time so far, in seconds, of: the daemons, this process (which drains), PostgreSQL and RabbitMQ. The last two are
/// seen only where they run on this host, all their instances together.
#[derive(Debug, Clone, Default)]
pub struct Usage(pub BTreeMap<&'static str, f64>);

impl Usage {
    pub fn now(daemons: &Daemons) -> Usage {
        let mut usage = Usage::default();
        let ours: Vec<u32> = daemons.pids().collect();
        for process in processes() {
            let name = match process.name.as_str() {
                _ if ours.contains(&process.pid) => "daemons",
                _ if process.pid == std::process::id() => "drain",
                "postgres" => "postgresql",
                "beam.smp" => "rabbitmq",
                _ => continue,
            };
            *usage.0.entry(name).or_default() += process.seconds;
        }
        usage
    }

    /// A process that ended in between takes its time along: never less than nothing.
    pub fn since(&self, before: &Usage) -> Usage {
        let used = |(name, seconds): (&&'static str, &f64)| (*name, (seconds - before.0.get(name).copied().unwrap_or(0.0)).max(0.0));
        Usage(self.0.iter().map(used).collect())
    }
}

struct Process {
    pid: u32,
    name: String,
    seconds: f64,
}

fn processes() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter_map(process).collect()
}

/// `stat` has the name in parentheses, which may itself hold blanks; then fields, of which the 12th to the 15th are the ticks of
/// the process and of its children that ended (proc(5)).
fn process(pid: u32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (before, after) = stat.rsplit_once(") ")?;
    let name = before.split_once('(')?.1.to_owned();
    let fields: Vec<&str> = after.split_ascii_whitespace().collect();
    let ticks: u64 = fields.get(11..15)?.iter().filter_map(|field| field.parse::<u64>().ok()).sum();
    #[expect(clippy::cast_precision_loss, reason = "ticks of a process are far below 2^52")]
    let seconds = ticks as f64 / clock_ticks_per_second() as f64;
    Some(Process { pid, name, seconds })
}
