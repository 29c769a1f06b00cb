"""Runs an example of examples/python, which kills itself (SIGKILL) at one step: `killed.py EXAMPLE STEP MOMENT ARGUMENT…`.

STEP is `work`, `ack`, or the last word of a path of the API; MOMENT is `before` or `after` it: what the step answers is then lost.
Heartbeats come every second.
"""

import os
import pathlib
import signal
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parents[4] / "examples" / "python"))
name, step, moment = sys.argv[1:4]
sys.argv = [name] + sys.argv[4:]
example = __import__(name)
example.HEARTBEAT_EVERY = 1


def dies(at, do):
    """`do`, but it is the end of this process when it is the step that was named."""

    def done(*arguments, **named):
        if (step, moment) == (at(*arguments), "before"):
            os.kill(os.getpid(), signal.SIGKILL)
        answer = do(*arguments, **named)
        if (step, moment) == (at(*arguments), "after"):
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    return done


example.work = dies(lambda *_: "work", example.work)
if hasattr(example, "Api"):
    example.Api.post = dies(lambda _api, path, *_: path.rpartition("/")[2], example.Api.post)
if hasattr(example, "pika"):
    from pika.adapters.blocking_connection import BlockingChannel

    BlockingChannel.basic_ack = dies(lambda *_: "ack", BlockingChannel.basic_ack)
example.main()
