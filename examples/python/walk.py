#!/usr/bin/env python3
"""The README's walk, from nothing to a scheduled run, through a client that is generated from openapi.json:

    pip install -r walk-requirements.txt
    openapi-python-client generate --path ../../openapi.json --config walk-client.yaml --meta none --output-path belfry_client
    BELFRY_URL=http://127.0.0.1:7420 BELFRY_API_KEY=belfry_… python3 walk.py
"""

import os
import time
from typing import TypeVar

from belfry_client import AuthenticatedClient
from belfry_client.api.runs import get_run, list_workflow_runs
from belfry_client.api.schedules import get_workflow_schedule, list_schedule_outcomes, pause_schedule, preview_schedule, resume_schedule
from belfry_client.api.workflows import create_workflow, delete_workflow, get_workflow, list_workflows, run_workflow
from belfry_client.models import PreviewRequest, Problem, Run, RunStart, WorkflowWrite
from belfry_client.types import Unset

Answer = TypeVar("Answer")

ENDED = {"succeeded", "failed", "cancelled", "worker_lost", "delivered", "unclaimed"}


def ok(answer: Answer | Problem | None) -> Answer:
    """What a call answered, or an error with the problem's own words."""
    if answer is None or isinstance(answer, Problem):
        raise RuntimeError(answer.detail if answer else "there was no answer that the document knows")
    return answer


def main() -> None:
    client = AuthenticatedClient(os.environ.get("BELFRY_URL", "http://127.0.0.1:7420"), os.environ["BELFRY_API_KEY"])

    asked = {"cron": "30 2 * * *", "timezone": "Europe/Berlin", "after": "2026-03-28T00:00:00Z", "count": 3}
    preview = ok(preview_schedule.sync(client=client, body=PreviewRequest.from_dict(asked)))
    print("previewed", *preview.times)

    definition = {
        "nodes": [
            {"id": "start", "type": "trigger", "parameters": {"schedule": {"every": "1s"}}},
            {"id": "greet", "type": "log",
             "parameters": {"message": "hello {{ input.who | default('world') }} from run {{ run.id }}"}},
        ],
        "edges": [{"from": "start", "to": "greet"}],
    }
    body = WorkflowWrite.from_dict({"name": "hello-python", "definition": definition})
    workflow = ok(create_workflow.sync(client=client, body=body))
    print("created", workflow.name, "revision", workflow.revision)

    schedule = ok(get_workflow_schedule.sync(workflow.id, client=client))
    print("schedule", schedule.description, len(schedule.next_times), "next times")

    started = ok(run_workflow.sync(workflow.id, client=client, body=RunStart.from_dict({"input": {"who": "you"}})))
    run = started
    while run.state not in ENDED:
        time.sleep(0.2)
        run = ok(get_run.sync(started.id, client=client))
    print("run", run.kind, run.state, *([] if isinstance(run.nodes, Unset) else [node.log.strip() for node in run.nodes]))
    assert run.state == "succeeded", run.error

    scheduled: list[Run] = []
    while not scheduled:
        time.sleep(0.2)
        runs = ok(list_workflow_runs.sync(workflow.id, client=client, limit=3, state="succeeded"))
        scheduled = [one for one in runs.items if one.kind == "scheduled"]
    print("fired", scheduled[0].lateness_ms, "ms after its time")

    paused = ok(pause_schedule.sync(schedule.id, client=client))
    time.sleep(2.5)
    resumed = ok(resume_schedule.sync(schedule.id, client=client))
    print("paused", not paused.is_active, "resumed", resumed.is_active)

    outcomes = ok(list_schedule_outcomes.sync(schedule.id, client=client))
    print("did not fire:", *[outcome.reason for outcome in outcomes.items])
    assert any(outcome.reason == "paused" for outcome in outcomes.items)

    deleted = delete_workflow.sync_detailed(workflow.id, client=client)
    assert deleted.status_code == 204, deleted.content
    assert not ok(list_workflows.sync(client=client, name=workflow.name)).items
    gone = get_workflow.sync(workflow.id, client=client)
    assert isinstance(gone, Problem), gone
    print("deleted", gone.type_)


if __name__ == "__main__":
    main()
