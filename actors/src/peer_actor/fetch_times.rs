//! How long the answered fetches of one peer took.

use std::time::Duration;

/// Upper bounds in seconds; a fetch may take a minute.
const BOUNDS_S: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];
/// The newest fetch counts for so much of the average: what TCP takes for its round trips.
const NEWEST_PART: u32 = 8;

/// The last one, the average and how they spread.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FetchTimes {
    /// Of the last one.
    pub last: Option<Duration>,
    /// Of the last few, the newest counting most.
    pub average: Option<Duration>,
    /// All together.
    pub sum: Duration,
    counts: [u64; BOUNDS_S.len() + 1],
}

impl FetchTimes {
    /// Takes in one more.
    pub(super) fn add(&mut self, took: Duration) {
        self.last = Some(took);
        let average = self.average.unwrap_or(took);
        self.average = Some(average - average / NEWEST_PART + took / NEWEST_PART);
        self.sum += took;
        let seconds = took.as_secs_f64();
        let bucket = BOUNDS_S.iter().position(|bound| seconds <= *bound);
        self.counts[bucket.unwrap_or(BOUNDS_S.len())] += 1;
    }

    /// How many there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// How many were within each bound in seconds and none before it; the last bound is infinite.
    #[must_use]
    pub fn buckets(&self) -> Vec<(f64, u64)> {
        let bounds = BOUNDS_S.into_iter().chain([f64::INFINITY]);
        bounds.zip(self.counts).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fetch_is_in_one_bucket_and_the_average_follows() {
        let mut times = FetchTimes::default();
        for ms in [5, 6, 61_000] {
            times.add(Duration::from_millis(ms));
        }
        let filled: Vec<_> = times.buckets().into_iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(filled, [(0.005, 1), (0.01, 1), (f64::INFINITY, 1)]);
        assert_eq!((times.count(), times.sum), (3, Duration::from_millis(61_011)));
        for _ in 0..100 {
            times.add(Duration::from_millis(80));
        }
        let average = times.average.unwrap().as_millis();
        assert!((79..=81).contains(&average), "{average}");
        assert_eq!(times.last, Some(Duration::from_millis(80)));
    }
}
