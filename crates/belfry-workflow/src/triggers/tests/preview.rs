use serde_json::{Value, json};

use crate::fixture::{now, said};
use crate::triggers::*;

fn previewed(body: &Value) -> PreviewResponse {
    preview(body, now()).unwrap()
}

#[test]
fn times_are_answered_in_utc_and_in_the_zone() {
    let answer = previewed(&json!({"cron": "0 9 * * MON-FRI", "timezone": "Europe/Berlin", "count": 2}));
    let expected = json!({
        "times": ["2026-11-26T08:00:00Z", "2026-11-27T08:00:00Z"],
        "times_local": ["2026-11-26T09:00:00+01:00", "2026-11-27T09:00:00+01:00"],
        "description": "at 09:00, Monday to Friday (Europe/Berlin)",
        "warnings": []
    });
    assert_eq!(serde_json::to_value(answer).unwrap(), expected);
}

#[test]
fn after_is_exclusive_and_ten_times_are_the_default() {
    let answer = previewed(&json!({"cron": "0 9 * * *", "after": "2026-12-01T10:00:00.0009+01:00"}));
    assert_eq!(answer.times.len(), 10);
    assert_eq!(answer.times[0].to_string(), "2026-12-02T09:00:00Z");
}

#[test]
fn times_up_to_after_are_shown_beside_in_any_zone() {
    let mut body =
        json!({"cron": "0 9 * * *", "after": "2026-12-01T09:00:00Z", "count": 1, "previous": 2, "display_timezone": "Asia/Tokyo"});
    let answer = previewed(&body);
    let previous: Vec<String> = answer.previous_times.unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(previous, ["2026-11-30T09:00:00Z", "2026-12-01T09:00:00Z"]);
    assert_eq!(answer.previous_times_local.unwrap(), ["2026-11-30T18:00:00+09:00", "2026-12-01T18:00:00+09:00"]);
    assert_eq!(answer.times_local, ["2026-12-02T18:00:00+09:00"]);
    body["start_at"] = json!("2026-12-01T00:00:00Z");
    assert_eq!(previewed(&body).previous_times.unwrap().len(), 1);
    let refused = preview(&json!({"cron": "@daily", "previous": 1001, "display_timezone": 3}), now()).unwrap_err();
    assert_eq!(said(&refused), [("/previous", "it is out of range"), ("/display_timezone", "it is no text")]);
}

#[test]
fn an_interval_without_start_counts_from_after() {
    let answer = previewed(&json!({"every": "1.5s", "after": "2026-12-01T00:00:00Z", "count": 2}));
    assert_eq!(answer.times_local, ["2026-12-01T00:00:01.500+00:00", "2026-12-01T00:00:03+00:00"]);
    assert_eq!(answer.description, "every 1.5 seconds from 2026-12-01 00:00 (UTC)");
}

#[test]
fn what_has_ended_is_an_answer() {
    let answer = previewed(&json!({"at": "2026-01-01T00:00:00Z"}));
    assert_eq!(answer.times, []);
    assert_eq!(answer.warnings, ["it never fires after 2026-11-25T09:00:00Z"]);
}

#[test]
fn what_people_may_not_expect_is_said() {
    let warnings = |body: Value| previewed(&body).warnings;
    assert_eq!(
        warnings(json!({"cron": "0 9 * * *", "end_at": "2026-11-26T09:00:00Z"})),
        ["it never fires again after 2026-11-26T09:00:00Z"]
    );
    assert_eq!(warnings(json!({"every": "1s"})), ["it fires every second at times: each one is a run of its own"]);
    let both = "`0 9 13 * 5`: both day fields are restricted, and a day that matches either fires: at 09:00 on the 13th, or on Friday; \
                with `dom_dow: and`: at 09:00 on day 13 of the month, but only if it is Friday";
    assert_eq!(warnings(json!({"cron": "0 9 13 * 5"})), [both]);
    assert_eq!(warnings(json!({"cron": "0 9 13 * 5", "dom_dow": "and"})), Vec::<String>::new());
    let berlin = |after: &str| json!({"cron": "30 2 * * *", "timezone": "Europe/Berlin", "after": after, "count": 3});
    assert_eq!(warnings(berlin("2026-03-28T00:00:00Z")), ["at 2026-03-29T03:00:00+02:00 it fires for a time that clocks skip"]);
    assert_eq!(warnings(berlin("2026-10-24T00:00:00Z")), ["at 2026-10-25T02:30:00+02:00 it fires at a time that clocks show twice"]);
    let short = "`0 9 31 * *`: not every month has day 31: it is missing in February, April, June, September and November; the last \
                 day of every month is `L`";
    assert_eq!(warnings(json!({"specs": [{"rrule": "FREQ=DAILY"}, {"cron": "0 9 31 * *"}]})), [short]);
}

#[test]
fn every_fault_is_said_and_its_own_fields_are_known() {
    let violations = preview(&json!({"cron": "x", "after": "soon", "count": 1001, "cuont": 1}), now()).unwrap_err();
    let mut found = said(&violations);
    found.retain(|(pointer, _)| *pointer != "/cron");
    let expected = [("/after", "it is no instant"), ("/count", "it is out of range"), ("/cuont", "`cuont` is not known; perhaps `count`")];
    assert_eq!(found, expected);
}

#[test]
fn intervals_and_bounds_are_described_in_the_zone() {
    let described = |body: Value| previewed(&body).description;
    let start = "2026-11-25T09:00:00Z";
    for (every, words) in [("1h", "hour"), ("15m", "15 minutes"), ("90m", "1 hour 30 minutes"), ("1s", "second"), ("24h", "24 hours")] {
        let sentence = format!("every {words} from 2026-11-25 10:00 (Europe/Berlin)");
        assert_eq!(described(json!({"every": every, "start": start, "timezone": "Europe/Berlin"})), sentence);
    }
    let specs = json!([{"at": "2026-12-24T18:00"}, {"at": "2026-12-31T23:59:59Z"}]);
    assert_eq!(
        described(json!({"specs": specs, "timezone": "Europe/Berlin", "start_at": start, "end_at": "2027-01-01T00:00:00Z"})),
        "once at 2026-12-24 18:00; and once at 2027-01-01 00:59:59 (Europe/Berlin), not before 2026-11-25 10:00, \
         not after 2027-01-01 01:00"
    );
}
