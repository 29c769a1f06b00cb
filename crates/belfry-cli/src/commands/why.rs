//! `belfry why SCHEDULE TIME`: what became of a planned time, or will, or why there is none.

mod plan;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use belfry_core::calendar::{BusinessCalendar, CalendarVersion};
use belfry_core::ports::WallClock;
use belfry_core::time::{UnixMillis, Zone};
use belfry_workflow::triggers::KnownCalendars;

use self::plan::Plan;
use super::instants::{Direction, instant_in};
use super::listing::{Query, pages};
use super::named::schedule_path;
use crate::arguments::{Global, Output, Why};
use crate::client::Client;
use crate::edge::Host;
use crate::failure::Failure;
use crate::output::{self, line, text};

/// What became of a time.
#[derive(Debug, Serialize)]
struct Answer {
    time: UnixMillis,
    /// The schedule's, in which the sentence tells all times.
    timezone: String,
    /// `fired`; the reason of an outcome (`missed`, `paused`, `deleted`, `failed_to_decide`); `planned`; `undecided`; `not_planned`.
    answer: String,
    /// As a sentence.
    detail: String,
    /// What to type to go on from here.
    #[serde(skip_serializing_if = "Option::is_none")]
    then: Option<String>,
}

pub async fn run(why: Why, global: &Global) -> Result<(), Failure> {
    let client = Client::new(global)?;
    let path = schedule_path(&client, &why.schedule).await?;
    let zone = zone(&client, &path).await?;
    let at = instant_in("TIME", &why.time, Direction::Past, zone.rules())?;
    let at = UnixMillis::parse_exact(&at).map_err(|error| Failure::WrongUse(format!("TIME: {error}")))?;
    let told_in = zone.clone();
    let answer = Question { client: &client, path, named: why.schedule, zone, at }.answer().await?;
    match global.output() {
        Output::Table => {
            line!("{} ({}): {}", shown(at, &told_in), told_in.name(), answer.detail);
            answer.then.iter().for_each(|then| line!("type: {then}"));
        }
        format => output::object(&json!(answer), format),
    }
    Ok(())
}

/// The schedule's; of one that was deleted, that of its last revision. Where neither is kept there are no times to tell.
async fn zone(client: &Client, path: &str) -> Result<Zone, Failure> {
    let named = match client.get(path, &[]).await {
        Err(Failure::NotFound(_)) => {
            let kept = client.get(&format!("{path}/revisions"), &[("limit", "1".to_owned())]).await?;
            text(&kept["items"][0]["schedule"], "timezone")
        }
        found => text(&found?, "timezone"),
    };
    Ok(Zone::named(&named).unwrap_or_else(|_| Zone::utc()))
}

fn shown(at: UnixMillis, zone: &Zone) -> String {
    at.to_timestamp().to_zoned(zone.rules().clone()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

struct Question<'a> {
    client: &'a Client,
    path: String,
    named: String,
    zone: Zone,
    at: UnixMillis,
}

impl Question<'_> {
    /// The rows first: they are what happened, whatever the plan was.
    async fn answer(&self) -> Result<Answer, Failure> {
        if let Some(run) = self.run().await? {
            return Ok(self.fired(&run));
        }
        let Some(kept) = self.revision().await? else {
            return Ok(self.says("not_planned", "it did not fire: the schedule was made later, or what it was is no longer kept", None));
        };
        let plan = Plan::of(&kept, &self.calendars(&kept).await?, self.at)?;
        if !plan.has_it() {
            return Ok(self.says(
                "not_planned",
                plan.why_not(&self.zone),
                Some(format!("belfry schedule diff {} {}", self.named, kept["revision"])),
            ));
        }
        if let Some(outcome) = self.outcome().await? {
            return Ok(self.did_not_fire(&outcome));
        }
        self.no_row(&kept).await
    }

    fn says(&self, answer: &str, detail: impl Into<String>, then: Option<String>) -> Answer {
        Answer { time: self.at, timezone: self.zone.name().to_owned(), answer: answer.to_owned(), detail: detail.into(), then }
    }

    /// Of the schedule, planned for this very time.
    async fn run(&self) -> Result<Option<Value>, Failure> {
        let after = UnixMillis::saturating(self.at.get() + 1);
        let schedule = self.path.trim_start_matches("/schedules/").to_owned();
        let query = [("schedule_id", schedule), ("planned_from", self.at.to_string()), ("planned_before", after.to_string())];
        let mut found = self.client.get("/runs", &query).await?;
        Ok(found["items"].get_mut(0).map(Value::take))
    }

    fn fired(&self, run: &Value) -> Answer {
        let caught_up = if run["reason"] == "catch_up" { ", by catch-up, since it was missed" } else { "" };
        let detail = format!("it fired, {} ms late{caught_up}: its run is {}", run["lateness_ms"], text(run, "state"));
        self.says("fired", detail, Some(format!("belfry run get {}", text(run, "id"))))
    }

    /// What stood when the time came: an edit plans from its own instant on.
    async fn revision(&self) -> Result<Option<Value>, Failure> {
        let stood =
            |kept: &Value| kept["created_at"].as_str().and_then(|at| UnixMillis::parse_exact(at).ok()).is_some_and(|at| at < self.at);
        let path = format!("{}/revisions", self.path);
        let mut pages = pages(self.client, &path, Query::new());
        while let Some(page) = pages.next().await? {
            if let Some(kept) = page.into_iter().find(stood) {
                return Ok(Some(kept));
            }
        }
        Ok(None)
    }

    /// The row that covers the time; they come latest first.
    async fn outcome(&self) -> Result<Option<Value>, Failure> {
        let bound = |outcome: &Value, field: &str| outcome[field].as_str().and_then(|at| UnixMillis::parse_exact(at).ok());
        let path = format!("{}/outcomes", self.path);
        let mut pages = pages(self.client, &path, Query::new());
        while let Some(page) = pages.next().await? {
            for outcome in page {
                match (bound(&outcome, "from"), bound(&outcome, "to")) {
                    (_, Some(to)) if to < self.at => return Ok(None),
                    (Some(from), Some(_)) if from <= self.at => return Ok(Some(outcome)),
                    _ => {}
                }
            }
        }
        Ok(None)
    }

    fn did_not_fire(&self, outcome: &Value) -> Answer {
        let reason = text(outcome, "reason");
        let why = match reason.as_str() {
            "missed" => "it was missed: nothing looked at it within `missed_after`, and `catch_up` did not fire it",
            "paused" => "the schedule was paused",
            "deleted" => "the schedule was deleted before it fired",
            "failed_to_decide" => "the schedule could not be planned",
            _ => "it is recorded so",
        };
        let recorded = UnixMillis::parse_exact(&text(outcome, "recorded_at")).map(|at| shown(at, &self.zone)).unwrap_or_default();
        let detail = format!("it did not fire: {why} (recorded {recorded})");
        let then = (reason == "failed_to_decide").then(|| format!("belfry schedule get {}", self.named));
        self.says(&reason, detail, then)
    }

    /// The calendars that the revision was planned by, as they were then.
    async fn calendars(&self, kept: &Value) -> Result<KnownCalendars, Failure> {
        let mut versions = BTreeMap::new();
        for (name, revision) in kept["calendars"].as_object().into_iter().flatten() {
            let version = revision.as_i64().unwrap_or_default();
            let below = [("cursor", (version + 1).to_string()), ("limit", "1".to_owned())];
            let page = self.client.get(&format!("/calendars/{name}/revisions"), &below).await?;
            let read = BusinessCalendar::parse(&page["items"][0]["calendar"]);
            let calendar = read.map_err(|violations| anyhow::anyhow!("calendar {name} cannot be read by this version: {violations}"))?;
            versions.insert(name.clone(), CalendarVersion { version, calendar });
        }
        Ok(KnownCalendars::at(versions))
    }

    /// Planned, and nothing is recorded of it: it is to come, or waits.
    async fn no_row(&self, kept: &Value) -> Result<Answer, Failure> {
        let schedule = match self.client.get(&self.path, &[]).await {
            Err(Failure::NotFound(_)) => return Ok(self.says("deleted", "it will not fire: the schedule was deleted", None)),
            answered => answered?,
        };
        if schedule["is_active"] == false {
            let detail = "it does not fire: the schedule is paused, and what falls into the pause is recorded when it is resumed";
            return Ok(self.says("paused", detail, Some(format!("belfry schedule resume {}", self.named))));
        }
        if !schedule["last_error"].is_null() && schedule["next_run_at"].is_null() {
            let detail = format!("it does not fire: the schedule failed: {}", text(&schedule, "last_error"));
            return Ok(self.says("failed_to_decide", detail, Some(format!("belfry schedule get {}", self.named))));
        }
        if self.at > Host.now() {
            let jitter = text(&kept["schedule"], "jitter");
            let late = if jitter.is_empty() || jitter == "PT0S" { String::new() } else { format!(", up to {jitter} later") };
            return Ok(self.says("planned", format!("it will fire{late}"), None));
        }
        Ok(self.says("undecided", "it is due, and not decided yet: is a daemon running?", Some("belfry doctor".to_owned())))
    }
}
