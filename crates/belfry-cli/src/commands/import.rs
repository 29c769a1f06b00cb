//! `belfry import crontab`: what each line of a crontab becomes, and what cannot be expressed; with `--apply`, made so.

mod crontab;
mod environment;
mod name;
mod report;
mod translation;

use anyhow::anyhow;
use jiff::tz::TimeZone;

use belfry_core::ports::WallClock;
use belfry_core::time::{UnixMillis, Zone};

use self::crontab::Entry;
use self::environment::Environment;
use self::name::Names;
use self::translation::{Planned, Terms, translate};
use super::read_text;
use super::workflow::upsert;
use crate::arguments::{Crontab, Global, ImportVerb, Output};
use crate::client::Client;
use crate::edge::Host;
use crate::failure::Failure;
use crate::progress::StatusLine;

/// A line that says something, and what it becomes.
struct Line {
    number: usize,
    text: String,
    becomes: Becomes,
}

enum Becomes {
    /// With what an apply did: `created`, `updated` or `unchanged`.
    Workflow(Box<Planned>, Option<&'static str>),
    /// What it means for the lines below.
    Variable(String),
    /// Why not.
    Refused(String),
}

pub async fn run(verb: ImportVerb, global: &Global) -> Result<(), Failure> {
    let ImportVerb::Crontab(arguments) = verb;
    let text = read_text(&arguments.file)?;
    let mut lines = plan(&text, &arguments, Host.now())?;
    let applied = if arguments.apply { apply(&Client::new(global)?, &mut lines).await } else { Ok(()) };
    report::show(&lines, &arguments, global.output());
    applied?;
    let refused = lines.iter().filter(|line| matches!(line.becomes, Becomes::Refused(_))).count();
    match refused {
        0 => Ok(()),
        1 => Err(anyhow!("1 line cannot be expressed").into()),
        refused => Err(anyhow!("{refused} lines cannot be expressed").into()),
    }
}

fn plan(text: &str, arguments: &Crontab, now: UnixMillis) -> Result<Vec<Line>, Failure> {
    let mut environment = Environment::new(zone(arguments.timezone.as_deref())?);
    let terms = Terms {
        queue: arguments.queue.clone(),
        user: if arguments.system { Some(user(arguments.user.clone())?) } else { None },
        catch_up: arguments.catch_up.clone(),
    };
    let mut names = Names::default();
    let mut becomes = |entry: Entry| match entry {
        Entry::Variable { name, value } => environment.set(&name, &value).map_or_else(Becomes::Refused, Becomes::Variable),
        Entry::Unreadable(reason) => Becomes::Refused(reason),
        Entry::Job(job) => {
            let name = names.name(&job.command, job.stdin.as_deref());
            let planned = translate(&job, name, &environment, &terms, now);
            planned.map_or_else(Becomes::Refused, |planned| Becomes::Workflow(Box::new(planned), None))
        }
    };
    let lines = crontab::read(text, arguments.system).into_iter();
    Ok(lines.map(|line| Line { number: line.number, text: line.text, becomes: becomes(line.entry) }).collect())
}

/// Cron's own: the host's. A host that names none has UTC.
fn zone(given: Option<&str>) -> Result<String, Failure> {
    let host = TimeZone::system();
    let named = given.or(host.iana_name()).unwrap_or("UTC");
    match (Zone::named(named), given) {
        (Ok(zone), _) => Ok(zone.name().to_owned()),
        (Err(_), None) => Ok("UTC".to_owned()),
        (Err(error), Some(_)) => Err(Failure::WrongUse(format!("--timezone: {error}"))),
    }
}

/// Who types this, where nobody is named.
fn user(given: Option<String>) -> Result<String, Failure> {
    let typing = || ["LOGNAME", "USER"].into_iter().find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()));
    given.or_else(typing).ok_or_else(|| Failure::WrongUse("--system: name the user that the workers run as with --user".to_owned()))
}

/// Each line by itself: what the server refuses of one is said with it, and the others are applied all the same. Without
/// `--queue`, what an earlier import made stays in its queue.
async fn apply(client: &Client, lines: &mut [Line]) -> Result<(), Failure> {
    let mut status = StatusLine::new();
    let count = lines.len();
    for (index, line) in lines.iter_mut().enumerate() {
        status.show(&format!("applying line {} of {count} …", index + 1));
        let Becomes::Workflow(planned, done) = &mut line.becomes else { continue };
        match upsert(client, &planned.workflow, &["queue"]).await {
            Ok((verb, _)) => *done = Some(verb),
            Err(Failure::WrongUse(reason)) => line.becomes = Becomes::Refused(format!("the server refused it: {reason}")),
            Err(failure) => return Err(failure),
        }
    }
    Ok(())
}
