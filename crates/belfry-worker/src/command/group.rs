//! A process group that is killed whole, whatever becomes of the worker.

use std::io;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, ChildStdin, Command};

/// What the leader does: it waits for the end of its input, which comes when the worker lets go of the group or dies, even
/// by SIGKILL. Then it kills the group and thereby itself. It outlives what asks the others to end.
const LEADER: &str = "trap '' HUP INT QUIT TERM; read -r _; kill -KILL 0";

/// Its leader is a shell that only waits. As long as the leader is not reaped, nobody else's group can get this one's
/// number, so that a late signal never meets strangers.
pub(super) struct Group {
    id: Pid,
    _leader: Child,
    /// Closed by the kernel when this process ends in any way.
    _lifeline: ChildStdin,
}

impl Group {
    pub fn begin() -> io::Result<Group> {
        let mut leader = Command::new("/bin/sh");
        leader.args(["-c", LEADER]).env_clear().current_dir("/");
        leader.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        let mut leader = leader.spawn()?;
        let id = leader.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        match (id, leader.stdin.take()) {
            (Some(id), Some(lifeline)) => Ok(Group { id, _leader: leader, _lifeline: lifeline }),
            // Its input is closed with it, so it ends by itself.
            _ => Err(io::Error::other("the shell that leads the process group ended at once")),
        }
    }

    pub fn spawn(&self, mut command: Command) -> io::Result<Child> {
        command.process_group(self.id.as_raw_pid()).spawn()
    }

    /// Asks all of it to end.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// It fails only when nobody is left.
    fn signal(&self, signal: Signal) {
        let _ = kill_process_group(self.id, signal);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use rustix::process::kill_process;
    use tokio::io::AsyncReadExt;
    use tokio::process::ChildStdout;

    use super::*;

    /// A family that ignores being asked, in `group`; its output ends when the last of them is dead.
    async fn stubborn(group: &Group) -> ChildStdout {
        let mut family = Command::new("/bin/sh");
        family.args(["-c", "trap '' TERM; (echo child; exec sleep 1000) & echo parent; wait"]).stdout(Stdio::piped());
        let mut stdout = group.spawn(family).unwrap().stdout.take().unwrap();
        let mut said = [0; "child\nparent\n".len()];
        stdout.read_exact(&mut said).await.unwrap();
        stdout
    }

    async fn ends(mut stdout: ChildStdout) {
        assert_eq!(stdout.read(&mut [0]).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn a_group_dies_whole_when_the_worker_at_the_other_end_of_its_lifeline_does() {
        let mut group = Group::begin().unwrap();
        let stdout = stubborn(&group).await;
        // As the kernel does for a process that was killed: its end is closed, and it signals nobody.
        let mut other = Group::begin().unwrap();
        std::mem::swap(&mut group._lifeline, &mut other._lifeline);
        drop(other);
        ends(stdout).await;
    }

    #[tokio::test]
    async fn a_group_whose_leader_was_killed_dies_whole_all_the_same() {
        let group = Group::begin().unwrap();
        let stdout = stubborn(&group).await;
        kill_process(group.id, Signal::KILL).unwrap();
        drop(group);
        ends(stdout).await;
    }
}
