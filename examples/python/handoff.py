#!/usr/bin/env python3
"""Executes Belfry's messages of one queue, one at a time, and reports nothing (delivery: handoff).

Put your own work into work(). Needs pika (pip install pika) and nothing else.

The broker alone sees to it that nothing is lost: a message is acknowledged when its work is done. Belfry has no part in it:
for Belfry the run ended as `delivered`, and how the work ended is yours to record.
"""

import argparse
import json
import logging
import os
import signal
import sys
import threading
import time

import pika
import pika.exceptions

PAUSE = 5  # seconds before the broker is tried again

log = logging.getLogger("handoff")
stopping = threading.Event()  # set by SIGTERM and SIGINT


def work(data):
    """Yours. Returning means done; an exception sends the message to the dead letters.

    It happens at least once: the same run id may come twice. An `input` of more than 64 KiB is not in the message; GET
    /runs/{run_id} of the API has it.
    """
    log.info("run %s of %s for %s", data["run_id"], data["workflow_name"], data["nominal_time"])
    time.sleep(data.get("input", {}).get("seconds", 1))  # the example's work is to wait


def handle(channel, method, body):
    """Works in a second thread, while this one answers the broker's heartbeats."""
    outcome = []

    def run():
        try:
            work(json.loads(body)["data"])
            outcome.append("done")
        except Exception:  # pylint: disable=broad-except
            log.exception("the message goes to the dead letters: %.200r", body)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            channel.connection.process_data_events(time_limit=0.2)
            thread.join(timeout=0.05)
    finally:
        # If the connection breaks, the message comes again; not beside its own first work, as far as this process goes.
        thread.join()
    if outcome:
        channel.basic_ack(method.delivery_tag)
    else:
        channel.basic_reject(method.delivery_tag, requeue=False)


def consume(channel, queue):
    # One that waits in here is safe: a handoff is never sent again by Belfry, and the broker sends it to another consumer
    # when this one dies.
    channel.basic_qos(prefetch_count=1)
    for method, _, body in channel.consume(queue, inactivity_timeout=1):
        if method:
            handle(channel, method, body)
        if stopping.is_set():
            break
    channel.cancel()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queue", required=True, help="the workflow's `queue`")
    parser.add_argument("--prefix", default="belfry", help="what the names of queues begin with (%(default)s)")
    parser.add_argument("--broker", default=os.environ.get("BELFRY_BROKER_URL", "amqp://localhost"), metavar="URL",
                        help="amqp://user:password@host:port/vhost, or amqps://…; else BELFRY_BROKER_URL")
    return parser.parse_args()


def main():
    options = arguments()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("pika").setLevel(logging.CRITICAL)  # what it says is in the exceptions
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    queue = f"{options.prefix}.{options.queue}"
    while not stopping.is_set():
        try:
            with pika.BlockingConnection(pika.URLParameters(options.broker)) as connection:
                log.info("consuming from %s", queue)
                consume(connection.channel(), queue)
        except (pika.exceptions.AMQPError, OSError) as error:
            # Also when the queue is not there yet: Belfry declares it with the first message.
            log.warning("the broker: %r; trying again in %s s", error, PAUSE)
            stopping.wait(timeout=PAUSE)


if __name__ == "__main__":
    main()
