//! The single times of RDATE and EXDATE.

use jiff::tz::TimeZone;

use super::clock::{self, FURTHEST_OFFSET};
use super::stamp::Stamp;

#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Dates {
    /// In seconds, ascending.
    instants: Vec<i64>,
    /// Of the zone that applies, ascending.
    walls: Vec<i64>,
}

impl Dates {
    pub fn new(stamps: &[Stamp]) -> Dates {
        let mut dates = Dates::default();
        for stamp in stamps {
            match *stamp {
                Stamp::Instant(at) => dates.instants.push(at),
                Stamp::Local(wall) | Stamp::Date(wall) => dates.walls.push(wall),
            }
        }
        dates.instants.sort_unstable();
        dates.walls.sort_unstable();
        dates
    }

    pub fn len(&self) -> usize {
        self.instants.len() + self.walls.len()
    }

    /// The first instant later than `after`.
    pub fn first_after(&self, zone: &TimeZone, after: i64) -> Option<i64> {
        let mut first = self.instants.get(self.instants.partition_point(|at| *at <= after)).copied();
        for wall in &self.walls[self.walls.partition_point(|wall| wall + FURTHEST_OFFSET <= after)..] {
            if first.is_some_and(|first| wall - FURTHEST_OFFSET > first) {
                break;
            }
            let at = clock::instant(zone, *wall).filter(|at| *at > after);
            first = first.into_iter().chain(at).min();
        }
        first
    }

    pub fn hold(&self, zone: &TimeZone, at: i64) -> bool {
        self.instants.binary_search(&at).is_ok() || (!self.walls.is_empty() && self.first_after(zone, at - 1) == Some(at))
    }
}
