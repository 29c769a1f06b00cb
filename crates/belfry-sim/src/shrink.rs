//! Makes a failing scenario smaller: delta debugging on its steps, then on the pauses between them.

use crate::execute::{Options, execute};
use crate::generate::Scenario;
use crate::operation::Step;

/// The most executions that shrinking may cost.
const MOST: usize = 600;

/// The smallest scenario found that breaks the same invariant.
pub fn shrink(scenario: &Scenario, options: &Options) -> Scenario {
    let options = Options { keep_log: false, ..options.clone() };
    let Some(violation) = execute(scenario, &options).violation else { return scenario.clone() };
    let mut shrinking = Shrinking { options, invariant: violation.invariant, left: MOST, best: scenario.clone() };
    shrinking.take_out();
    shrinking.hurry();
    shrinking.take_out();
    shrinking.best
}

struct Shrinking {
    options: Options,
    invariant: &'static str,
    left: usize,
    best: Scenario,
}

impl Shrinking {
    fn try_with(&mut self, steps: Vec<Step>) -> bool {
        if self.left == 0 {
            return false;
        }
        self.left -= 1;
        let candidate = Scenario { steps, ..self.best.clone() };
        let still = execute(&candidate, &self.options).violation.is_some_and(|violation| violation.invariant == self.invariant);
        if still {
            self.best = candidate;
        }
        still
    }

    /// Takes out parts, half of it at first and single steps at last, with and without the time that they took.
    fn take_out(&mut self) {
        let mut length = self.best.steps.len().div_ceil(2);
        while length > 0 {
            let mut start = 0;
            while start < self.best.steps.len() {
                let end = (start + length).min(self.best.steps.len());
                if !self.try_with(without(&self.best.steps, start, end, false))
                    && !self.try_with(without(&self.best.steps, start, end, true))
                {
                    start = end;
                }
            }
            length /= 2;
        }
    }

    fn hurry(&mut self) {
        for place in 0..self.best.steps.len() {
            for after in [0, 1_000, 10_000] {
                let mut steps = self.best.steps.clone();
                if after < steps[place].after {
                    steps[place].after = after;
                    if self.try_with(steps) {
                        break;
                    }
                }
            }
        }
    }
}

fn without(steps: &[Step], start: usize, end: usize, keeps_time: bool) -> Vec<Step> {
    let mut kept: Vec<Step> = steps[..start].iter().chain(&steps[end..]).copied().collect();
    if keeps_time && let Some(next) = kept.get_mut(start) {
        next.after += steps[start..end].iter().map(|step| step.after).sum::<u32>();
    }
    kept
}
