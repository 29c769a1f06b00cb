//! That the whole group dies. Each member holds a FIFO open for writing: its reader meets the end when the last of them is
//! dead, however long that takes.
//!
//! Where a family must be waited out, time is virtual: it passes while a test waits for the store, and stands still while
//! [`Fifo::line`] and [`Fifo::end`] wait, since those block a thread; so nothing runs out before the processes have begun.
//! Where a family shall have its time to end, time is real.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Command;

use super::*;

struct Fifo(Option<BufReader<File>>);

impl Fifo {
    fn make(path: &Path) {
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    }

    /// Waits until somebody writes.
    async fn open(path: PathBuf) -> Fifo {
        Fifo(Some(blocking(move || BufReader::new(File::open(path).unwrap())).await))
    }

    async fn line(&mut self) -> String {
        let mut reader = self.0.take().unwrap();
        let (reader, line) = blocking(move || {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            (reader, line)
        })
        .await;
        self.0 = Some(reader);
        line.trim_end().to_owned()
    }

    /// What is written until no writer lives.
    async fn end(mut self) -> String {
        let mut reader = self.0.take().unwrap();
        blocking(move || std::io::read_to_string(&mut reader).unwrap()).await
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

/// A family of three, one of them in the background, that ignores whoever asks it to end.
const STUBBORN: &str = "trap '' TERM HUP INT; exec 9> alive; (sh -c 'sleep 1000; :') & sh -c 'echo ready >&9; sleep 1000; :'; wait";

/// A family that says goodbye when it is asked to end.
const POLITE: &str = "exec 9> alive; trap 'echo bye >&9; echo bye >&2; exit 0' TERM; echo ready >&9; sleep 1000 & wait";

struct Scene {
    bench: Bench,
    home: Home,
    id: RunId,
    worker: Started,
    fifo: Fifo,
}

impl Scene {
    /// When the family is complete.
    async fn of(text: &str, timeout: &str, settings: impl FnOnce(&mut WorkerSettings)) -> Scene {
        let (bench, home) = (Bench::new(), Home::new());
        Fifo::make(&home.path("alive"));
        let mut node = shell(text);
        node["timeout"] = json!(timeout);
        let id = bench.queued(1, json!({ "nodes": [node] }));
        let mut chosen = home.settings();
        settings(&mut chosen);
        let worker = bench.start_with(chosen);
        let mut fifo = Fifo::open(home.path("alive")).await;
        assert_eq!(fifo.line().await, "ready");
        Scene { bench, home, id, worker, fifo }
    }

    /// What the family says when the run is cancelled, to the death of the last of them.
    async fn cancelled(self) -> String {
        belfry_core::ports::RunStore::cancel(&*self.bench.store, self.id).await.unwrap();
        let run = self.bench.store.ended(self.id).await;
        let said = self.fifo.end().await;
        assert_eq!((run.state, node(&run, "c").error.as_deref()), (RunState::Cancelled, Some("the run was cancelled")));
        assert!(node(&run, "c").log.starts_with(&said));
        self.worker.stop().await;
        said
    }

    /// The same when the worker is stopped.
    async fn given_back(self) -> String {
        self.worker.stop().await;
        let run = self.bench.store.row(self.id);
        assert_eq!((run.state, node(&run, "c").state), (RunState::Pending, NodeState::Running));
        self.fifo.end().await
    }
}

#[tokio::test(start_paused = true)]
async fn at_its_time_limit_all_of_its_family_is_killed_also_what_ignores_being_asked() {
    let scene = Scene::of(STUBBORN, "PT1H", |_| ()).await;
    let run = scene.bench.store.ended(scene.id).await;
    assert_eq!(run.error.as_deref(), Some("node `c` failed: it took longer than its time limit of 1h and was killed"));
    assert_eq!(scene.fifo.end().await, "");
    scene.worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_cancel_kills_all_of_its_family() {
    let scene = Scene::of(STUBBORN, "PT1H", |_| ()).await;
    assert_eq!(scene.cancelled().await, "");
}

#[tokio::test]
async fn who_is_asked_to_end_by_a_cancel_has_time_to_say_goodbye() {
    let scene = Scene::of(POLITE, "PT1H", |settings| settings.heartbeat_interval = SignedDuration::from_millis(20)).await;
    assert_eq!(scene.cancelled().await, "bye\n");
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_is_lost_kills_its_family_at_once_and_writes_nothing_more() {
    let scene = Scene::of(POLITE, "PT1H", |_| ()).await;
    scene.bench.store.reap(scene.id);
    scene.bench.store.until_called("heartbeat").await;
    assert_eq!(scene.fifo.end().await, "", "it was asked, though another worker may run the same by now");
    assert_eq!(scene.bench.store.calls(), ["claim", "record c running", "heartbeat"]);
    scene.worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn work_without_a_heartbeat_is_killed_before_its_claim_runs_out() {
    let scene = Scene::of(STUBBORN, "PT1H", |_| ()).await;
    scene.bench.store.fail("heartbeat", vec![crate::fake::Fault::Unavailable; 100]);
    while scene.worker.metrics.in_progress.get() > 0 {
        scene.bench.pass(seconds(1)).await;
    }
    assert!((45..=46).contains(&scene.bench.clock.since_start().as_secs()), "{:?}", scene.bench.clock.since_start());
    assert_eq!(scene.fifo.end().await, "");
    scene.worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_stops_kills_what_has_not_ended_and_gives_the_run_back() {
    let scene = Scene::of(STUBBORN, "PT1H", |settings| settings.drain_limit = seconds(0)).await;
    assert_eq!(scene.given_back().await, "");
}

#[tokio::test]
async fn who_is_asked_to_end_by_a_worker_that_stops_has_time_to_say_goodbye() {
    let scene = Scene::of(POLITE, "PT1H", |settings| settings.drain_limit = seconds(0)).await;
    assert_eq!(scene.given_back().await, "bye\n");
}

#[tokio::test(start_paused = true)]
async fn a_worker_whose_task_dies_takes_the_family_with_it() {
    let scene = Scene::of(STUBBORN, "PT1H", |_| ()).await;
    scene.worker.kill().await;
    assert_eq!(scene.fifo.end().await, "");
}

#[tokio::test]
async fn what_it_leaves_in_the_background_dies_with_it_and_holds_nothing_up() {
    let leaving = "exec 9> alive; sh -c 'echo ready >&9; sleep 1000; :' & until [ -e go ]; do sleep 0.05; done; echo done";
    let scene = Scene::of(leaving, "PT1H", |_| ()).await;
    std::fs::write(scene.home.path("go"), "").unwrap();
    let run = scene.bench.store.ended(scene.id).await;
    assert_eq!((run.state, &node(&run, "c").output["stdout"]), (RunState::Succeeded, &json!("done")));
    assert_eq!(scene.fifo.end().await, "");
    scene.worker.stop().await;
}

#[tokio::test]
async fn what_left_its_group_lives_on_and_does_not_hold_the_node_up_though_it_holds_its_output() {
    let leaving = "exec 9> alive; echo ready >&9; exec 9>&-; setsid sh -c 'echo $$ > daemon; exec 9< let-go' & \
                   until [ -s daemon ]; do sleep 0.05; done; echo done";
    let (bench, home) = (Bench::new(), Home::new());
    for name in ["alive", "let-go"] {
        Fifo::make(&home.path(name));
    }
    let id = bench.queued(1, json!({ "nodes": [shell(leaving)] }));
    let worker = bench.start_with(home.settings());
    assert_eq!(Fifo::open(home.path("alive")).await.line().await, "ready");
    let run = bench.store.ended(id).await;
    assert_eq!((run.state, &node(&run, "c").output["stdout"]), (RunState::Succeeded, &json!("done")));
    assert!(node(&run, "c").log.contains("outside of its process group holds its output open"), "{}", node(&run, "c").log);
    // It waits in the opening of this FIFO, and lets go when somebody opens the other end; nobody would, were it dead.
    let path = home.path("let-go");
    drop(blocking(move || File::options().write(true).open(path)).await.unwrap());
    worker.stop().await;
}
