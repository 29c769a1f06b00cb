//! The year field: a set of years from 1970 to 2199.

pub(super) const FIRST_YEAR: i16 = 1970;
pub(super) const LAST_YEAR: i16 = 2199;

/// Not empty once it was parsed. An expression that names all years has no such set, and goes on past 2199.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::spec) struct Years([u64; 4]);

impl Years {
    /// A year of the field's range.
    pub(super) fn insert(&mut self, year: i16) {
        let index = (year - FIRST_YEAR) as usize;
        self.0[index / 64] |= 1 << (index % 64);
    }

    pub(in crate::spec) fn contains(&self, year: i16) -> bool {
        (FIRST_YEAR..=LAST_YEAR).contains(&year) && {
            let index = (year - FIRST_YEAR) as usize;
            self.0[index / 64] >> (index % 64) & 1 == 1
        }
    }

    pub(super) fn first_from(&self, year: i16) -> Option<i16> {
        (year.max(FIRST_YEAR)..=LAST_YEAR).find(|year| self.contains(*year))
    }

    pub(super) fn last_up_to(&self, year: i16) -> Option<i16> {
        (FIRST_YEAR..=year.min(LAST_YEAR)).rev().find(|year| self.contains(*year))
    }

    pub(in crate::spec) fn first(&self) -> i16 {
        self.first_from(FIRST_YEAR).unwrap_or(FIRST_YEAR)
    }

    pub(in crate::spec) fn last(&self) -> i16 {
        self.last_up_to(LAST_YEAR).unwrap_or(LAST_YEAR)
    }

    pub(in crate::spec) fn all(&self) -> impl Iterator<Item = i16> + '_ {
        (FIRST_YEAR..=LAST_YEAR).filter(|year| self.contains(*year))
    }
}
