use belfry_core::ports::Conflict;
use serde_json::{Value, json};

use super::*;
use crate::fixture::{Fixture, invalid, said};

/// Germany, what the company gives off besides, and one day on which it works all the same.
async fn worked_example(fixture: &Fixture) {
    let germany = json!({"holidays": [
        {"on": "01-01", "label": "Neujahr"}, {"on": "easter-2", "label": "Karfreitag"}, {"on": "easter+1", "label": "Ostermontag"},
        {"on": "05-01", "label": "Tag der Arbeit"}, {"on": "easter+39", "label": "Christi Himmelfahrt"},
        {"on": "easter+50", "label": "Pfingstmontag"}, {"on": "10-03", "label": "Tag der Deutschen Einheit"},
        {"on": "12-25", "label": "1. Weihnachtstag"}, {"on": "12-26", "label": "2. Weihnachtstag"},
    ]});
    let company = json!({"holidays": [{"on": "12-24", "label": "Heiligabend"}, {"on": "12-31", "label": "Silvester"}]});
    let plant = json!({"union": ["DE", "company"], "except": [{"on": "2026-12-31", "label": "Inventur"}], "workdays": ["2026-12-19"]});
    for (name, calendar) in [("DE", germany), ("company", company), ("plant", plant)] {
        let (_, created) = fixture.calendars.put(name, None, &calendar).await.unwrap();
        assert_eq!(created, Created(true));
    }
}

async fn times(fixture: &Fixture, mut body: Value, after: &str, count: usize) -> Vec<String> {
    body["timezone"] = json!("Europe/Berlin");
    body["after"] = json!(after);
    body["count"] = json!(count);
    fixture.schedules.preview(&body).await.unwrap().times_local
}

#[tokio::test]
async fn previews_go_by_the_calendars_that_stand() {
    let fixture = Fixture::new();
    worked_example(&fixture).await;
    let last = |calendar: &str| json!({"calendar": {"business_day": -1, "business_calendar": calendar, "at": "18:00"}});
    let december = "2026-12-01T00:00:00Z";
    assert_eq!(times(&fixture, last("DE"), december, 1).await, ["2026-12-31T18:00:00+01:00"]);
    assert_eq!(times(&fixture, last("company"), december, 1).await, ["2026-12-30T18:00:00+01:00"]);
    assert_eq!(times(&fixture, last("plant"), december, 1).await, ["2026-12-31T18:00:00+01:00"], "except wins");
    let second = json!({"calendar": {"business_day": 2, "months": ["JAN"], "business_calendar": "plant", "at": "09:00"}});
    assert_eq!(times(&fixture, second, december, 1).await, ["2027-01-05T09:00:00+01:00"]);
    let moved =
        |way: &str| json!({"calendar": {"days": [25], "months": ["DEC"], "business_calendar": "plant", "on_holiday": way, "at": "09:00"}});
    assert_eq!(times(&fixture, moved("previous"), december, 1).await, ["2026-12-23T09:00:00+01:00"]);
    assert_eq!(times(&fixture, moved("next"), december, 1).await, ["2026-12-28T09:00:00+01:00"]);
    let daily = json!({"cron": "0 9 * * *", "exclude": [{"holidays": "DE"}]});
    let around_christmas = times(&fixture, daily, "2026-12-24T00:00:00Z", 2).await;
    assert_eq!(around_christmas, ["2026-12-24T09:00:00+01:00", "2026-12-27T09:00:00+01:00"], "weekends are no holidays");
    let mut details = moved("next");
    details["details"] = json!(true);
    details["count"] = json!(1);
    let touched = fixture.schedules.preview(&details).await.unwrap().details.unwrap();
    assert_eq!(serde_json::to_value(touched).unwrap()[0]["touched"], "holiday");
}

#[tokio::test]
async fn a_schedule_shows_the_revisions_that_it_is_planned_by_and_follows_them() {
    let fixture = Fixture::new();
    worked_example(&fixture).await;
    let workflow = fixture.workflow().await.id;
    let body = json!({"cron": "0 9 * * *", "exclude": [{"holidays": "plant"}], "timezone": "Europe/Berlin"});
    let (made, _) = fixture.schedules.put(workflow, None, &body).await.unwrap();
    let shown = |schedule: &crate::triggers::ScheduleResponse| serde_json::to_value(schedule).unwrap()["calendars"].clone();
    assert_eq!(shown(&made), json!({"DE": 1, "company": 1, "plant": 1}));
    assert_eq!(made.next_times_local[0], "2026-11-26T09:00:00+01:00");

    let change = json!({"holidays": [{"on": "2026-11-26", "label": "Betriebsausflug"}]});
    let changed = fixture.calendars.patch("company", None, &change).await.unwrap();
    assert_eq!((changed.revision, changed.planned_anew), (2, Some(1)));
    let after = fixture.schedules.get(workflow).await.unwrap();
    assert_eq!((after.revision, shown(&after)), (2, json!({"DE": 1, "company": 2, "plant": 1})));
    assert_eq!(after.next_times_local[0], "2026-11-27T09:00:00+01:00");
    let kept = fixture.revisions().get(after.id, 2, None).await.unwrap();
    let changes = serde_json::to_value(&kept.changes).unwrap();
    assert_eq!(changes, json!([{"pointer": "/calendars/company", "from": 1, "to": 2}]));
    // What it names is as it was: neither a put of the same nor a patch of something else shows a difference.
    let (same, _) = fixture.schedules.put(workflow, None, &body).await.unwrap();
    assert_eq!(same, after);
    let patched = fixture.schedules.patch(workflow, None, &json!({"input": {"a": 1}})).await.unwrap();
    assert_eq!((patched.revision, shown(&patched)), (3, shown(&after)));
    let without = fixture.schedules.patch(workflow, None, &json!({"exclude": null})).await.unwrap();
    assert_eq!(shown(&without), Value::Null);
}

#[tokio::test]
async fn a_trigger_node_names_calendars_too() {
    let fixture = Fixture::new();
    worked_example(&fixture).await;
    let of = |calendar: &str| json!({"calendar": {"business_day": -1, "business_calendar": calendar, "at": "18:00"}});
    let workflow = fixture.triggered(of("plant")).await;
    let schedule = fixture.schedules.get(workflow.id).await.unwrap();
    assert_eq!(schedule.calendars.len(), 3);
    let definition = crate::fixture::triggered(of("plnat"));
    let violations = invalid(fixture.workflows.patch(workflow.id, None, &json!({"definition": definition})).await);
    let pointer = "/definition/nodes/0/parameters/schedule/calendar/business_calendar";
    assert_eq!(said(&violations), [(pointer, "there is no calendar `plnat`")]);
    assert_eq!(violations.0[0].expected, "the name of a calendar, such as `plant`, `DE`, `company`");
}

#[tokio::test]
async fn a_calendar_is_refused_where_it_is_wrong() {
    let fixture = Fixture::new();
    worked_example(&fixture).await;
    let long = "x".repeat(200);
    let large: Vec<Value> = (0..400).map(|day| json!({"on": format!("2026-01-{:02}", day % 31 + 1), "label": long})).collect();
    let cases = [
        ("x", json!({"holidays": ["2026-02-30"]}), "/holidays/0"),
        ("x", json!({"holiday": []}), "/holiday"),
        ("x", json!({"union": ["DE", "compani"]}), "/union/1"),
        ("x", json!({"union": ["x"]}), "/union"),
        ("DE", json!({"union": ["plant"]}), "/union"),
        ("x", json!({"holidays": large}), ""),
        ("x y", json!({}), "/name"),
    ];
    for (name, body, pointer) in cases {
        let violations = invalid(fixture.calendars.put(name, None, &body).await);
        assert_eq!(violations.0[0].pointer, pointer, "{name}: {violations:?}");
    }
    let violations = invalid(fixture.calendars.put("x", None, &json!({"union": ["compani"]})).await);
    assert_eq!(violations.0[0].expected, "the name of a calendar, such as `company`, `plant`, `DE`");
}

/// So many holidays with long names: a hundred are 27 KiB.
fn long_list(days: usize) -> Value {
    let label = "x".repeat(200);
    let entry = |day: usize| json!({"on": format!("2027-{:02}-{:02}", day / 28 + 1, day % 28 + 1), "label": label});
    json!({"holidays": (0..days).map(entry).collect::<Vec<_>>()})
}

#[tokio::test]
async fn what_a_schedule_carries_is_bounded() {
    let fixture = Fixture::new();
    for name in ["one", "two", "three"] {
        fixture.calendars.put(name, None, &long_list(100)).await.unwrap();
    }
    let leaving_out = |names: &[&str]| {
        let exclude: Vec<Value> = names.iter().map(|name| json!({"holidays": name})).collect();
        json!({"cron": "@daily", "exclude": exclude})
    };
    let workflow = fixture.workflow().await.id;
    let violations = invalid(fixture.schedules.put(workflow, None, &leaving_out(&["one", "two", "three"])).await);
    assert_eq!(violations.0[0].pointer, "");
    assert!(violations.0[0].detail.contains("at most 65536 are kept with a schedule"), "{violations:?}");
    let (schedule, _) = fixture.schedules.put(workflow, None, &leaving_out(&["one", "two"])).await.unwrap();
    let refused = fixture.calendars.put("two", None, &long_list(200)).await.unwrap_err();
    let ServiceError::Conflict(Conflict::CalendarUser { id, reason, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!((id, reason.contains("at most 65536")), (schedule.id, true));
    assert_eq!(fixture.calendars.get("two").await.unwrap().revision, 1);
}

#[tokio::test]
async fn preconditions_are_kept_and_lists_are_paged() {
    let fixture = Fixture::new();
    worked_example(&fixture).await;
    let stale = ServiceError::Stale { current: 1 };
    assert_eq!(fixture.calendars.put("DE", Some(7), &json!({"x": 1})).await.unwrap_err(), stale);
    assert_eq!(fixture.calendars.put("DE", Some(0), &json!({})).await.unwrap_err(), stale);
    assert_eq!(fixture.calendars.patch("DE", Some(7), &json!({})).await.unwrap_err(), stale);
    assert_eq!(fixture.calendars.delete("DE", Some(7)).await.unwrap_err(), stale);
    let none = ServiceError::NotFound("calendar");
    assert_eq!(fixture.calendars.put("FR", Some(1), &json!({})).await.unwrap_err(), none);
    assert_eq!(fixture.calendars.get("FR").await.unwrap_err(), none);
    let in_use = fixture.calendars.delete("DE", None).await.unwrap_err();
    assert_eq!(
        in_use,
        ServiceError::Conflict(Conflict::CalendarInUse { calendar: "DE".to_owned(), by: vec!["the calendar `plant`".to_owned()] })
    );
    let page = |cursor: Option<&str>| ListCalendars { limit: Some(2), cursor: cursor.map(str::to_owned), q: None };
    let first = fixture.calendars.list(page(None)).await.unwrap();
    assert_eq!(first.items.iter().map(|item| (item.name.as_str(), item.holidays)).collect::<Vec<_>>(), [("DE", 9), ("company", 2)]);
    let second = fixture.calendars.list(page(first.next_cursor.as_deref())).await.unwrap();
    assert_eq!((second.items.len(), second.next_cursor), (1, None));
    assert_eq!(said(&invalid(fixture.calendars.list(page(Some("x y"))).await)), [("/cursor", "`x y` cannot be read")]);
}

#[tokio::test]
async fn each_day_says_which_calendar_makes_it_what_it_is() {
    let fixture = Fixture::new();
    worked_example(&fixture).await;
    let range = |from: &str, to: &str| ListDays { from: Some(from.to_owned()), to: Some(to.to_owned()) };
    let days = fixture.calendars.days("plant", range("2026-12-18", "2027-01-01")).await.unwrap();
    let told: Vec<_> = days
        .items
        .iter()
        .map(|day| (day.date.to_string(), day.kind, day.label.as_deref().unwrap_or_default(), day.calendar.as_deref().unwrap_or_default()))
        .collect();
    let told: Vec<_> = told.iter().map(|(date, kind, label, calendar)| (date.as_str(), *kind, *label, *calendar)).collect();
    assert_eq!(
        told,
        [
            ("2026-12-19", "workday", "", "plant"),
            ("2026-12-20", "weekend", "", ""),
            ("2026-12-24", "holiday", "Heiligabend", "company"),
            ("2026-12-25", "holiday", "1. Weihnachtstag", "DE"),
            ("2026-12-26", "holiday", "2. Weihnachtstag", "DE"),
            ("2026-12-27", "weekend", "", ""),
            ("2026-12-31", "workday", "Inventur", "plant"),
            ("2027-01-01", "holiday", "Neujahr", "DE"),
        ]
    );
    assert_eq!(days.business_days, 9);
    for (query, pointer) in [
        (ListDays::default(), "/from"),
        (range("2026-12-31", "2026-12-30"), "/to"),
        (range("2026-01-01", "2027-01-02"), "/to"),
        (range("2026-1-1", "2026-01-02"), "/from"),
    ] {
        assert_eq!(invalid(fixture.calendars.days("plant", query.clone()).await).0[0].pointer, pointer, "{query:?}");
    }
    let year = fixture.calendars.days("plant", ListDays { from: Some("2028-01-01".to_owned()), to: None }).await.unwrap();
    assert_eq!(year.to.to_string(), "2028-12-31");
}

const FILE: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\n\
    BEGIN:VEVENT\r\nUID:1\r\nDTSTART;VALUE=DATE:20261225\r\nSUMMARY:Christmas\r\nEND:VEVENT\r\n\
    BEGIN:VEVENT\r\nUID:2\r\nDTSTART:20261224T120000Z\r\nSUMMARY:Half a day\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

#[tokio::test]
async fn an_import_replaces_the_holidays_and_leaves_what_users_added() {
    let fixture = Fixture::new();
    let (made, created) = fixture.calendars.import("UK", None, FILE.as_bytes()).await.unwrap();
    assert_eq!((created, made.left_out_count), (Created(true), 1));
    assert_eq!((made.left_out[0].line, made.left_out[0].label.as_deref()), (9, Some("Half a day")));
    let shown = |calendar: &CalendarResponse| json!([calendar.holidays, calendar.except, calendar.revision]);
    assert_eq!(shown(&made.calendar), json!([[{"on": "2026-12-25", "label": "Christmas"}], [], 1]));
    fixture.calendars.patch("UK", None, &json!({"except": ["2026-12-25"]})).await.unwrap();
    let later = FILE.replace("20261225", "20271225");
    let (again, created) = fixture.calendars.import("UK", Some(2), later.as_bytes()).await.unwrap();
    assert_eq!(created, Created(false));
    assert_eq!(shown(&again.calendar), json!([[{"on": "2027-12-25", "label": "Christmas"}], ["2026-12-25"], 3]));
    let (same, _) = fixture.calendars.import("UK", None, later.as_bytes()).await.unwrap();
    assert_eq!(same.calendar.revision, 3);
    let empty = FILE.replace("DTSTART;VALUE=DATE:20261225", "DTSTART:20261225T000000Z");
    assert_eq!(invalid(fixture.calendars.import("UK", None, empty.as_bytes()).await).0.len(), 1);
    assert_eq!(invalid(fixture.calendars.import("UK", None, b"hello").await).0.len(), 1);
    let stale = fixture.calendars.import("UK", Some(1), FILE.as_bytes()).await.unwrap_err();
    assert_eq!(stale, ServiceError::Stale { current: 3 });
    let none = fixture.calendars.import("FR", Some(1), FILE.as_bytes()).await.unwrap_err();
    assert_eq!(none, ServiceError::NotFound("calendar"));
}
