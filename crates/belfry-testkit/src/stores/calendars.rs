//! Business calendars, and the schedules that are planned by them.

use belfry_core::calendar::{BusinessCalendar, DateExclusion, Exclusion};
use belfry_core::ports::{
    Calendar, CalendarFilter, CalendarWrite, CalendarWritten, Conflict, FireCode, NewSchedule, NewWorkflow, ScheduleEdit, ScheduleFilter,
    StoreError, StoreResult, TriggerSchedule, WorkflowWrite,
};
use belfry_core::schedule::{Cursor, ScheduleContent, ScheduledWorkflow};
use belfry_core::shards::Shards;
use belfry_core::time::UnixMillis;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::Backend;
use super::world::{World, assert_between, definition, due, edit_of, every, ids, told, write_of};

fn document(value: &Value) -> BusinessCalendar {
    BusinessCalendar::parse(value).expect("the suites write calendars as they may be written")
}

async fn try_put(world: &World<'_>, name: &str, expected: Option<i64>, value: &Value) -> StoreResult<CalendarWritten> {
    world.calendars.put_calendar(CalendarWrite { name: name.to_owned(), expected, calendar: document(value) }).await
}

async fn put(world: &World<'_>, name: &str, value: &Value) -> CalendarWritten {
    try_put(world, name, None, value).await.unwrap()
}

/// `content`, less the holidays of `name`, which it is planned by as it stands.
async fn less_holidays(world: &World<'_>, content: ScheduleContent, name: &str) -> ScheduleContent {
    let known = world.calendars.calendars_behind(&[name.to_owned()]).await.unwrap();
    let exclude = vec![Exclusion::Days(DateExclusion::Holidays(name.to_owned()))];
    ScheduleContent { exclude, ..content }.pinned_to(&known).unwrap()
}

/// A schedule every ten seconds less the holidays of `name`, of a workflow of its own.
async fn user_of(world: &World<'_>, name: &str) -> ScheduledWorkflow {
    let content = less_holidays(world, world.every_ten_seconds().await, name).await;
    world.schedule_of(&world.workflow().await, content).await
}

/// The day of `at`, and the next one: a test may run at midnight.
fn around(at: UnixMillis) -> Value {
    let day = at.to_timestamp().to_zoned(jiff::tz::TimeZone::UTC).date();
    json!([day.to_string(), day.tomorrow().unwrap().to_string()])
}

fn never() -> Value {
    json!({"holidays": ["1999-12-31"]})
}

fn revisions_of(schedule: &ScheduledWorkflow) -> Vec<(String, i64)> {
    schedule.content.calendars.revisions().into_iter().collect()
}

fn pins(of: &[(&str, i64)]) -> Vec<(String, i64)> {
    of.iter().map(|(name, revision)| ((*name).to_owned(), *revision)).collect()
}

pub async fn a_calendar_is_read_as_it_was_put(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let value = json!({
        "weekend": ["FRI", "SAT"],
        "holidays": ["2026-12-24..2026-12-31", "12-25", {"on": "easter-2", "since": 1999, "label": "Karfreitag"}],
        "except": ["2026-12-29"], "workdays": ["2026-02-14"],
    });
    let before = world.now().await;
    let written = put(&world, "DE", &value).await;
    let calendar = Calendar {
        name: "DE".to_owned(),
        revision: 1,
        calendar: document(&value),
        created_at: written.calendar.created_at,
        updated_at: written.calendar.created_at,
    };
    assert_between(before, calendar.created_at, world.now().await);
    assert_eq!(written, CalendarWritten { calendar: calendar.clone(), is_new: true, planned_anew: 0 });
    assert_eq!(world.calendars.calendar("DE").await, Ok(calendar));
    assert_eq!(world.calendars.calendar("FR").await, Err(StoreError::NotFound("calendar")));
}

pub async fn a_change_of_a_calendar_raises_its_revision_and_what_changes_nothing_does_not(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let made = put(&world, "DE", &never()).await.calendar;
    world.advance(SignedDuration::from_secs(1)).await;
    let same = put(&world, "DE", &never()).await;
    assert_eq!(same, CalendarWritten { calendar: made.clone(), is_new: false, planned_anew: 0 });
    let changed = put(&world, "DE", &json!({"holidays": ["12-25"]})).await;
    assert_eq!((changed.calendar.revision, changed.is_new, changed.calendar.created_at), (2, false, made.created_at));
    assert!(changed.calendar.updated_at > made.updated_at);
}

pub async fn a_calendar_is_written_at_the_revision_that_is_expected(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    assert_eq!(try_put(&world, "DE", Some(1), &never()).await, Err(StoreError::NotFound("calendar")));
    assert!(try_put(&world, "DE", Some(0), &never()).await.unwrap().is_new);
    for expected in [0, 2] {
        let stale = Err(StoreError::Stale { current: 1 });
        assert_eq!(try_put(&world, "DE", Some(expected), &json!({})).await, stale);
        assert_eq!(world.calendars.delete_calendar("DE", Some(expected)).await, Err(StoreError::Stale { current: 1 }));
    }
    assert_eq!(try_put(&world, "DE", Some(1), &json!({})).await.unwrap().calendar.revision, 2);
    world.calendars.delete_calendar("DE", Some(2)).await.unwrap();
    assert_eq!(world.calendars.delete_calendar("DE", None).await, Err(StoreError::NotFound("calendar")));
}

pub async fn a_name_and_a_revision_are_one_document_for_ever(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let documents = [never(), json!({"holidays": ["12-25"]}), json!({"holidays": ["12-26"]})];
    put(&world, "DE", &documents[0]).await;
    put(&world, "DE", &documents[1]).await;
    world.calendars.delete_calendar("DE", None).await.unwrap();
    assert_eq!(world.calendars.calendar("DE").await, Err(StoreError::NotFound("calendar")));
    let kept = async |before, limit| {
        let page = world.calendars.calendar_revisions("DE", before, limit).await.unwrap();
        (page.items.into_iter().map(|kept| (kept.revision, kept.calendar)).collect::<Vec<_>>(), page.more)
    };
    let [first, second, third] = documents.map(|value| document(&value));
    assert_eq!(kept(None, 5).await, (vec![(2, second.clone()), (1, first.clone())], false));
    let anew = put(&world, "DE", &json!({"holidays": ["12-26"]})).await;
    assert_eq!((anew.calendar.revision, anew.is_new), (3, true));
    assert_eq!(kept(None, 2).await, (vec![(3, third), (2, second)], true));
    assert_eq!(kept(Some(2), 2).await, (vec![(1, first)], false));
    assert_eq!(world.calendars.calendar_revisions("FR", None, 5).await, Err(StoreError::NotFound("calendar")));
}

pub async fn calendars_are_listed_by_name_in_pages(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    for name in ["DE", "de.company", "AT", "Z", "DE-BY"] {
        put(&world, name, &never()).await;
    }
    world.calendars.delete_calendar("Z", None).await.unwrap();
    let listed = async |named_like: Option<&str>, after: Option<&str>, limit| {
        let filter = CalendarFilter { named_like: named_like.map(str::to_owned), after: after.map(str::to_owned), limit };
        let page = world.calendars.calendars(filter).await.unwrap();
        (page.items.into_iter().map(|calendar| calendar.name).collect::<Vec<_>>(), page.more)
    };
    let names = |names: &[&str], more| (names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(), more);
    assert_eq!(listed(None, None, 3).await, names(&["AT", "DE", "DE-BY"], true));
    assert_eq!(listed(None, Some("DE-BY"), 3).await, names(&["de.company"], false));
    assert_eq!(listed(Some("de"), None, 5).await, names(&["DE", "DE-BY", "de.company"], false));
}

pub async fn what_a_calendar_builds_on_comes_along(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    put(&world, "DE", &never()).await;
    put(&world, "company", &json!({"holidays": ["12-24"]})).await;
    put(&world, "plant", &json!({"union": ["DE", "company"], "except": ["12-24"]})).await;
    put(&world, "DE", &json!({"holidays": ["12-25"]})).await;
    let behind = async |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let found = world.calendars.calendars_behind(&names).await.unwrap();
        found.into_iter().map(|(name, version)| (name, version.version)).collect::<Vec<_>>()
    };
    assert_eq!(behind(&["plant", "nowhere"]).await, pins(&[("DE", 2), ("company", 1), ("plant", 1)]));
    assert_eq!(behind(&["company"]).await, pins(&[("company", 1)]));
    assert_eq!(behind(&[]).await, []);
}

pub async fn a_calendar_that_could_not_be_used_is_refused(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let unusable = |written: StoreResult<CalendarWritten>| matches!(written, Err(StoreError::Conflict(Conflict::CalendarUnusable(_))));
    assert!(unusable(try_put(&world, "plant", None, &json!({"union": ["DE"]})).await));
    put(&world, "DE", &never()).await;
    put(&world, "plant", &json!({"union": ["DE"]})).await;
    assert!(unusable(try_put(&world, "DE", None, &json!({"union": ["plant"]})).await), "a circle");
    let mut top = "plant".to_owned();
    for level in 0..6 {
        let next = format!("level{level}");
        put(&world, &next, &json!({"union": [top]})).await;
        top = next;
    }
    put(&world, "below", &never()).await;
    assert!(unusable(try_put(&world, "DE", None, &json!({"union": ["below"]})).await), "others build on it too deep then");
    assert_eq!(world.calendars.calendar("DE").await.unwrap().revision, 1);
}

pub async fn a_schedule_keeps_the_calendars_that_it_is_planned_by(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    let holidays = around(world.now().await);
    put(&world, "DE", &json!({"holidays": holidays})).await;
    put(&world, "plant", &json!({"union": ["DE"]})).await;
    let schedule = user_of(&world, "plant").await;
    assert_eq!(revisions_of(&schedule), pins(&[("DE", 1), ("plant", 1)]));
    let over_the_holidays = schedule.created_at.plus(SignedDuration::from_hours(24));
    assert!(due(&schedule) > over_the_holidays, "{schedule:?}");
    assert_eq!(world.read(&schedule).await, schedule);
    let loaded = world.schedules.load(&[schedule.id]).await.unwrap();
    assert_eq!(loaded[0].schedule, schedule);
    let kept = world.revisions.revisions(schedule.id, None, 1).await.unwrap().items;
    assert_eq!(kept[0].content, schedule.content);
}

pub async fn a_change_plans_its_users_as_an_edit_of_each_would(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    put(&world, "DE", &never()).await;
    put(&world, "plant", &json!({"union": ["DE"]})).await;
    let (direct, through, other) = (user_of(&world, "DE").await, user_of(&world, "plant").await, world.schedule().await);
    world.reach(due(&through)).await;
    let decided = world.decided(&direct).await;
    let before = world.now().await;
    let written = put(&world, "DE", &json!({"holidays": around(before)})).await;
    assert_eq!((written.calendar.revision, written.planned_anew), (2, 2));
    for (was, pinned) in [(&direct, pins(&[("DE", 2)])), (&through, pins(&[("DE", 2), ("plant", 1)]))] {
        let is = world.read(was).await;
        assert_eq!((is.revision, revisions_of(&is)), (2, pinned));
        assert_between(before, is.updated_at, world.now().await);
        assert_eq!(is.cursor, Cursor::at(is.content.next_after(is.updated_at).unwrap()));
        assert!(due(&is).since(before) > SignedDuration::from_hours(1), "today is a holiday now");
        let fired: Vec<_> = world.runs_of(was).await.iter().map(|run| run.planned_at).collect();
        assert_eq!(fired.last(), Some(&due(was)), "what was due fires under the revision that ends");
        assert_eq!(is.run_count, fired.len() as i64);
    }
    assert_eq!(world.read(&other).await, other);
    assert_eq!(world.fire(None, vec![decided]).await.results[0].code, FireCode::Gone, "nothing decided before can fire");
    let seen = world.schedules.look(Shards::ALL, before, None, 10).await.unwrap().keys;
    assert_eq!(seen.iter().map(|key| key.id).collect::<Vec<_>>(), [other.id]);
}

pub async fn a_change_records_the_time_that_a_user_was_paused(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    put(&world, "DE", &never()).await;
    let schedule = user_of(&world, "DE").await;
    let paused = world.set_active(&schedule, false).await;
    let first = paused.cursor.nominal.unwrap();
    world.reach(first).await;
    put(&world, "DE", &json!({"holidays": around(first)})).await;
    let is = world.read(&schedule).await;
    assert_eq!((is.is_active, is.revision, revisions_of(&is)), (false, 3, pins(&[("DE", 2)])));
    let outcomes = world.outcomes(&schedule).await;
    assert!(matches!(told(&outcomes).as_slice(), [(from, _, "paused", 2)] if *from == first), "{outcomes:?}");
    assert_eq!(world.runs_of(&schedule).await, []);
}

pub async fn a_schedule_that_names_another_calendar_is_left_alone(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    put(&world, "DE", &never()).await;
    put(&world, "FR", &never()).await;
    let schedule = user_of(&world, "DE").await;
    let content = less_holidays(&world, schedule.content.clone(), "FR").await;
    let edited = world.workflows.edit_schedule(ScheduleEdit { content: Some(content), ..edit_of(&schedule) }).await.unwrap();
    assert_eq!(revisions_of(&edited), pins(&[("FR", 1)]));
    assert_eq!(put(&world, "DE", &json!({})).await.planned_anew, 0);
    assert_eq!(world.read(&schedule).await, edited);
    assert_eq!(put(&world, "FR", &json!({})).await.planned_anew, 1);
    // A write of its workflow leaves it as it is planned.
    let workflow = world.workflows.workflow(schedule.workflow_id).await.unwrap();
    world.workflows.update_workflow(WorkflowWrite { tags: vec![], ..write_of(&workflow) }).await.unwrap();
    assert_eq!(put(&world, "FR", &never()).await.planned_anew, 1);
    world.workflows.delete_schedule(schedule.id, None).await.unwrap();
    assert_eq!(put(&world, "FR", &json!({})).await.planned_anew, 0);
}

pub async fn a_schedule_is_not_written_by_a_calendar_that_has_moved(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    put(&world, "DE", &never()).await;
    put(&world, "plant", &json!({"union": ["DE"]})).await;
    let (plain, workflow) = (world.schedule().await, world.workflow().await);
    let content = less_holidays(&world, world.every_ten_seconds().await, "plant").await;
    put(&world, "DE", &json!({})).await;
    let moved = || StoreError::Conflict(Conflict::CalendarMoved("DE".to_owned()));
    let new = world.new_schedule(&workflow, content.clone()).await;
    assert_eq!(world.workflows.create_schedule(new.clone()).await, Err(moved()));
    let edit = ScheduleEdit { content: Some(content.clone()), ..edit_of(&plain) };
    assert_eq!(world.workflows.edit_schedule(edit).await, Err(moved()));
    let trigger = Some(world.trigger(content.clone()).await);
    let triggered = WorkflowWrite { trigger: trigger.clone(), ..write_of(&workflow) };
    assert_eq!(world.workflows.update_workflow(triggered).await, Err(moved()));
    let triggered = NewWorkflow { trigger, ..world.new_workflow().await };
    assert_eq!(world.workflows.create_workflow(triggered).await, Err(moved()));
    // Deleted and made anew, the calendar is another one.
    let again = content.pinned_to(&world.calendars.calendars_behind(&["plant".to_owned()]).await.unwrap()).unwrap();
    world.calendars.delete_calendar("plant", None).await.unwrap();
    let gone = || StoreError::Conflict(Conflict::CalendarMoved("plant".to_owned()));
    let new = NewSchedule { content: again, ..new };
    assert_eq!(world.workflows.create_schedule(new.clone()).await, Err(gone()));
    put(&world, "plant", &json!({"union": ["DE"]})).await;
    assert_eq!(world.workflows.create_schedule(new).await, Err(gone()));
}

pub async fn a_calendar_in_use_is_not_deleted(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    put(&world, "DE", &never()).await;
    put(&world, "plant", &json!({"union": ["DE"]})).await;
    let schedule = user_of(&world, "plant").await;
    let workflow = world.workflows.workflow(schedule.workflow_id).await.unwrap();
    let user = format!("the schedule `{}/{}`", workflow.name, schedule.name);
    let in_use = |calendar: &str, by: &[&str]| {
        let by = by.iter().map(|user| (*user).to_owned()).collect();
        Err(StoreError::Conflict(Conflict::CalendarInUse { calendar: calendar.to_owned(), by }))
    };
    assert_eq!(world.calendars.delete_calendar("DE", None).await, in_use("DE", &["the calendar `plant`", &user]));
    assert_eq!(world.calendars.delete_calendar("plant", None).await, in_use("plant", &[&user]));
    world.workflows.delete_workflow(workflow.id, None).await.unwrap();
    world.calendars.delete_calendar("plant", None).await.unwrap();
    world.calendars.delete_calendar("DE", None).await.unwrap();
}

pub async fn schedules_are_found_by_a_calendar_that_they_are_planned_by(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    put(&world, "DE", &never()).await;
    put(&world, "plant", &json!({"union": ["DE"]})).await;
    let (direct, through) = (user_of(&world, "DE").await, user_of(&world, "plant").await);
    world.schedule().await;
    let found = async |name: &str| {
        let filter = ScheduleFilter { calendar: Some(name.to_owned()), limit: 10, ..ScheduleFilter::default() };
        ids(&world.workflows.schedules(filter).await.unwrap(), |schedule| schedule.id)
    };
    assert_eq!(found("DE").await, [direct.id, through.id]);
    assert_eq!(found("plant").await, [through.id]);
    assert_eq!(found("FR").await, []);
}

pub async fn a_change_that_one_user_cannot_follow_writes_nothing(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    put(&world, "DE", &never()).await;
    let (first, second) = (user_of(&world, "DE").await, user_of(&world, "DE").await);
    // More is due of it than one write accounts for.
    let much = every(1, world.now().await.minus(SignedDuration::from_hours(1)));
    let busy = less_holidays(&world, ScheduleContent { end_at: None, ..much }, "DE").await;
    let busy = world.schedule_of(&world.workflow().await, busy).await;
    world.advance(SignedDuration::from_hours(3)).await;
    let refused = try_put(&world, "DE", None, &json!({"holidays": ["12-25"]})).await;
    let reason = Conflict::StillCatchingUp.to_string();
    let expected = Conflict::CalendarUser { id: busy.id, name: busy.name.clone(), reason };
    assert_eq!(refused, Err(StoreError::Conflict(expected)));
    for was in [&first, &second, &busy] {
        assert_eq!(&world.read(was).await, was);
        assert_eq!(world.runs_of(was).await, []);
    }
    assert_eq!(world.calendars.calendar("DE").await.unwrap().revision, 1);
}

pub async fn a_trigger_s_schedule_follows_its_calendar(backend: &dyn Backend) {
    let world = World::fresh(backend).await;
    put(&world, "DE", &never()).await;
    let content = less_holidays(&world, world.every_ten_seconds().await, "DE").await;
    let trigger = Some(world.trigger(content).await);
    let id = trigger.as_ref().unwrap().id;
    let new = NewWorkflow { trigger, ..world.new_workflow().await };
    let workflow = world.workflows.create_workflow(new).await.unwrap();
    assert_eq!(put(&world, "DE", &json!({"holidays": ["12-25"]})).await.planned_anew, 1);
    let schedule = world.workflows.schedule(id).await.unwrap();
    assert_eq!((schedule.revision, revisions_of(&schedule)), (2, pins(&[("DE", 2)])));
    // Its definition says the same as before, and so it is the same: nothing is written.
    let standing = Some(TriggerSchedule { id, content: schedule.content.clone(), is_active: None });
    let write = WorkflowWrite { trigger: standing, ..write_of(&workflow) };
    assert_eq!(world.workflows.update_workflow(write).await.unwrap().revision, workflow.revision);
    let without = WorkflowWrite { definition: definition(2), ..write_of(&workflow) };
    world.workflows.update_workflow(without).await.unwrap();
    world.calendars.delete_calendar("DE", None).await.unwrap();
}
