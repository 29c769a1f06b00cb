#!/usr/bin/env python3
"""Executes Belfry's runs of one queue, one at a time (delivery: tracked).

Put your own work into work(). Needs pika (pip install pika) and nothing else.

The order matters, and it is always the same: receive a message, claim its run, acknowledge the message, work while a
heartbeat keeps the claim, end the run. docs/messages.md says why.

When the claim is lost the work must stop, for another consumer may already do it. A thread cannot be stopped from outside,
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
import urllib.request
import uuid

import pika
import pika.exceptions

HEARTBEAT_EVERY = 15  # seconds
GIVE_UP_AFTER = 45  # seconds since the last heartbeat that succeeded was sent; the claim itself lasts 60
ANSWER_LIMIT = 5  # seconds for one answer of the API
CLAIM_TRIES = 4  # with their answers and pauses well within GIVE_UP_AFTER
FINISH_TRIES = 60
DRAIN = 30  # seconds that work may take to stop when this process is asked to
# The problems that say how things are. Any other, such as a key that is refused or a proxy's 404, says nothing about the run.
FINAL = {"run-not-claimable", "run-handed-off", "claim-stale", "not-found"}
PAUSE = 5  # seconds before the next message when the API cannot be reached

log = logging.getLogger("consumer")
stopping = threading.Event()  # set by SIGTERM and SIGINT


class Stopped(Exception):
    """Raised by work() when it stopped early because it was asked to."""


def work(run, stop):
    """Yours. Returning means success; an exception means failure, and its text is the run's error.

    It happens at least once: a consumer that dies after the effect and before complete() leaves a run that another one
    executes again. Give run["id"] to whatever you call as its idempotency key. run["attempt"] counts from 1.

    When stop.is_set(), somebody cancelled the run or this process is to end: raise Stopped soon.
    """
    log.info("run %s of %s, attempt %s, for %s", run["id"], run["workflow_name"], run["attempt"], run["nominal_time"])
    if stop.wait(timeout=run["input"].get("seconds", 1)):  # the example's work is to wait
        raise Stopped


class Unreachable(Exception):
    """The API gave no answer that says what is so. Nothing may be concluded from it."""


class Api:
    def __init__(self, url, key):
        self.url, self.key = url.rstrip("/"), key

    def post(self, path, body):
        """Answers the problem's name, None when there is none, and the JSON."""
        headers = {"Content-Type": "application/json"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), headers)
        try:
            try:
                with urllib.request.urlopen(request, timeout=ANSWER_LIMIT) as response:
                    return None, json.loads(response.read() or b"{}")
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
            try:
                problem, answer = self.api.post(f"{self.path}/heartbeat", {"epoch": self.epoch})
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
        while not self.worked.wait(timeout=1):
            if now() >= self.dead_from:
                give_up(f"no heartbeat on {self.path} succeeded for {GIVE_UP_AFTER} s")

    def execute(self):
        """Works and ends the run. In a thread of its own, so that the broker's connection can be served meanwhile."""
        verb, body = "complete", {"epoch": self.epoch}
        try:
            work(self.run, self.stop)
        except Stopped:
            # By a cancel it ends; by the end of this process it goes back, for another consumer to do.
            verb, body = ("fail", body | {"cancelled": True}) if self.cancelled else ("release", body)
        except BaseException as error:  # pylint: disable=broad-except
            # Whatever it was, sys.exit() too: a run that is not ended counts as lost and is executed again.
            log.exception("run %s failed", self.run["id"])
            verb, body = "fail", body | {"error": f"{type(error).__name__}: {error}"}
        finally:
            self.worked.set()
        self.end(verb, body)

    def end(self, verb, body):
        """The same again gets the same answer, so it is sent until there is one."""
        for _ in range(FINISH_TRIES):
            try:
                problem, answer = self.api.post(f"{self.path}/{verb}", body)
                log.info("%s %s: %s", self.path, verb, answer.get("detail") if problem else answer.get("state", "done"))
                return
            except Unreachable as error:
                log.warning("tried again: %s", error)
                time.sleep(PAUSE)
        log.error("%s could not be ended; another consumer will execute it again", self.path)


def now():
    """Seconds that never step. On Linux also those of a suspended machine, in which a claim runs out too."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def give_up(reason):
    log.error("%s; ending this process, so that two consumers never do the same work", reason)
    logging.shutdown()
    os._exit(75)  # not sys.exit(), which would wait for work()


def claim(api, run, name):
    """A Claim; or "drop" or "reject", which is what its message is good for. Raises Unreachable."""
    token, first_sent = str(uuid.uuid4()), now()
    for last in [False] * (CLAIM_TRIES - 1) + [True]:
        try:
            # The same token each time: if only the answer was lost, this is that answer again.
            problem, answer = api.post(f"/runs/{run}/claim", {"token": token, "worker": name})
            break
        except Unreachable:
            if last or stopping.wait(timeout=1):
                raise
    if problem is None:
        return Claim(api, answer, first_sent)
    is_handoff = problem == "run-handed-off"  # somebody set this consumer on the wrong queue
    log.log(logging.ERROR if is_handoff else logging.INFO, "run %s is not to be had: %s", run, answer.get("detail"))
    return "reject" if is_handoff else "drop"


def run_id(body):
    """Which run a message is about. Fields that are not known here are no fault: some may be added."""
    event = json.loads(body)
    if event["type"] != "dev.belfry.run.v1":
        raise ValueError(f"unknown type {event['type']!r}")
    return str(uuid.UUID(event["data"]["run_id"]))


def next_message(channel, queue):
    """One message, and no second one while it is worked on; or None when this process is to end.

    A message that waits in here, behind work, is one that no other consumer can get. Belfry would take it for lost, send it
    again, and in the end give its run up as `unclaimed`. So the subscription ends with each message: a prefetch of 1 alone
    does not do, since the next message comes as soon as this one is acknowledged.
    """
    method = body = None
    for method, _, body in channel.consume(queue, inactivity_timeout=1):
        if method or stopping.is_set():
            break
    channel.cancel()
    # One that came while this process is to end goes back to the queue when the connection is closed.
    return (method.delivery_tag, body) if method and not stopping.is_set() else None


def consume(channel, api, queue, name):
    channel.basic_qos(prefetch_count=1)
    while message := next_message(channel, queue):
        tag, body = message
        try:
            claimed = claim(api, run_id(body), name)
        except Unreachable as error:
            # Not acknowledged: to anyone who can reach the API.
            log.warning("the message goes back: %s", error)
            channel.basic_nack(tag, requeue=True)
            stopping.wait(timeout=PAUSE)
            continue
        except (ValueError, LookupError, TypeError, AttributeError):
            log.error("a message that is no run's goes to the dead letters: %.200r", body)
            claimed = "reject"
        if claimed == "reject":
            channel.basic_reject(tag, requeue=False)
            continue
        try:
            # Only now: a message that was acknowledged before its claim would be lost with this process.
            channel.basic_ack(tag)
        finally:
            # Should that fail the message comes again, and whoever gets it is refused.
            if claimed != "drop":
                execute(claimed, channel.connection)


def execute(claimed, connection):
    """Works in a second thread, while this one answers the broker's heartbeats."""
    thread = threading.Thread(target=claimed.execute, daemon=True)
    thread.start()
    broken, asked_at = None, None
    while thread.is_alive():
        try:
            # Nothing is held over the connection now: if it breaks, the work goes on all the same.
            if broken is None:
                connection.process_data_events(time_limit=0.2)
        except pika.exceptions.AMQPError as error:
            broken = error
        thread.join(timeout=0.05 if broken is None else 1)
        if stopping.is_set():
            asked_at = asked_at or now()
            claimed.stop.set()
            if now() > asked_at + DRAIN:
                give_up(f"the work on {claimed.path} does not stop")
    if broken is not None:
        raise broken


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queue", required=True, help="the workflow's `queue`")
    parser.add_argument("--prefix", default="belfry", help="what the names of queues begin with (%(default)s)")
    parser.add_argument("--broker", default=os.environ.get("BELFRY_BROKER_URL", "amqp://localhost"), metavar="URL",
                        help="amqp://user:password@host:port/vhost, or amqps://…; else BELFRY_BROKER_URL")
    parser.add_argument("--url", default=os.environ.get("BELFRY_URL", "http://127.0.0.1:7420"),
                        help="the API's address; else BELFRY_URL (%(default)s)")
    parser.add_argument("--name", default=f"{socket.gethostname()}:{os.getpid()}", help="shown with the runs (%(default)s)")
    parser.epilog = "The API key is read from BELFRY_API_KEY: a flag would show it to everyone on this machine."
    return parser.parse_args()


def main():
    options = arguments()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("pika").setLevel(logging.CRITICAL)  # what it says is in the exceptions
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    api, queue = Api(options.url, os.environ.get("BELFRY_API_KEY")), f"{options.prefix}.{options.queue}"
    while not stopping.is_set():
        try:
            with pika.BlockingConnection(pika.URLParameters(options.broker)) as connection:
                log.info("consuming from %s", queue)
                consume(connection.channel(), api, queue, options.name)
        except (pika.exceptions.AMQPError, OSError) as error:
            # Also when the queue is not there yet: Belfry declares it with the first message.
            log.warning("the broker: %r; trying again in %s s", error, PAUSE)
            stopping.wait(timeout=PAUSE)


if __name__ == "__main__":
    main()
