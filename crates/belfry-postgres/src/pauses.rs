//! Pauses between attempts: full jitter.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(250);
/// Short, because what is due waits for it; long enough that a server which comes back is found by few at a time.
pub const LONGEST: Duration = Duration::from_secs(3);

/// Each is evenly distributed between nothing and a ceiling that doubles.
pub struct Pauses {
    state: u64,
}

impl Pauses {
    /// Processes on one host differ by their numbers, those on others by the seed.
    pub fn new(seed: u64) -> Pauses {
        Pauses { state: seed ^ (u64::from(std::process::id()) << 32) }
    }

    /// After that many failures in a row.
    pub fn next(&mut self, failures: u32) -> Duration {
        let doubled = FIRST.saturating_mul(1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX));
        let ceiling = u64::try_from(doubled.min(LONGEST).as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(self.random() % (ceiling + 1))
    }

    /// SplitMix64 (Steele, Lea and Flood, 2014): even, and different for every seed; nothing secret hangs on it.
    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_spread_below_a_ceiling_that_doubles_up_to_a_bound() {
        let mut pauses = Pauses::new(1);
        for (failures, ceiling) in [(1, 250), (2, 500), (3, 1_000), (4, 2_000), (5, 3_000), (40, 3_000), (u32::MAX, 3_000)] {
            let drawn: Vec<u128> = (0..1_000).map(|_| pauses.next(failures).as_millis()).collect();
            assert!(drawn.iter().all(|pause| *pause <= ceiling), "{failures}");
            let quarters = [0, 1, 2, 3].map(|quarter| drawn.iter().filter(|pause| **pause * 4 / (ceiling + 1) == quarter).count());
            assert!(quarters.iter().all(|count| (180..320).contains(count)), "{failures}: {quarters:?}");
        }
    }

    #[test]
    fn processes_with_other_seeds_pause_otherwise() {
        let of = |seed| {
            let mut pauses = Pauses::new(seed);
            [(); 4].map(|()| pauses.next(9))
        };
        assert_ne!(of(1), of(2));
        assert_eq!(of(1), of(1));
    }
}
