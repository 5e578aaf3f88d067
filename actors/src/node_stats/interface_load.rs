//! How busy the busiest network interface is, in percent (SPEC section 7, `bandwidth_usage`).
//!
//! Pure: two readings in, one number out.

use std::collections::HashMap;
use std::time::Duration;

/// One reading of one interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InterfaceReading {
    pub(super) received_bytes: u64,
    pub(super) sent_bytes: u64,
    /// `None` where the link names none.
    pub(super) link_bits_per_second: Option<u64>,
    pub(super) is_loopback: bool,
}

/// All interfaces by name.
pub(super) type Interfaces = HashMap<String, InterfaceReading>;

/// The busiest interface's busier direction against its link speed, or against `total_bandwidth`
/// where the link names none; loopback only with `total_bandwidth`. `None` where nothing is known.
pub(super) fn bandwidth_percent(
    before: &Interfaces,
    after: &Interfaces,
    elapsed: Duration,
    total_bits_per_second: Option<u64>,
) -> Option<f64> {
    let seconds = elapsed.as_secs_f64();
    if seconds <= 0.0 {
        return None;
    }
    let percents = after.iter().filter_map(|(name, now)| {
        let then = before.get(name)?;
        let link = now.link_bits_per_second.filter(|speed| *speed > 0 && !now.is_loopback);
        let speed = link.or(total_bits_per_second).filter(|speed| *speed > 0)?;
        // A counter that fell was reset: nothing is known of this interval.
        let received = now.received_bytes.checked_sub(then.received_bytes)?;
        let sent = now.sent_bytes.checked_sub(then.sent_bytes)?;
        Some(per_second(received.max(sent), seconds) * 800.0 / to_f64(speed))
    });
    percents.reduce(f64::max)
}

/// Kilobits a second of `bytes` in `elapsed`.
pub(super) fn kilobits_per_second(bytes: u64, elapsed: Duration) -> u64 {
    let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
    bytes.saturating_mul(8) / millis
}

fn per_second(bytes: u64, seconds: f64) -> f64 {
    to_f64(bytes) / seconds
}

#[expect(clippy::cast_precision_loss, reason = "a percentage needs no more than 52 bits")]
pub(super) fn to_f64(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(received: u64, sent: u64, link: Option<u64>, is_loopback: bool) -> InterfaceReading {
        InterfaceReading {
            received_bytes: received,
            sent_bytes: sent,
            link_bits_per_second: link,
            is_loopback,
        }
    }

    fn one(name: &str, reading: InterfaceReading) -> Interfaces {
        HashMap::from([(name.to_owned(), reading)])
    }

    const SECOND: Duration = Duration::from_secs(1);
    const GIGABIT: u64 = 1_000_000_000;

    #[test]
    fn the_busier_direction_counts_against_the_link() {
        let before = one("eth0", reading(0, 0, Some(GIGABIT), false));
        let after = one("eth0", reading(1_000, 25_000_000, Some(GIGABIT), false));
        assert_eq!(bandwidth_percent(&before, &after, SECOND, None), Some(20.0));
        assert_eq!(bandwidth_percent(&before, &after, 2 * SECOND, None), Some(10.0));
        assert_eq!(bandwidth_percent(&before, &after, Duration::ZERO, None), None);
    }

    #[test]
    fn the_busiest_interface_wins() {
        let mut before = one("eth0", reading(0, 0, Some(GIGABIT), false));
        before.insert("eth1".into(), reading(0, 0, Some(10 * GIGABIT), false));
        let mut after = one("eth0", reading(0, 12_500_000, Some(GIGABIT), false));
        after.insert("eth1".into(), reading(0, 62_500_000, Some(10 * GIGABIT), false));
        assert_eq!(bandwidth_percent(&before, &after, SECOND, None), Some(10.0));
    }

    #[test]
    fn links_without_speed_and_loopback_need_total_bandwidth() {
        for (name, link, is_loopback) in
            [("eth0", None, false), ("eth0", Some(0), false), ("lo", Some(GIGABIT), true)]
        {
            let before = one(name, reading(0, 0, link, is_loopback));
            let after = one(name, reading(12_500_000, 0, link, is_loopback));
            let percent = |total| bandwidth_percent(&before, &after, SECOND, total);
            assert_eq!(percent(None), None, "{name} {link:?}");
            assert_eq!(percent(Some(200_000_000)), Some(50.0), "{name} {link:?}");
        }
    }

    #[test]
    fn new_interfaces_and_reset_counters_say_nothing() {
        let before = one("eth0", reading(9, 9, Some(GIGABIT), false));
        let reset = one("eth0", reading(0, 99, Some(GIGABIT), false));
        let new = one("eth1", reading(9, 9, Some(GIGABIT), false));
        assert_eq!(bandwidth_percent(&before, &reset, SECOND, None), None);
        assert_eq!(bandwidth_percent(&before, &new, SECOND, None), None);
        assert_eq!(kilobits_per_second(250_000, SECOND), 2_000);
        assert_eq!(kilobits_per_second(1, Duration::ZERO), 8);
    }
}
