//! What an import would do, or did, line by line.

use serde_json::{Value, json};

use super::{Becomes, Crontab, Line, Output, Planned};
use crate::output::{json, line, local_time};

pub fn show(lines: &[Line], arguments: &Crontab, format: Output) {
    match format {
        Output::Json => json(&json!({ "lines": lines.iter().map(document).collect::<Vec<_>>() })),
        Output::Jsonl => lines.iter().for_each(|line| line!("{}", document(line))),
        Output::Table => {
            lines.iter().for_each(tell);
            sum_up(lines, arguments);
        }
    }
}

fn document(line: &Line) -> Value {
    let mut document = json!({ "line": line.number, "text": line.text });
    let more = match &line.becomes {
        Becomes::Workflow(planned, done) => json!({
            "kind": "workflow", "name": planned.name, "description": planned.sentence, "next_run_at": planned.next,
            "command": planned.command, "notes": planned.notes, "done": done, "workflow": planned.workflow
        }),
        Becomes::Variable(meaning) => json!({ "kind": "variable", "meaning": meaning }),
        Becomes::Refused(reason) => json!({ "kind": "refused", "reason": reason }),
    };
    if let (Value::Object(document), Value::Object(more)) = (&mut document, more) {
        document.extend(more);
    }
    document
}

fn tell(line: &Line) {
    line!("line {}  {}", line.number, line.text);
    match &line.becomes {
        Becomes::Workflow(planned, done) => tell_workflow(planned, *done),
        Becomes::Variable(meaning) => line!("  {meaning}"),
        Becomes::Refused(reason) => line!("  \x1b[31mcannot be expressed:\x1b[0m {reason}"),
    }
}

fn tell_workflow(planned: &Planned, done: Option<&str>) {
    let next = planned.next.map_or("never again".to_owned(), |next| local_time(&next.to_string()));
    line!("  workflow  {}{}", planned.name, done.map(|done| format!(" ({done})")).unwrap_or_default());
    line!("  when      {}", planned.sentence);
    line!("  next      {next}");
    line!("  command   {}", planned.command);
    planned.notes.iter().for_each(|note| line!("  note      {note}"));
}

/// What holds for all of them, and what comes next.
fn sum_up(lines: &[Line], arguments: &Crontab) {
    let of = |is: fn(&Becomes) -> bool| lines.iter().filter(|line| is(&line.becomes)).count();
    let workflows = of(|becomes| matches!(becomes, Becomes::Workflow(..)));
    let refused = of(|becomes| matches!(becomes, Becomes::Refused(_)));
    anstream::eprintln!("\nlines that become workflows: {workflows}; that cannot be expressed: {refused}");
    if workflows == 0 {
        return;
    }
    anstream::eprintln!(
        "Other than under cron: a command that ends with another code than 0 is a run that failed, one that takes a day is"
    );
    anstream::eprintln!("ended, and PATH is the worker's where the file sets none. Programs run only on workers with");
    anstream::eprintln!("BELFRY_WORKER_COMMANDS=true (docs/workers.md).");
    if !arguments.apply {
        anstream::eprintln!("Nothing was written. To do it: belfry import crontab {} … --apply", arguments.file.display());
    }
}
