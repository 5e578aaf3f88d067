//! Puts datagrams in order, within bounds: what is late is waited for, what is later is lost.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;

/// Most packets that wait for one before them.
const HELD_MAX: usize = 256;
/// Most bytes of them.
const HELD_BYTES_MAX: usize = 1 << 20;
/// Longest wait.
const WAIT_MAX: Duration = Duration::from_millis(200);

/// Packets of one source on their way into order.
#[derive(Debug)]
pub(super) struct JitterBuffer {
    /// A connection keeps the order itself: a gap there is a loss at once.
    is_ordered: bool,
    next: Option<u64>,
    held: BTreeMap<u64, (Bytes, Instant)>,
    held_bytes: usize,
}

impl JitterBuffer {
    pub(super) const fn new(is_ordered: bool) -> Self {
        Self { is_ordered, next: None, held: BTreeMap::new(), held_bytes: 0 }
    }

    /// Forgets what waits, as another sequence begins.
    pub(super) fn reset(&mut self) {
        *self = Self::new(self.is_ordered);
    }

    /// Takes a packet by its number. Gives all that are in order now to `deliver`, each with the
    /// count of those lost before it. Returns whether it came too late, or twice.
    pub(super) fn push(
        &mut self,
        sequence: u64,
        packet: &[u8],
        now: Instant,
        mut deliver: impl FnMut(u64, &[u8]),
    ) -> bool {
        let next = self.next.unwrap_or(sequence);
        if sequence < next || self.held.contains_key(&sequence) {
            return true;
        }
        if sequence == next || self.is_ordered {
            self.next = Some(sequence + 1);
            deliver(sequence - next, packet);
        } else {
            self.held_bytes += packet.len();
            self.held.insert(sequence, (Bytes::copy_from_slice(packet), now));
        }
        while let Some(held) = self.held.first_entry() {
            let next = self.next.unwrap_or(next);
            let (sequence, (_, at)) = (*held.key(), held.get());
            let is_overdue = now.saturating_duration_since(*at) > WAIT_MAX;
            let is_next = sequence == next;
            if !is_next
                && !is_overdue
                && self.held.len() <= HELD_MAX
                && self.held_bytes <= HELD_BYTES_MAX
            {
                break;
            }
            if let Some((sequence, (packet, _))) = self.held.pop_first() {
                self.held_bytes -= packet.len();
                self.next = Some(sequence + 1);
                deliver(sequence - next, &packet);
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(is_ordered: bool, arrivals: &[(u64, u64)]) -> (Vec<(u64, u8)>, usize) {
        let start = Instant::now();
        let mut buffer = JitterBuffer::new(is_ordered);
        let (mut delivered, mut late) = (Vec::new(), 0);
        for &(sequence, millis) in arrivals {
            let packet = [u8::try_from(sequence % 256).unwrap()];
            let now = start + Duration::from_millis(millis);
            let is_late = buffer.push(sequence, &packet, now, |lost, packet| {
                delivered.push((lost, packet[0]));
            });
            late += usize::from(is_late);
        }
        (delivered, late)
    }

    #[test]
    fn disorder_is_put_right_and_duplicates_are_dropped() {
        let arrivals = [(5, 0), (7, 1), (7, 1), (8, 2), (6, 3), (6, 3), (5, 4), (9, 5)];
        let expected = vec![(0, 5), (0, 6), (0, 7), (0, 8), (0, 9)];
        assert_eq!(run(false, &arrivals), (expected, 3));
    }

    #[test]
    fn missing_packet_is_waited_for_200_ms() {
        let (delivered, _) = run(false, &[(1, 0), (3, 10), (4, 200)]);
        assert_eq!(delivered, [(0, 1)]);
        let (delivered, late) = run(false, &[(1, 0), (3, 10), (4, 211), (2, 212)]);
        assert_eq!((delivered, late), (vec![(0, 1), (1, 3), (0, 4)], 1));
    }

    #[test]
    fn no_more_than_256_packets_wait() {
        let mut arrivals = vec![(0, 0)];
        arrivals.extend((2..259).map(|sequence| (sequence, 1)));
        let (delivered, _) = run(false, &arrivals);
        assert_eq!(delivered.len(), 258);
        assert_eq!(delivered.get(1), Some(&(1, 2)));
    }

    #[test]
    fn connections_wait_for_nothing() {
        let (delivered, late) = run(true, &[(1, 0), (4, 0), (3, 0), (5, 0)]);
        assert_eq!((delivered, late), (vec![(0, 1), (2, 4), (0, 5)], 1));
    }
}
