//! The process, from its start to the death of its whole group.

use std::io;
use std::path::Path;
use std::process::ExitStatus;

use belfry_core::ports::Clock;
use belfry_core::run::MAX_OUTPUT_BYTES;
use futures_util::future::{FusedFuture, FutureExt};
use jiff::SignedDuration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin};

use super::group::Group;
use super::invocation::Invocation;
use crate::lease::{Wish, Wishes};
use crate::timing::{sleep_for, within};

/// How long a group that was asked to end has for it. Well within what is left of a claim when its work is given up, and
/// nothing for what lost its claim: that is killed at once.
const GRACE: SignedDuration = SignedDuration::from_secs(5);
/// How long the output is read on once the group is dead: what left the group may hold it open for ever.
const LINGER: SignedDuration = SignedDuration::from_secs(1);
/// A longer line of the log is broken.
const MAX_LINE_BYTES: usize = 8 * 1024;
const PIECE_BYTES: usize = 16 * 1024;

/// What is looked out for while it runs.
pub(super) struct Watch<'a> {
    pub clock: &'a dyn Clock,
    pub wishes: &'a Wishes,
    pub limit: SignedDuration,
}

pub(super) enum End {
    NotBegun { reason: String, hopeless: bool },
    Exited { status: ExitStatus, stdout: Captured },
    TimedOut { stdout: Captured },
    Cut(Wish),
}

/// The beginning of what was written.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Captured {
    pub kept: Vec<u8>,
    /// What was written in all.
    pub bytes: u64,
}

/// Runs it to its end. When this is dropped before, the group is killed.
pub(super) async fn run(invocation: Invocation, watch: &Watch<'_>, log: impl Fn(&str)) -> End {
    let started = Group::begin().and_then(|group| group.spawn(invocation.command()).map(|child| (group, child)));
    let (group, mut child) = match started {
        Ok(started) => started,
        Err(error) => return not_begun(&invocation, &error),
    };
    let mut stdout = Captured::default();
    let streams = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let cause = {
        let talking = async {
            tokio::join!(feed(streams.0, &invocation.stdin), capture(streams.1, &mut stdout), lines(streams.2, &log));
        };
        let mut talking = std::pin::pin!(talking.fuse());
        let cause = watch.until_cause(&mut child, talking.as_mut()).await;
        if !matches!(cause, Cause::Exited(_)) {
            group.terminate();
            let quiet = async { tokio::join!(child.wait(), finished(talking.as_mut())) };
            within(watch.clock, GRACE, quiet).await;
        }
        drop(group);
        if within(watch.clock, LINGER, finished(talking)).await.is_none() {
            log("what the command left behind outside of its process group holds its output open; the rest was not read");
        }
        cause
    };
    match cause {
        Cause::Exited(Ok(status)) => End::Exited { status, stdout },
        Cause::Exited(Err(error)) => End::NotBegun { reason: format!("its end could not be learnt: {error}"), hopeless: false },
        Cause::TimedOut => End::TimedOut { stdout },
        Cause::Wished(wish) => End::Cut(wish),
    }
}

enum Cause {
    Exited(io::Result<ExitStatus>),
    TimedOut,
    Wished(Wish),
}

impl Watch<'_> {
    /// `talking` comes last: a process that writes without end must not keep the others from being looked at.
    async fn until_cause(&self, child: &mut Child, mut talking: impl FusedFuture<Output = ()> + Unpin) -> Cause {
        let mut limit = std::pin::pin!(sleep_for(self.clock, self.limit));
        let mut wished = std::pin::pin!(self.wishes.reach(Wish::GiveBack));
        loop {
            tokio::select! {
                biased;
                wish = &mut wished => return Cause::Wished(wish),
                () = &mut limit => return Cause::TimedOut,
                status = child.wait() => return Cause::Exited(status),
                () = &mut talking, if !talking.is_terminated() => (),
            }
        }
    }
}

async fn finished(talking: impl FusedFuture<Output = ()>) {
    if !talking.is_terminated() {
        talking.await;
    }
}

/// Who does not read its input, or not all of it, does so on purpose.
async fn feed(stdin: Option<ChildStdin>, input: &[u8]) {
    if let Some(mut stdin) = stdin {
        drop(stdin.write_all(input).await);
    }
}

/// Reads on when enough was kept: a writer must not be held up by a full pipe.
async fn capture(stream: Option<impl AsyncRead + Unpin>, captured: &mut Captured) {
    pieces(stream, |piece| {
        captured.bytes += piece.len() as u64;
        let room = MAX_OUTPUT_BYTES - captured.kept.len();
        captured.kept.extend_from_slice(&piece[..piece.len().min(room)]);
    })
    .await;
}

async fn lines(stream: Option<impl AsyncRead + Unpin>, log: impl Fn(&str)) {
    let mut line = Vec::new();
    let tell = |line: &mut Vec<u8>| {
        log(String::from_utf8_lossy(line).trim_end_matches('\r'));
        line.clear();
    };
    pieces(stream, |piece| {
        for byte in piece {
            match byte {
                b'\n' => tell(&mut line),
                _ if line.len() == MAX_LINE_BYTES => {
                    tell(&mut line);
                    line.push(*byte);
                }
                _ => line.push(*byte),
            }
        }
    })
    .await;
    if !line.is_empty() {
        tell(&mut line);
    }
}

/// A stream that breaks is one that has ended.
async fn pieces(stream: Option<impl AsyncRead + Unpin>, mut take: impl FnMut(&[u8])) {
    let Some(mut stream) = stream else { return };
    let mut buffer = vec![0; PIECE_BYTES];
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        take(&buffer[..length]);
    }
}

/// What will be so the next time too is hopeless; that the host has no room for a process is not.
fn not_begun(invocation: &Invocation, error: &io::Error) -> End {
    let Invocation { program, cwd, .. } = invocation;
    if !Path::new(cwd).is_dir() {
        return End::NotBegun { reason: format!("there is no folder `{cwd}` on the worker's host"), hopeless: true };
    }
    let (reason, hopeless) = match error.kind() {
        io::ErrorKind::NotFound if program.contains('/') => (format!("there is no program `{program}` on the worker's host"), true),
        io::ErrorKind::NotFound => (format!("there is no program `{program}` in PATH, which is `{}`", invocation.path()), true),
        io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput | io::ErrorKind::ArgumentListTooLong => {
            (format!("`{program}` could not be run: {error}"), true)
        }
        _ => (format!("`{program}` could not be run: {error}"), false),
    };
    End::NotBegun { reason, hopeless }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn of_what_is_written_no_more_is_held_in_memory_than_is_kept() {
        let mut captured = Captured::default();
        let written = vec![b'x'; 3 * MAX_OUTPUT_BYTES + 1];
        capture(Some(&written[..]), &mut captured).await;
        assert_eq!((captured.kept.len(), captured.bytes), (MAX_OUTPUT_BYTES, written.len() as u64));
    }
}
