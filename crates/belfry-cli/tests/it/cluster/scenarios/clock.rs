//! Hosts whose clocks are wrong.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use jiff::Timestamp;

use super::super::deployment::{Broker, Deployment};
use super::super::load::Load;
use super::steady::shared;
use crate::server::eventually;

/// Shifts the wall clock of a process that is preloaded with it, and nothing else: the boot clock stays.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static long shift(void) { const char *by = getenv("SHIFT_SECONDS"); return by ? atol(by) : 0; }

int clock_gettime(clockid_t id, struct timespec *at) {
    int (*real)(clockid_t, struct timespec *) = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(id, at);
    if (result == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) at->tv_sec += shift();
    return result;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
    int (*real)(struct timeval *, void *) = (int (*)(struct timeval *, void *))dlsym(RTLD_NEXT, "gettimeofday");
    int result = real(at, zone);
    if (result == 0) at->tv_sec += shift();
    return result;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
"#;

/// One daemon's host is an hour ahead, another's an hour behind, a third's is right. Nothing is early, nothing is late.
pub fn wrong_clocks(load: Load, length: Duration) {
    let mut deployment = Deployment::of(Broker::RabbitMq, 1, 2);
    let shim = compile(deployment.folder());
    for shift in [3_600, -3_600] {
        deployment.add_daemon(&[("LD_PRELOAD", &shim), ("SHIFT_SECONDS", &shift.to_string())]);
        is_shifted(&deployment, shift);
    }
    load.make(&deployment, "default");
    deployment.phase("clocks an hour wrong", |deployment| deployment.postgres.wait(length));
    let (ledger, _) = deployment.conclude(&format!("wrong clocks: {load:?} for {length:?}"));
    shared(&deployment);
    assert!(ledger.outcomes.is_empty(), "an occurrence was missed");
}

fn compile(folder: &Path) -> String {
    let (source, library) = (folder.join("shift.c"), folder.join("shift.so"));
    std::fs::write(&source, SHIM).unwrap();
    let compiled = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).args([&library, &source]).arg("-ldl").status().unwrap();
    assert!(compiled.success(), "cc cannot compile the shim");
    library.to_str().unwrap().to_owned()
}

/// The process that was added last logs by a clock that is wrong, or this proves nothing.
fn is_shifted(deployment: &Deployment, shift: i64) {
    let daemon = &deployment.daemons.last().unwrap().process;
    let logged: Timestamp = eventually("a line with its time", || daemon.log().split_whitespace().find_map(|word| word.parse().ok()));
    let off = logged.as_second() - deployment.postgres.now() / 1_000;
    assert!((off - shift).abs() < 60, "the clock of {} is {off} s off, not {shift}", daemon.name);
}
