//! This node in numbers, once a second.
//!
//! ```text
//!  tick ─▶ Machine::read on a thread ─▶ compare with the last one ─┐
//!  CounterValues (published by the hub), Sessions ────────────────┴▶ Published<NodeStats>
//! ```
//! `scheduler_load` is null: the runtime does not tell how busy an arbiter is, and a probe on each
//! would cost more than it says.

mod interface_load;
mod machine;
mod messages;
mod process;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use actix::prelude::*;

use crate::published::Published;
use crate::report::{NodeStats, StreamerStatus};
use crate::session_registry::Sessions;
use crate::stream_directory::NodeIdentity;
use interface_load::{Interfaces, bandwidth_percent, kilobits_per_second};
use machine::{Machine, MachineReading};

pub use messages::{CounterValues, SetStreamerStatus, SetTotalBandwidth};
pub use process::ProcessReading;

/// How often the node is looked at.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);

/// Publishes the node's numbers.
pub struct NodeStatsSampler {
    identity: NodeIdentity,
    counters: Published<CounterValues>,
    sessions: Sessions,
    published: Published<NodeStats>,
    status: StreamerStatus,
    total_bits_per_second: Option<u64>,
    started: Instant,
    started_unix_s: u64,
    /// `None` while it is being read on a thread.
    machine: Option<Machine>,
    before: Option<Before>,
}

/// What the next reading is compared with.
struct Before {
    at: Instant,
    interfaces: Interfaces,
    counters: CounterValues,
}

impl NodeStatsSampler {
    /// A sampler that publishes to `published` once a second.
    #[must_use]
    pub fn new(
        identity: NodeIdentity,
        counters: Published<CounterValues>,
        sessions: Sessions,
        published: Published<NodeStats>,
        total_bits_per_second: Option<u64>,
    ) -> Self {
        Self {
            identity,
            counters,
            sessions,
            published,
            status: StreamerStatus::Starting,
            total_bits_per_second,
            started: Instant::now(),
            started_unix_s: unix_ms() / 1_000,
            machine: Some(Machine::new()),
            before: None,
        }
    }

    fn sample(&mut self, ctx: &mut Context<Self>) {
        let Some(mut machine) = self.machine.take() else {
            return;
        };
        let reading = actix_rt::task::spawn_blocking(move || {
            let reading = machine.read();
            (machine, reading)
        });
        ctx.spawn(reading.into_actor(self).map(|read, sampler, _ctx| match read {
            Ok((machine, reading)) => {
                sampler.machine = Some(machine);
                sampler.publish(reading);
            }
            Err(error) => {
                log::error!("node stats: {error}");
                sampler.machine = Some(Machine::new());
            }
        }));
    }

    fn publish(&mut self, reading: MachineReading) {
        let counters = *self.counters.load();
        let elapsed = |before: &Before| reading.at.saturating_duration_since(before.at);
        let rate = |of: fn(&CounterValues) -> u64| {
            let before = self.before.as_ref()?;
            let bytes = of(&counters).saturating_sub(of(&before.counters));
            Some(kilobits_per_second(bytes, elapsed(before)))
        };
        let (input_kbit, output_kbit) = (rate(|c| c.bytes_in), rate(|c| c.bytes_out));
        let bandwidth_usage = self.before.as_ref().and_then(|before| {
            let total = self.total_bits_per_second;
            bandwidth_percent(&before.interfaces, &reading.interfaces, elapsed(before), total)
        });
        self.published.publish(NodeStats {
            cpu_usage: reading.cpu_percent.map(in_tenths),
            memory_usage: reading.memory_percent.map(in_tenths),
            bandwidth_usage: bandwidth_usage.map(in_tenths),
            input_kbit,
            output_kbit,
            ..self.facts(counters)
        });
        let interfaces = reading.interfaces;
        self.before = Some(Before { at: reading.at, interfaces, counters });
    }

    /// What needs no reading of the machine.
    fn facts(&self, counters: CounterValues) -> NodeStats {
        NodeStats {
            server_version: Some(self.identity.version.clone()),
            hostname: Some(self.identity.hostname.to_string()),
            id: Some(self.identity.id.to_string()),
            streamer_status: Some(self.status),
            now: Some(unix_ms()),
            started_at: Some(self.started_unix_s),
            uptime: Some(self.started.elapsed().as_secs()),
            total_clients: Some(counters.play_sessions),
            clients_by_protocol: Some(self.sessions.count_players()),
            total_streams: Some(counters.captured_streams),
            online_streams: Some(counters.online_streams),
            ..NodeStats::default()
        }
    }
}

/// One decimal is all that anybody reads.
fn in_tenths(percent: f64) -> f64 {
    (percent * 10.0).round() / 10.0
}

fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

impl Actor for NodeStatsSampler {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.published.publish(self.facts(*self.counters.load()));
        self.sample(ctx);
        ctx.run_interval(SAMPLE_EVERY, Self::sample);
    }
}

impl Handler<SetStreamerStatus> for NodeStatsSampler {
    type Result = ();

    fn handle(&mut self, news: SetStreamerStatus, _ctx: &mut Self::Context) {
        self.status = news.status;
        let last = NodeStats::clone(&self.published.load());
        self.published.publish(NodeStats { streamer_status: Some(news.status), ..last });
    }
}

impl Handler<SetTotalBandwidth> for NodeStatsSampler {
    type Result = ();

    fn handle(&mut self, news: SetTotalBandwidth, _ctx: &mut Self::Context) {
        self.total_bits_per_second = news.bits_per_second;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::NodeId;
    use crate::report::ClientsByProtocol;

    fn sampler(
        counters: &Published<CounterValues>,
        published: &Published<NodeStats>,
    ) -> NodeStatsSampler {
        let identity = NodeIdentity {
            id: NodeId::from_random(1),
            hostname: "north".parse().unwrap(),
            version: "1.2.3".to_owned(),
        };
        let sessions = Sessions::default();
        let (counters, published) = (counters.clone(), published.clone());
        NodeStatsSampler::new(identity, counters, sessions, published, Some(1_000_000))
    }

    fn reading(at: Instant) -> MachineReading {
        MachineReading {
            at,
            cpu_percent: Some(12.34),
            memory_percent: None,
            interfaces: Interfaces::new(),
        }
    }

    #[test]
    fn rates_are_between_two_readings_and_unknown_numbers_are_null() {
        let (counters, published) = (Published::<CounterValues>::default(), Published::default());
        let mut sampler = sampler(&counters, &published);
        let start = Instant::now();
        sampler.publish(reading(start));
        assert_eq!(published.load().output_kbit, None);
        let sent = CounterValues { play_sessions: 1, bytes_out: 250_000, ..Default::default() };
        counters.publish(sent);
        sampler.publish(reading(start + Duration::from_secs(1)));
        let stats = published.load();
        assert_eq!((stats.output_kbit, stats.input_kbit), (Some(2_000), Some(0)));
        assert_eq!((stats.total_clients, stats.cpu_usage), (Some(1), Some(12.3)));
        assert_eq!(stats.clients_by_protocol, Some(ClientsByProtocol::default()));
        assert_eq!((stats.memory_usage, stats.bandwidth_usage), (None, None));
    }

    #[actix::test]
    async fn status_is_published_at_once() {
        let (counters, published) = (Published::<CounterValues>::default(), Published::default());
        let address = sampler(&counters, &published).start();
        address.send(SetStreamerStatus { status: StreamerStatus::Running }).await.unwrap();
        assert_eq!(published.load().streamer_status, Some(StreamerStatus::Running));
        assert_eq!(published.load().hostname.as_deref(), Some("north"));
    }
}
