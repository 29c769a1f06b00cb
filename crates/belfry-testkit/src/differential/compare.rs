//! What both stores show after a step, and after a history.

use belfry_core::ids::RunId;
use belfry_core::ports::{Page, RunFilter, ScheduleFilter, WallClock, WorkflowFilter};
use belfry_core::shards::Shards;
use jiff::SignedDuration;

use super::pair::{LONGEST, Outcomes, Pair, both, same};

impl Pair<'_> {
    /// What is listed.
    pub(super) async fn compare_lists(&self) -> Outcomes {
        let _ = both!(self, schedules.now());
        let _ = both!(self, workflows.now());
        let _ = both!(self, workflows.workflows(WorkflowFilter { limit: LONGEST, ..WorkflowFilter::default() }));
        let _ = both!(self, workflows.schedules(ScheduleFilter { limit: LONGEST, ..ScheduleFilter::default() }));
        let _ = both!(self, schedules.look(Shards::ALL, self.clock.now().plus(SignedDuration::from_hours(1)), None, LONGEST));
        let _ = both!(self, schedules.overdue_queues());
        let _ = both!(self, schedules.backlog());
        let _ = both!(self, keys.keys());
        self.compare_calendars().await?;
        for schedule in &self.schedules {
            let _ = both!(self, workflows.outcomes(*schedule, None, LONGEST));
        }
        self.all_runs().await.map(drop)
    }

    /// What is listed, and what is read one by one.
    pub(super) async fn compare_all(&self) -> Outcomes {
        self.compare_lists().await?;
        let runs = self.all_runs().await?;
        for run in &runs {
            let _ = both!(self, runs.run(run.id));
        }
        let ids: Vec<RunId> = runs.iter().map(|run| run.id).collect();
        for member in &self.members {
            let mut model = self.model.schedules.pending(*member, &ids).await;
            let mut other = self.other.schedules.pending(*member, &ids).await;
            for pending in [&mut model, &mut other].into_iter().flatten() {
                pending.sort_by_key(|run| run.id);
            }
            let _ = same("pending", model, other)?;
        }
        for workflow in &self.workflows {
            let _ = both!(self, workflows.versions(*workflow, None, LONGEST));
        }
        for number in 0..self.keys.len() {
            let _ = both!(self, keys.living_key([u8::try_from(number).unwrap_or(u8::MAX); 32]));
        }
        self.compare_pages().await
    }

    /// Short pages of everything that is listed.
    async fn compare_pages(&self) -> Outcomes {
        let mut filter = RunFilter { limit: 3, ..RunFilter::default() };
        loop {
            let Page { items, more } = both!(self, runs.runs(filter.clone())).unwrap();
            filter.after = items.last().map(|run| run.id);
            if !more {
                return Ok(());
            }
        }
    }
}
