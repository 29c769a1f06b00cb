//! `belfry import crontab`, with lines as they stand on real hosts.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::{complaint, printed};
use crate::server::{Server, belfry};

const LIFE: &str = r#"# /etc/crontab and friends, gathered
SHELL=/bin/sh
PATH=/usr/local/sbin:/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin
MAILTO="root"

# Nightly dump
0 2 * * * pg_dump shop | gzip > /backup/shop-$(date +\%F).sql.gz
*/5 * * * * /usr/local/bin/check-queue
17 * * * * cd / && run-parts --report /etc/cron.hourly
25 6 * * * test -x /usr/sbin/anacron || ( cd / && run-parts --report /etc/cron.daily )
47 6 * * 7 test -x /usr/sbin/anacron || ( cd / && run-parts --report /etc/cron.weekly )
09,39 * * * * [ -x /usr/lib/php/sessionclean ] && if [ ! -d /run/systemd/system ]; then /usr/lib/php/sessionclean; fi
0 */12 * * * test -x /usr/bin/certbot -a \! -d /run/systemd/system && certbot -q renew
@daily /usr/bin/updatedb
@hourly /opt/app/bin/console app:sync >/dev/null 2>&1
@weekly fstrim -a
@yearly /usr/local/bin/new-year
0 9-17 * * MON-FRI /usr/local/bin/poll --quick
30 4 1,15 * 5 /usr/local/bin/both-days
0 22 * * 1-5 mail -s "It's 10pm" joe%Joe,%%Where are your kids?%
5 4 * * sun echo "run at 5 after 4 every Sunday"
0 0 */2 * 1 /usr/local/bin/even-mondays
10/15 * * * * /usr/local/bin/open-step
15 14 28-31 jan-mar * $HOME/bin/monthly
* * * * * cd /var/www/shop && php artisan schedule:run >> /dev/null 2>&1
CRON_TZ=America/New_York
30 9 * * 1-5 /usr/local/bin/market-open
"#;

fn import(folder: &std::path::Path, crontab: &str, arguments: &[&str]) -> (Option<i32>, Vec<Value>) {
    let file: PathBuf = folder.join("crontab");
    fs::write(&file, crontab).unwrap();
    let mut command = belfry(folder);
    let output = command.args(["import", "crontab", file.to_str().unwrap(), "--json"]).args(arguments).env("TZ", "UTC").output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", complaint(&output)));
    (output.status.code(), document["lines"].as_array().unwrap().clone())
}

fn line(lines: &[Value], number: u64) -> &Value {
    lines.iter().find(|line| line["line"] == number).unwrap()
}

fn node(line: &Value) -> &Value {
    &line["workflow"]["definition"]["nodes"][1]
}

#[test]
fn lines_of_real_life_become_workflows() {
    let folder = tempfile::tempdir().unwrap();
    let (code, lines) = import(folder.path(), LIFE, &["--timezone", "Europe/Berlin"]);
    assert_eq!(code, Some(0), "{lines:#?}");
    let jobs: Vec<&Value> = lines.iter().filter(|line| line["kind"] == "workflow").collect();
    // Each: number, how its name begins, its sentence.
    let expected: [(u64, &str, &str); 20] = [
        (7, "pg_dump-", "at 02:00 every day (Europe/Berlin)"),
        (8, "check-queue-", "every 5 minutes (Europe/Berlin)"),
        (9, "run-parts-", "every hour at minute 17 (Europe/Berlin)"),
        (10, "run-parts-", "at 06:25 every day (Europe/Berlin)"),
        (11, "run-parts-", "at 06:47 on Sunday (Europe/Berlin)"),
        (12, "sessionclean-", ""),
        (13, "certbot-", ""),
        (14, "updatedb-", "at 00:00 every day (Europe/Berlin)"),
        (15, "console-", ""),
        (16, "fstrim-", "at 00:00 on Sunday (Europe/Berlin)"),
        (17, "new-year-", ""),
        (18, "poll-", ""),
        (19, "both-days-", ""),
        (20, "mail-", "at 22:00, Monday to Friday (Europe/Berlin)"),
        (21, "echo-", "at 04:05 on Sunday (Europe/Berlin)"),
        (22, "even-mondays-", ""),
        (23, "open-step-", ""),
        (24, "monthly-", ""),
        (25, "artisan-", "every minute (Europe/Berlin)"),
        (27, "market-open-", "at 09:30, Monday to Friday (America/New_York)"),
    ];
    assert_eq!(jobs.len(), expected.len());
    for (job, (number, name, sentence)) in jobs.iter().zip(expected) {
        assert_eq!(job["line"], number);
        assert!(job["name"].as_str().unwrap().starts_with(name), "{job:#}");
        assert!(sentence.is_empty() || job["description"] == sentence, "{job:#}");
        assert!(job["next_run_at"].is_string(), "{job:#}");
        assert_eq!((&node(job)["type"], &node(job)["timeout"]), (&json!("command"), &json!("PT24H")));
        assert!(node(job)["parameters"]["env"]["PATH"].as_str().unwrap().contains("/usr/local/sbin"));
        assert_eq!(job["workflow"]["definition"]["nodes"][0]["parameters"]["schedule"]["catch_up"], "none");
    }
    let mut names: Vec<&Value> = jobs.iter().map(|job| &job["name"]).collect();
    names.dedup();
    assert_eq!(names.len(), jobs.len());
    assert_eq!(node(jobs[0])["parameters"]["shell"], "pg_dump shop | gzip > /backup/shop-$(date +%F).sql.gz");
    assert!(jobs[0]["workflow"]["description"].as_str().unwrap().starts_with("Nightly dump\n"));
    assert_eq!(node(line(&lines, 20))["parameters"]["stdin"], "{% raw %}Joe,\n\nWhere are your kids?\n{% endraw %}");
    let notes = |number| line(&lines, number)["notes"].to_string();
    assert!(notes(19).contains("either"), "{}", notes(19));
    assert!(notes(20).contains("standard input"), "{}", notes(20));
    assert!(notes(22).contains("must match both"), "{}", notes(22));
    assert!(notes(23).contains("`10/15`"), "{}", notes(23));
    assert!(line(&lines, 4)["meaning"].as_str().unwrap().contains("not carried over"));
}

#[test]
fn what_cannot_be_expressed_is_named_with_its_line_and_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let crontab = "@reboot /usr/bin/agent\n61 * * * * a\n0~30 2 * * * b\n0 22-6 * * * c\n@every 5m d\nH 3 * * * e\n0 0 30 2 * f\n5 4 * * *\n\
                   BELFRY_RUN_ID=1\nTZ=Mars/Olympus\n0 1 * * * g\n";
    let (code, lines) = import(folder.path(), crontab, &[]);
    assert_eq!(code, Some(1));
    let reasons = [
        (1, "service unit"),
        (2, "out of range"),
        (3, "jitter"),
        (4, "22-23,0-6"),
        (5, "every"),
        (6, "`H`"),
        (7, "never fire"),
        (8, "five fields and a command"),
        (9, "another name"),
        (10, "Mars/Olympus"),
        (11, "Mars/Olympus"),
    ];
    assert_eq!(lines.len(), reasons.len());
    for (number, part) in reasons {
        let line = line(&lines, number);
        assert_eq!(line["kind"], "refused", "{line:#}");
        assert!(line["reason"].as_str().unwrap().contains(part), "{line:#}");
    }
}

#[test]
fn lines_of_other_users_than_the_workers_cannot_be_expressed() {
    let folder = tempfile::tempdir().unwrap();
    let crontab = "0 1 * * * root /usr/bin/a\n0 2 * * * www-data /usr/bin/b --c\n@daily root\n";
    let (code, lines) = import(folder.path(), crontab, &["--system", "--user", "www-data"]);
    assert_eq!(code, Some(1));
    let kinds: Vec<&str> = lines.iter().map(|line| line["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["refused", "workflow", "refused"]);
    assert!(lines[0]["reason"].as_str().unwrap().contains("--user root"));
    assert_eq!(lines[1]["command"], "/usr/bin/b --c");
    assert!(lines[2]["reason"].as_str().unwrap().contains("--system"));
}

#[test]
fn applied_again_it_updates_what_it_made_and_doubles_nothing() {
    let server = Server::start();
    let folder = server.folder.path();
    let done = |crontab: &str| -> Vec<Value> {
        let (code, lines) = import(folder, crontab, &["--apply", "--queue", "commands"]);
        assert_eq!(code, Some(0), "{lines:#?}");
        lines.iter().map(|line| line["done"].clone()).collect()
    };
    let first = "# a\n0 1 * * * /bin/a\n0 1 * * * /bin/b\n0 2 * * * /bin/b\n";
    assert_eq!(done(first), ["created", "created", "created"]);
    assert_eq!(done(first), ["unchanged", "unchanged", "unchanged"]);
    // Another time and another place in the file: the same workflow.
    assert_eq!(
        done("0 1 * * * /bin/c\n0 3 * * * /bin/b\n0 2 * * * /bin/b\n# a\n0 1 * * * /bin/a\n"),
        ["created", "updated", "unchanged", "unchanged"]
    );
    let listed = server.json(&["workflow", "list", "--tag", "crontab"]);
    let workflows = listed["items"].as_array().unwrap();
    assert_eq!(workflows.len(), 4);
    assert!(workflows.iter().all(|workflow| workflow["queue"] == "commands"));
    // Without `--queue` what stands stays in its queue.
    let (code, lines) = import(folder, "0 4 * * * /bin/b\n0 1 * * * /bin/d\n", &["--apply"]);
    assert_eq!((code, &lines[0]["done"], &lines[1]["done"]), (Some(0), &Value::from("updated"), &Value::from("created")));
    let queue = |line: &Value| server.json(&["workflow", "get", line["name"].as_str().unwrap()])["queue"].clone();
    assert_eq!((queue(&lines[0]), queue(&lines[1])), (Value::from("commands"), Value::from("default")));
    printed(&server, &["workflow", "delete", lines[1]["name"].as_str().unwrap()]);
    assert_eq!(server.json(&["schedule", "list"])["items"].as_array().unwrap().len(), 4);
}

#[test]
fn what_is_imported_runs_as_cron_would_run_it() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("belfry.toml"), "[worker]\ncommands = true\n").unwrap();
    let server = Server::start_on(folder);
    let home = server.folder.path().to_str().unwrap();
    let crontab = format!(
        "HOME={home}\nGREETING={{{{ input }}}} $x\nSHELL=/bin/bash\n\
         @yearly echo \"$PWD|$GREETING|${{BASH_VERSION:+bash}}|{{{{ x }}}}|$(date +\\%Y | wc -c)\" > out; cat >> out%one%two\n"
    );
    let (code, lines) = import(server.folder.path(), &crontab, &["--apply"]);
    assert_eq!(code, Some(0), "{lines:#?}");
    let name = lines[3]["name"].as_str().unwrap();
    printed(&server, &["workflow", "run", name, "--watch"]);
    let out = fs::read_to_string(server.folder.path().join("out")).unwrap();
    assert_eq!(out, format!("{home}|{{{{ input }}}} $x|bash|{{{{ x }}}}|5\none\ntwo\n"));
}

#[test]
fn a_dry_run_is_for_people_and_reads_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("crontab");
    fs::write(&file, "0 2 * * * /usr/bin/backup\n@reboot /usr/bin/agent\n").unwrap();
    let mut command = belfry(folder.path());
    let output = command.args(["import", "crontab", "-"]).env("TZ", "UTC").stdin(fs::File::open(&file).unwrap()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout.clone()).unwrap();
    for seen in [
        "line 1  0 2 * * *",
        "  workflow  backup-",
        "  when      at 02:00 every day (UTC)",
        "02:00:00 UTC",
        "line 2  @reboot",
        "cannot be expressed",
    ] {
        assert!(said.contains(seen), "{seen} was not seen in:\n{said}");
    }
    assert!(complaint(&output).contains("1 line cannot be expressed"), "{}", complaint(&output));
}
