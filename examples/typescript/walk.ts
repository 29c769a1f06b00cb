// The README's walk, from nothing to a scheduled run, through a client that is generated from openapi.json:
//
//   cp ../../openapi.json . && npm ci && npm run generate && npm run build
//   BELFRY_URL=http://127.0.0.1:7420 BELFRY_API_KEY=belfry_… npm run walk
//
// What is misspelt or missing here does not compile: paths, parameters, bodies and answers are those of the document.

import { setTimeout as sleep } from "node:timers/promises";
import createClient from "openapi-fetch";
import type { components, paths } from "./belfry.js";

type Run = components["schemas"]["Run"];

const client = createClient<paths>({
  baseUrl: process.env["BELFRY_URL"] ?? "http://127.0.0.1:7420",
  headers: { Authorization: `Bearer ${process.env["BELFRY_API_KEY"] ?? ""}` },
});

const ENDED = ["succeeded", "failed", "cancelled", "worker_lost", "delivered", "unclaimed"];

// What a call answered, or an error with the problem's own words.
function ok<T>(answer: { data?: T; error?: unknown; response: Response }): T {
  if (!answer.response.ok) {
    throw new Error(`${answer.response.status} ${answer.response.url}: ${JSON.stringify(answer.error)}`);
  }
  return answer.data as T;
}

async function ended(id: string): Promise<Run> {
  for (let tries = 0; tries < 300; tries++) {
    const run = ok(await client.GET("/runs/{id}", { params: { path: { id } } }));
    if (ENDED.includes(run.state)) {
      return run;
    }
    await sleep(200);
  }
  throw new Error(`${id} does not end`);
}

const preview = ok(
  await client.POST("/schedules/preview", {
    body: { cron: "30 2 * * *", timezone: "Europe/Berlin", after: "2026-03-28T00:00:00Z", count: 3 },
  }),
);
console.log("previewed", preview.times.join(" "));

const workflow = ok(
  await client.POST("/workflows", {
    body: {
      name: "hello-typescript",
      definition: {
        nodes: [
          { id: "start", type: "trigger", parameters: { schedule: { every: "1s" } } },
          { id: "greet", type: "log", parameters: { message: "hello {{ input.who | default('world') }} from run {{ run.id }}" } },
        ],
        edges: [{ from: "start", to: "greet" }],
      },
    },
  }),
);
const path = { id: workflow.id };
console.log("created", workflow.name, "revision", workflow.revision);

const schedule = ok(await client.GET("/workflows/{id}/schedule", { params: { path } }));
console.log("schedule", schedule.description, schedule.next_times.length, "next times");

const started = ok(await client.POST("/workflows/{id}/run", { params: { path }, body: { input: { who: "you" } } }));
const run = await ended(started.id);
console.log("run", run.kind, run.state, run.nodes?.map((node) => node.log.trim()).join("; "));
if (run.state !== "succeeded") {
  throw new Error(`the run ended as ${run.state}`);
}

let scheduled: Run | undefined;
while (scheduled === undefined) {
  await sleep(200);
  const runs = ok(await client.GET("/workflows/{id}/runs", { params: { path, query: { limit: 3, state: "succeeded" } } }));
  scheduled = runs.items.find((one) => one.kind === "scheduled");
}
console.log("fired", scheduled.lateness_ms, "ms after its time");

const paused = ok(await client.POST("/schedules/{id}/pause", { params: { path: { id: schedule.id } } }));
await sleep(2500);
const resumed = ok(await client.POST("/schedules/{id}/resume", { params: { path: { id: schedule.id } } }));
console.log("paused", !paused.is_active, "resumed", resumed.is_active);

const outcomes = ok(await client.GET("/schedules/{id}/outcomes", { params: { path: { id: schedule.id } } }));
console.log("did not fire:", outcomes.items.map((outcome) => outcome.reason).join(", "));
if (!outcomes.items.some((outcome) => outcome.reason === "paused")) {
  throw new Error("the pause left nothing out");
}

ok(await client.DELETE("/workflows/{id}", { params: { path } }));
const left = ok(await client.GET("/workflows", { params: { query: { name: workflow.name } } }));
const gone = await client.GET("/workflows/{id}", { params: { path } });
console.log("deleted", left.items.length === 0, gone.error?.type);
if (left.items.length > 0 || gone.response.status !== 404) {
  throw new Error("it is still there");
}
