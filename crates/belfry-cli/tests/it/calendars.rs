//! Business calendars in the real program.

use std::fs;

use serde_json::{Value, json};

use crate::server::{Server, eventually};

fn set(server: &Server, name: &str, file: &str, text: &str) -> Value {
    let path = server.folder.path().join(file);
    fs::write(&path, text).unwrap();
    server.json(&["calendar", "set", name, "-f", path.to_str().unwrap()])
}

fn printed(server: &Server, arguments: &[&str]) -> String {
    let output = server.belfry(arguments);
    assert!(output.status.success(), "belfry {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

const FILE: &str = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20271225\r\nSUMMARY:Christmas\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

#[test]
fn calendars_are_set_shown_and_deleted() {
    let server = Server::start();
    let made = set(&server, "plant", "plant.json", &json!({"holidays": ["12-24"], "workdays": ["2027-12-18"]}).to_string());
    assert_eq!((&made["revision"], &made["planned_anew"]), (&json!(1), &json!(0)));
    let imported = set(&server, "UK", "uk.ics", FILE);
    assert_eq!(imported["calendar"]["holidays"], json!([{"on": "2027-12-25", "label": "Christmas"}]));
    // What `get` prints can be set as it is, and changes nothing.
    let got = printed(&server, &["calendar", "get", "plant", "--json"]);
    assert_eq!(set(&server, "plant", "again.json", &got)["revision"], 1);
    set(&server, "plant", "union.json", &json!({"union": ["UK"], "holidays": ["12-24"], "workdays": ["2027-12-18"]}).to_string());
    let listed = printed(&server, &["calendar", "list"]);
    let rows: Vec<Vec<&str>> = listed.lines().skip(1).map(|line| line.split_whitespace().take(4).collect()).collect();
    assert_eq!((rows[0][..3].to_vec(), rows[1].clone()), (vec!["UK", "1", "1"], vec!["plant", "2", "1", "UK"]));
    let days = printed(&server, &["calendar", "days", "plant", "--year", "2027"]);
    let rows: Vec<Vec<&str>> = days.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        rows,
        [
            vec!["2027-12-18", "SAT", "workday", "plant"],
            vec!["2027-12-24", "FRI", "holiday", "plant"],
            vec!["2027-12-25", "SAT", "holiday", "Christmas", "UK"]
        ]
    );
    let refused = server.belfry(&["calendar", "delete", "UK"]);
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("used by the calendar `plant`") && said.contains("type: belfry schedule list --calendar UK"), "{said}");
    printed(&server, &["calendar", "delete", "plant"]);
    printed(&server, &["calendar", "delete", "UK"]);
    assert_eq!(server.belfry(&["calendar", "get", "UK"]).status.code(), Some(3));
    assert_eq!(server.belfry(&["calendar", "get", "../keys"]).status.code(), Some(2));
}

#[test]
fn a_schedule_fires_from_the_moment_its_calendar_opens() {
    let server = Server::start();
    let made = set(&server, "plant", "empty.json", "{}");
    let now: jiff::Timestamp = made["created_at"].as_str().unwrap().parse().unwrap();
    let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    let closed = json!({"holidays": [format!("{}..{}", today.yesterday().unwrap(), today.saturating_add(jiff::Span::new().days(300)))]});
    set(&server, "plant", "closed.json", &closed.to_string());
    let id = server.apply("ticking", json!({"cron": "* * * * * *", "exclude": [{"holidays": "plant"}]}))["id"].as_str().unwrap().to_owned();
    let schedule = || server.json(&["schedule", "get", "ticking"]);
    let before = schedule();
    assert_eq!((&before["workflow_id"], &before["calendars"], &before["run_count"]), (&json!(id), &json!({"plant": 2}), &json!(0)));
    let tomorrow = format!("{}T00:00:00Z", today.tomorrow().unwrap());
    let why = printed(&server, &["why", "ticking", &tomorrow]);
    assert!(why.contains("is a holiday of `plant`"), "{why}");
    let opened = set(&server, "plant", "open.json", "{}");
    assert_eq!((&opened["revision"], &opened["planned_anew"]), (&json!(3), &json!(1)));
    let fired = eventually("the first run", || Some(schedule()).filter(|schedule| schedule["run_count"] != json!(0)));
    assert_eq!((&fired["calendars"], &fired["revision"], &fired["last_error"]), (&json!({"plant": 3}), &json!(2), &Value::Null));
}
