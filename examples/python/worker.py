#!/usr/bin/env python3
"""Executes Belfry's runs of one queue, one at a time, by asking the API for them (delivery: tracked).

Put your own work into work(). Needs Python 3.9 or later and nothing else: no broker, no package.

The order matters, and it is always the same: claim a run, work while a heartbeat keeps the claim, end the run.
docs/workers.md says why.

When the claim is lost the work must stop, for another worker may already do it. A thread cannot be stopped from outside,
but a process can: this one then ends itself with exit code 75. Let something start it again (systemd, Kubernetes, a loop).
"""

import argparse
import http.client
import json
import logging
import os
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

HEARTBEAT_EVERY = 15  # seconds
GIVE_UP_AFTER = 45  # seconds since the last heartbeat that succeeded was sent; the claim itself lasts 60
ANSWER_LIMIT = 5  # seconds for one answer of the API
WAIT = 20  # seconds that the API may hold a claim back until there is a run; well within GIVE_UP_AFTER
FINISH_TRIES = 60
DRAIN = 30  # seconds that work may take to stop when this process is asked to
PAUSE = 5  # seconds before the API is tried again
LIMIT = 96 * 1024  # characters of output, and of log: more than the API keeps, less than it takes
# The problems that say how things are. Any other, such as a key that is refused or a proxy's 404, says nothing about the run.
FINAL = {"run-not-claimable", "run-handed-off", "claim-stale", "not-found"}

log = logging.getLogger("worker")
stopping = threading.Event()  # set by SIGTERM and SIGINT


class Stopped(Exception):
    """Raised by work() when it stopped early because it was asked to."""


def work(run, stop, report):
    """Yours. Returning means success, and what is returned, any JSON, is the run's output; an exception means failure, and
    its text is the run's error. People see report.progress with the next heartbeat, and what was logged with the end.

    It happens at least once: a worker that dies after the effect and before complete() leaves a run that another one
    executes again. Give run["id"] to whatever you call as its idempotency key. run["attempt"] counts from 1.

    When stop.is_set(), somebody cancelled the run or this process is to end: raise Stopped soon.
    """
    log.info("run %s of %s, attempt %s, for %s", run["id"], run["workflow_name"], run["attempt"], run["nominal_time"])
    seconds = run["input"].get("seconds", 1)  # the example's work is to wait
    report.log(f"waiting {seconds} s")
    for waited in range(seconds):
        report.progress = f"{waited} of {seconds} s"
        if stop.wait(timeout=1):
            raise Stopped
    return {"waited": seconds}


class Report:
    """What work() tells people about its run."""

    def __init__(self):
        self.progress = None  # one line; the API keeps 500 characters
        self.lines = []

    def log(self, line):
        self.lines.append(line + "\n")


def sendable(output):
    """As it is, or the beginning of its JSON when it is so long that the API cuts it in any case."""
    text = json.dumps(output, allow_nan=False)
    return output if len(text) <= LIMIT else text[:LIMIT]


class Unreachable(Exception):
    """The API gave no answer that says what is so. Nothing may be concluded from it."""


class Api:
    def __init__(self, url, key):
        self.url, self.key = url.rstrip("/"), key

    def post(self, path, body, wait=0):
        """Answers the problem's name, None when there is none, and the JSON, None when there is none either."""
        headers = {"Content-Type": "application/json"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), headers)
        try:
            try:
                with urllib.request.urlopen(request, timeout=wait + ANSWER_LIMIT) as response:
                    return None, json.loads(response.read() or b"null")
            except urllib.error.HTTPError as error:
                problem = json.loads(error.read())
                name = problem["type"].rpartition("/")[2]
                if name in FINAL:
                    return name, problem
        except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError) as error:
            raise Unreachable(f"{path}: {error}") from error
        raise Unreachable(f"{path}: {problem.get('detail')}")


class Claim:
    """A claimed run: kept by a thread that sends heartbeats, until end()."""

    def __init__(self, api, answer, first_sent):
        self.api, self.run, self.epoch = api, answer["run"], answer["epoch"]
        self.path = f"/runs/{self.run['id']}"
        self.report = Report()
        self.stop = threading.Event()  # tells work() to stop
        self.cancelled = False
        self.worked = threading.Event()  # work() has come to an end
        # Counted from the sending: when the answer came says nothing about when the server began to count.
        self.dead_from = first_sent + GIVE_UP_AFTER
        threading.Thread(target=self.keep, args=(first_sent,), daemon=True).start()
        threading.Thread(target=self.guard, daemon=True).start()

    def keep(self, sent):
        """Sends heartbeats. Whatever happens to this thread, guard() watches the clock."""
        pause = HEARTBEAT_EVERY
        while not self.worked.wait(timeout=max(0, sent + pause - now())):
            sent, pause = now(), HEARTBEAT_EVERY
            body = {"epoch": self.epoch}
            if self.report.progress is not None:
                body["progress"] = self.report.progress
            try:
                problem, answer = self.api.post(f"{self.path}/heartbeat", body)
            except Unreachable as error:
                log.warning("the heartbeat failed and is tried again: %s", error)
                pause = 1
                continue
            if problem and not self.worked.is_set():
                give_up(f"the claim on {self.path} is lost: {answer.get('detail')}")
            elif not problem:
                self.dead_from = sent + GIVE_UP_AFTER
                if answer["cancel_requested"]:
                    self.cancelled = True
                    self.stop.set()

    def guard(self):
        """Ends this process when the claim may have run out. Touches no network, so nothing can hold it up."""
        asked_at = None
        while not self.worked.wait(timeout=0.2):
            if now() >= self.dead_from:
                give_up(f"no heartbeat on {self.path} succeeded for {GIVE_UP_AFTER} s")
            if stopping.is_set():
                asked_at = asked_at or now()
                self.stop.set()
                if now() > asked_at + DRAIN:
                    give_up(f"the work on {self.path} does not stop")

    def execute(self):
        """Works and ends the run."""
        verb, body = "complete", {"epoch": self.epoch}
        try:
            body["output"] = sendable(work(self.run, self.stop, self.report))
        except Stopped:
            # By a cancel it ends; by the end of this process it goes back, for another worker to do.
            verb, body = ("fail", body | {"cancelled": True}) if self.cancelled else ("release", body)
        except BaseException as error:  # pylint: disable=broad-except
            # Whatever it was, sys.exit() too: a run that is not ended counts as lost and is executed again.
            log.exception("run %s failed", self.run["id"])
            verb, body = "fail", body | {"error": f"{type(error).__name__}: {error}"}
        finally:
            self.worked.set()
        if verb != "release":
            body["log"] = "".join(self.report.lines)[:LIMIT]
        self.end(verb, body)

    def end(self, verb, body):
        """The same again gets the same answer, so it is sent until there is one."""
        for _ in range(FINISH_TRIES):
            try:
                problem, answer = self.api.post(f"{self.path}/{verb}", body)
                log.info("%s %s: %s", self.path, verb, answer.get("detail") if problem else (answer or {}).get("state", "done"))
                return
            except Unreachable as error:
                log.warning("tried again: %s", error)
                time.sleep(PAUSE)
        log.error("%s could not be ended; another worker will execute it again", self.path)


def now():
    """Seconds that never step. On Linux also those of a suspended machine, in which a claim runs out too."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def give_up(reason):
    log.error("%s; ending this process, so that two workers never do the same work", reason)
    logging.shutdown()
    os._exit(75)  # not sys.exit(), which would wait for work()


def next_run(api, queue, name):
    """A Claim, or None when this process is to end. Asks for one run and no second one while it is worked on."""
    token, first_sent = str(uuid.uuid4()), now()
    while not stopping.is_set():
        try:
            body = {"token": token, "worker": name, "wait": f"{WAIT}s"}
            problem, answer = api.post(f"/queues/{urllib.parse.quote(queue, safe='')}/claim", body, WAIT)
            if problem:
                raise Unreachable(f"{queue}: {answer.get('detail')}")
            if answer:
                return Claim(api, answer, first_sent)
            stopping.wait(timeout=max(0, first_sent + 1 - now()))  # an API that ends answers at once that there is none
        except Unreachable as error:
            log.warning("asked again in %s s: %s", PAUSE, error)
            stopping.wait(timeout=PAUSE)
            # The same token again: if only the answer was lost, this gets that answer again. But not for so long that the
            # claim would have run out meanwhile.
            if now() + WAIT < first_sent + GIVE_UP_AFTER:
                continue
        token, first_sent = str(uuid.uuid4()), now()
    return None


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queue", required=True, help="the workflow's `queue`")
    parser.add_argument("--url", default=os.environ.get("BELFRY_URL", "http://127.0.0.1:7420"),
                        help="the API's address; else BELFRY_URL (%(default)s)")
    parser.add_argument("--name", default=f"{socket.gethostname()}:{os.getpid()}", help="shown with the runs (%(default)s)")
    parser.epilog = "The API key is read from BELFRY_API_KEY: a flag would show it to everyone on this machine."
    return parser.parse_args()


def main():
    options = arguments()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    api = Api(options.url, os.environ.get("BELFRY_API_KEY"))
    log.info("asking %s for runs of %s", options.url, options.queue)
    while claimed := next_run(api, options.queue, options.name):
        claimed.execute()


if __name__ == "__main__":
    main()
