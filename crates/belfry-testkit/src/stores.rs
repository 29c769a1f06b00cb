//! The laws of the store's ports: every sentence of their docs, as a test that each backend runs.
//!
//! A backend's test file is its [`Backend`] and one line: `belfry_testkit::store_suite!(MyBackend::new);`. Laws speak of
//! times only as the store's own clock tells them, so that a store whose clock cannot be moved by hand can wait instead.

pub mod calendars;
pub mod cancel;
pub mod claim;
pub mod delete;
pub mod edit;
pub mod fire;
pub mod idempotency;
pub mod jitter;
pub mod keys;
pub mod lists;
pub mod look;
pub mod manual;
pub mod members;
pub mod polls;
pub mod publish;
pub mod reap;
pub mod redrive;
pub mod results;
pub mod revisions;
pub mod search;
pub mod trigger;
pub mod workflows;
mod world;

use std::sync::Arc;

use async_trait::async_trait;
use belfry_core::ports::{CalendarStore, IdempotencyStore, KeyStore, PollStore, RevisionStore, RunStore, ScheduleStore, WorkflowStore};
use jiff::SignedDuration;

pub use world::{World, content, every};

/// One store, through all of its ports.
#[derive(Clone)]
pub struct Stores {
    pub schedules: Arc<dyn ScheduleStore>,
    pub workflows: Arc<dyn WorkflowStore>,
    pub runs: Arc<dyn RunStore>,
    pub polls: Arc<dyn PollStore>,
    pub revisions: Arc<dyn RevisionStore>,
    pub calendars: Arc<dyn CalendarStore>,
    pub keys: Arc<dyn KeyStore>,
    pub idempotency: Arc<dyn IdempotencyStore>,
}

impl Stores {
    /// The ports of a store that has them all.
    pub fn of<S>(store: S) -> Stores
    where
        S: ScheduleStore
            + WorkflowStore
            + RunStore
            + PollStore
            + RevisionStore
            + CalendarStore
            + KeyStore
            + IdempotencyStore
            + Clone
            + 'static,
    {
        Stores {
            schedules: Arc::new(store.clone()),
            workflows: Arc::new(store.clone()),
            runs: Arc::new(store.clone()),
            polls: Arc::new(store.clone()),
            revisions: Arc::new(store.clone()),
            calendars: Arc::new(store.clone()),
            keys: Arc::new(store.clone()),
            idempotency: Arc::new(store),
        }
    }
}

/// What is put under test. It is made from a [`ManualClock`](crate::clock::ManualClock), which a store with a clock of its
/// own does not need.
#[async_trait]
pub trait Backend: Send + Sync {
    /// A new and empty store.
    async fn fresh(&self) -> Stores;

    /// Lets the clock of every store of it go on by at least `by`.
    async fn advance(&self, by: SignedDuration);
}

/// Expands to one test for each law. `$make` makes a [`Backend`](crate::stores::Backend) from a
/// [`ManualClock`](crate::clock::ManualClock).
#[macro_export]
macro_rules! store_suite {
    ($make:expr) => {
        $crate::store_suite! { @laws ($make)
            members: the_first_beat_joins_and_the_next_does_not,
            members: members_are_answered_in_order_of_their_ids,
            members: two_may_join_at_once,
            members: the_silent_are_dead_for_the_others,
            members: the_beat_of_one_that_was_dead_joins_again,
            members: a_draining_member_is_still_listed_and_says_so,
            members: what_a_member_last_told_of_itself_is_told_to_the_others,
            members: burying_frees_what_the_dead_held,
            members: burying_leaves_the_living_alone,
            members: nobody_is_buried_by_a_clock_that_is_not_believed,
            members: leaving_frees_what_was_held_at_once,
            members: what_was_given_back_waits_though_its_publisher_leaves,
            look: a_look_is_ordered_by_due_time_and_then_by_id,
            look: a_look_reads_page_by_page,
            look: a_look_ends_at_the_due_time_it_was_given,
            look: a_look_leaves_out_what_cannot_fire,
            look: a_look_reads_the_shards_it_was_given,
            look: a_look_of_some_shards_reads_page_by_page,
            look: a_load_reads_schedule_and_workflow_at_one_revision,
            look: a_load_leaves_out_what_is_not_there,
            fire: a_due_fire_records_its_run_and_moves_the_cursor,
            fire: a_fire_carries_many_runs_and_outcomes,
            fire: a_repeated_batch_is_gone,
            fire: a_fire_is_gone_when_its_schedule_stands_elsewhere,
            fire: a_fire_is_gone_when_its_schedule_cannot_fire,
            fire: a_fire_ahead_of_the_stores_clock_is_early,
            fire: a_batch_answers_each_fire_in_order,
            fire: a_refused_fire_leaves_nothing_of_its_batch,
            fire: a_run_whose_row_stands_is_counted_and_not_inserted,
            fire: a_failed_decision_is_shown_and_leaves_the_due_index,
            fire: of_two_daemons_one_fires,
            publish: a_publisher_has_its_runs_for_its_lease,
            publish: without_a_publisher_a_run_is_for_the_sweep_at_once,
            publish: a_swept_run_is_answered_whole,
            publish: a_sweep_takes_the_oldest_first,
            publish: a_sweep_raises_the_sequence_and_holds_the_run,
            publish: a_sweep_leaves_out_the_queues_in_trouble,
            publish: a_run_is_taken_by_one_of_two_sweeps,
            publish: a_mark_queues_what_was_published,
            publish: a_mark_of_something_else_does_nothing,
            publish: a_confirmed_handoff_is_delivered,
            publish: what_is_given_back_is_shown_and_waits,
            publish: what_comes_back_to_pending_is_nobodys,
            publish: giving_back_something_else_does_nothing,
            publish: a_success_forgets_the_failures,
            claim: a_claim_answers_all_that_a_worker_needs,
            claim: a_pending_run_can_be_claimed,
            claim: a_claim_shows_the_occurrences_around,
            claim: a_claim_has_the_definition_of_its_version,
            claim: claim_is_exclusive_between_two_workers,
            claim: the_same_token_gets_the_same_answer,
            claim: a_token_of_an_earlier_claim_is_refused,
            claim: what_is_not_to_be_had_is_refused,
            claim: a_handoff_is_never_claimed,
            claim: a_claim_is_proof_of_publishing,
            claim: a_heartbeat_moves_the_claim,
            claim: a_heartbeat_of_another_claim_is_stale,
            claim: a_late_heartbeat_keeps_what_nobody_took,
            claim: a_node_is_written_again_in_its_place,
            claim: a_node_that_has_settled_stays_as_it_is,
            claim: a_node_of_another_claim_is_not_written,
            claim: finishing_ends_the_run,
            claim: finishing_again_answers_what_stands,
            claim: finishing_another_claim_is_stale,
            claim: a_released_run_is_pending_again,
            claim: a_release_of_another_claim_does_nothing,
            claim: a_released_run_with_a_cancel_asked_ends,
            reap: a_living_claim_is_left_alone,
            reap: a_lost_run_is_pending_again,
            reap: the_third_lost_claim_ends_the_run,
            reap: a_release_is_no_lost_claim,
            reap: a_lost_run_with_a_cancel_asked_ends,
            reap: a_pass_takes_the_longest_lost_up_to_its_limit,
            reap: nothing_is_reaped_by_a_clock_that_is_not_believed,
            redrive: a_run_is_overdue_after_its_interval_and_not_before,
            redrive: overdue_queues_are_named_once_in_order,
            redrive: with_nothing_ready_all_that_is_overdue_in_the_queue_is_taken_back,
            redrive: the_longest_queued_are_taken_back_first_up_to_the_limit,
            redrive: the_longest_queued_are_first_however_often_they_were_redriven,
            redrive: while_messages_are_ready_only_what_was_overtaken_is_taken_back,
            redrive: what_has_ended_overtakes_nothing,
            redrive: what_was_published_again_overtakes_nothing,
            redrive: what_was_overtaken_is_left_for_its_interval,
            redrive: what_was_taken_back_is_swept_and_its_old_mark_does_nothing,
            redrive: a_late_message_claims_what_was_taken_back,
            redrive: each_redrive_doubles_the_interval,
            redrive: a_run_that_is_lost_once_more_ends_as_unclaimed,
            redrive: a_claim_begins_to_count_anew,
            redrive: only_what_is_queued_is_taken_back,
            redrive: nothing_is_taken_back_by_a_clock_that_is_not_believed,
            redrive: the_backlog_counts_what_is_pending_and_names_the_oldest,
            polls: the_oldest_run_of_the_queue_is_claimed,
            polls: a_published_run_is_claimed_too,
            polls: what_cannot_be_claimed_is_passed_over,
            polls: two_who_ask_get_two_runs,
            polls: the_same_token_again_gets_the_same_run,
            results: a_heartbeat_says_how_far_the_run_is,
            results: progress_of_another_claim_is_not_written,
            results: progress_stays_until_another_claim_begins,
            results: a_run_ends_with_its_result,
            results: what_is_not_said_is_left_empty,
            results: runs_are_listed_without_their_results,
            results: the_first_result_stands,
            results: the_result_of_another_claim_is_not_written,
            cancel: what_has_not_started_ends,
            cancel: what_runs_is_asked,
            cancel: asking_again_is_the_same_as_once,
            cancel: what_has_ended_stays,
            cancel: a_cancelled_run_goes_nowhere,
            jitter: a_jittered_occurrence_fires_at_its_due_time,
            jitter: what_an_edit_records_ahead_is_swept_when_it_is_due,
            jitter: what_an_edit_records_ahead_is_claimed_by_nobody_before_it_is_due,
            jitter: what_an_edit_records_ahead_ends_with_its_schedule,
            jitter: a_pause_between_nominal_and_due_time_records_the_occurrence,

            edit: an_edit_fires_what_was_due_under_the_old_spec,
            edit: an_edit_plans_from_its_own_instant,
            edit: an_edit_that_changes_nothing_raises_nothing,
            edit: an_edit_of_another_revision_is_stale,
            edit: a_decision_on_the_old_revision_cannot_fire,
            edit: a_pause_records_what_was_due,
            edit: while_paused_nothing_is_written_and_a_resume_writes_the_range,
            edit: an_edit_while_paused_writes_the_range_and_stays_paused,
            edit: an_edit_of_a_failed_schedule_brings_it_back,
            edit: an_edit_past_ten_thousand_rows_is_refused_whole,
            edit: a_name_is_had_by_one_living_schedule_of_a_workflow,
            edit: what_is_not_there_cannot_be_edited,
            delete: a_deleted_schedule_leaves_its_history,
            delete: a_delete_cancels_what_has_not_started,
            delete: what_runs_of_a_deleted_schedule_ends_where_it_would_start_again,
            delete: a_delete_of_another_revision_is_stale,
            delete: a_deleted_workflow_takes_its_schedules_along,
            delete: a_deleted_workflow_cancels_its_manual_runs,
            workflows: a_workflow_is_read_as_it_was_made,
            workflows: a_name_is_had_by_one_living_workflow,
            workflows: a_version_is_made_only_when_the_definition_changes,
            workflows: versions_are_immutable_and_listed_newest_first,
            workflows: an_update_of_another_revision_is_stale,
            workflows: an_update_that_changes_nothing_raises_nothing,
            workflows: an_update_raises_the_revision_of_every_schedule,
            workflows: an_update_fires_what_was_due_with_the_old_workflow,
            workflows: an_update_is_refused_whole_while_a_schedule_catches_up,
            workflows: runs_show_the_name_that_their_workflow_has,
            workflows: what_is_not_there_cannot_be_written,
            trigger: a_workflow_is_made_with_its_schedule,
            trigger: an_update_edits_the_schedule_and_keeps_its_id,
            trigger: an_update_that_does_not_say_leaves_a_pause,
            trigger: a_definition_without_trigger_removes_the_schedule,
            trigger: a_definition_with_a_trigger_adds_the_schedule,
            trigger: a_direct_default_refuses_the_trigger_whole,
            trigger: only_its_definition_writes_the_schedule,
            trigger: a_definitions_schedule_is_paused_and_resumed_directly,
            manual: a_manual_run_is_planned_when_it_is_made,
            manual: a_manual_run_is_for_the_sweep_at_once,
            manual: a_manual_run_needs_its_workflow,
            manual: a_rerun_names_the_run_that_it_repeats,
            lists: workflows_are_listed_by_creation_in_pages,
            lists: workflows_are_filtered_by_name_and_tag,
            lists: schedules_are_listed_by_creation_in_pages,
            lists: schedules_are_filtered,
            lists: runs_are_listed_newest_first_in_pages,
            lists: runs_are_filtered,
            lists: runs_are_listed_without_their_nodes,
            lists: outcomes_are_listed_latest_first_in_pages,
            lists: what_is_not_there_cannot_be_read,
            revisions: every_write_leaves_what_the_schedule_was,
            revisions: revisions_are_listed_newest_first_in_pages,
            revisions: a_deleted_schedule_keeps_its_revisions,
            search: workflows_are_found_by_a_part_of_their_name,
            search: workflows_are_found_by_what_their_schedules_are,
            search: workflows_are_ordered_as_asked_in_pages,
            search: schedules_are_found_by_name_tag_and_state,
            search: schedules_are_found_by_their_next_run,
            search: schedules_are_ordered_as_asked_in_pages,
            search: pages_by_next_run_go_on_where_they_ended_though_schedules_fire,
            calendars: a_calendar_is_read_as_it_was_put,
            calendars: a_change_of_a_calendar_raises_its_revision_and_what_changes_nothing_does_not,
            calendars: a_calendar_is_written_at_the_revision_that_is_expected,
            calendars: a_name_and_a_revision_are_one_document_for_ever,
            calendars: calendars_are_listed_by_name_in_pages,
            calendars: what_a_calendar_builds_on_comes_along,
            calendars: a_calendar_that_could_not_be_used_is_refused,
            calendars: a_schedule_keeps_the_calendars_that_it_is_planned_by,
            calendars: a_change_plans_its_users_as_an_edit_of_each_would,
            calendars: a_change_records_the_time_that_a_user_was_paused,
            calendars: a_schedule_that_names_another_calendar_is_left_alone,
            calendars: a_schedule_is_not_written_by_a_calendar_that_has_moved,
            calendars: a_calendar_in_use_is_not_deleted,
            calendars: schedules_are_found_by_a_calendar_that_they_are_planned_by,
            calendars: a_change_that_one_user_cannot_follow_writes_nothing,
            calendars: a_trigger_s_schedule_follows_its_calendar,
            keys: a_key_is_found_by_its_hash,
            keys: a_revoked_key_is_found_no_more,
            keys: revoking_again_is_the_same_as_once,
            keys: keys_are_listed_oldest_first,
            keys: an_expired_key_is_found_no_more,
            keys: a_key_keeps_its_scopes,
            idempotency: of_two_who_claim_at_once_one_holds,
            idempotency: what_was_answered_is_answered_again,
            idempotency: a_key_stands_for_one_request,
            idempotency: a_key_is_its_owners,
            idempotency: a_refused_request_frees_its_key,
            idempotency: a_request_in_doubt_is_claimed_again_with_its_instant,
            idempotency: a_claimer_that_died_is_followed_after_a_minute,
            idempotency: a_claim_that_is_no_longer_the_last_ends_nothing,
            idempotency: what_stands_is_answered_when_it_is_made_again,
        }
    };
    (@laws ($make:expr) $($group:ident: $law:ident),+ $(,)?) => {
        $(
            #[tokio::test]
            async fn $law() {
                $crate::stores::$group::$law(&$make($crate::clock::ManualClock::default())).await;
            }
        )+
    };
}
