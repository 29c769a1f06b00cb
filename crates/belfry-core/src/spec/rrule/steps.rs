//! The bound on a search.

/// A search looked at as many periods as it may and found nothing, which proves nothing: there may be a time later on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no time was found within the {steps} steps that a search may take; use a rule that fires more often")]
pub struct SearchTooLong {
    pub steps: u32,
}

/// What is left of a search's steps. A step looks at one period, or at one jump of the clock.
pub(super) struct Steps {
    allowed: u32,
    left: u32,
}

impl Steps {
    /// One time of DAILY and slower. The Gregorian calendar repeats after 146,097 days: a search that finds nothing in as
    /// many steps would never find anything.
    pub fn of_the_calendar() -> Steps {
        Steps::new(150_000)
    }

    /// One time of HOURLY and faster. A day that does not match costs a step or two, so that this is at least 60 years.
    pub fn of_elapsed_time() -> Steps {
        Steps::new(50_000)
    }

    /// All times of a COUNT, of which there are at most 100,000.
    pub fn of_a_count() -> Steps {
        Steps::new(1_000_000)
    }

    fn new(allowed: u32) -> Steps {
        Steps { allowed, left: allowed }
    }

    pub fn take(&mut self) -> Result<(), SearchTooLong> {
        self.left = self.left.checked_sub(1).ok_or(SearchTooLong { steps: self.allowed })?;
        Ok(())
    }
}
