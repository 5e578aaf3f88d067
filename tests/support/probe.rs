//! A steady stream of questions to every entry node, each answer kept to be compared with the
//! truth: `GET /STREAM/index.m3u8`, nothing followed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::Dice;
use super::http;
use super::node::Node;
use super::truth::Truth;

/// Askers an entry, so that one slow answer does not hold back the rate.
const ASKERS: u32 = 5;

/// What an entry said.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// 200: plays it itself.
    Here,
    /// 302 to this node.
    To(String),
    /// 404, or 503 with `Retry-After`: the two honest ways to have nothing.
    Nothing(u16),
    /// Anything else, in words.
    Wrong(String),
}

/// One question and its answer.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    /// When it was asked.
    pub(crate) asked: Instant,
    /// How long the answer took.
    pub(crate) took: Duration,
    /// Which node was asked.
    pub(crate) entry: String,
    /// For which stream.
    pub(crate) stream: String,
    /// What it said.
    pub(crate) outcome: Outcome,
}

/// Askers at work until [`Probe::finish`].
pub(crate) struct Probe {
    is_over: Arc<AtomicBool>,
    samples: Arc<Mutex<Vec<Sample>>>,
    askers: Vec<JoinHandle<()>>,
}

impl Probe {
    /// Asks each of `entries` for random `streams`, `rate` times a second.
    pub(crate) fn start(entries: &[&Node], nodes: &[Node], streams: &[String], rate: u32) -> Self {
        let names: HashMap<u16, String> =
            nodes.iter().map(|node| (node.http, node.name.clone())).collect();
        let is_over = Arc::new(AtomicBool::new(false));
        let samples = Arc::new(Mutex::new(Vec::new()));
        let mut dice = Dice::new();
        let mut askers = Vec::new();
        for entry in entries {
            for _ in 0..ASKERS {
                let asker = Asker {
                    entry: entry.name.clone(),
                    port: entry.http,
                    names: names.clone(),
                    streams: streams.to_vec(),
                    pause: Duration::from_secs(1) * ASKERS / rate,
                };
                let (is_over, samples) = (Arc::clone(&is_over), Arc::clone(&samples));
                let dice = dice.split();
                askers.push(std::thread::spawn(move || asker.run(dice, &is_over, &samples)));
            }
        }
        Self { is_over, samples, askers }
    }

    /// Ends the askers; all their samples in the order of asking.
    pub(crate) fn finish(self) -> Vec<Sample> {
        self.is_over.store(true, Ordering::Relaxed);
        for asker in self.askers {
            asker.join().unwrap();
        }
        let mut samples = std::mem::take(&mut *self.samples.lock().unwrap());
        samples.sort_by_key(|sample| sample.asked);
        assert!(!samples.is_empty(), "the probe asked nothing");
        samples
    }
}

struct Asker {
    entry: String,
    port: u16,
    names: HashMap<u16, String>,
    streams: Vec<String>,
    pause: Duration,
}

impl Asker {
    fn run(&self, mut dice: Dice, is_over: &AtomicBool, samples: &Mutex<Vec<Sample>>) {
        let mut next = Instant::now() + self.pause * u32::try_from(dice.below(100)).unwrap() / 100;
        while !is_over.load(Ordering::Relaxed) {
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
            let stream = self.streams[dice.below(self.streams.len())].clone();
            let asked = Instant::now();
            let answer = http::get(self.port, &format!("/{stream}/index.m3u8"));
            let outcome = self.outcome(answer);
            let took = asked.elapsed();
            let entry = self.entry.clone();
            samples.lock().unwrap().push(Sample { asked, took, entry, stream, outcome });
            next = (next + self.pause).max(Instant::now());
        }
    }

    fn outcome(&self, answer: Result<http::Answer, String>) -> Outcome {
        let answer = match answer {
            Ok(answer) => answer,
            Err(reason) => return Outcome::Wrong(reason),
        };
        match answer.status {
            200 => Outcome::Here,
            404 => Outcome::Nothing(404),
            503 if answer.header("retry-after").is_some() => Outcome::Nothing(503),
            302 => {
                let location = answer.location().unwrap_or("no Location");
                let port = port_of(location);
                port.and_then(|port| self.names.get(&port)).map_or_else(
                    || Outcome::Wrong(format!("302 to {location}")),
                    |name| Outcome::To(name.clone()),
                )
            }
            status => Outcome::Wrong(format!("{status} {}", answer.text())),
        }
    }
}

/// The port in `http://127.0.0.1:PORT/…`.
pub(crate) fn port_of(url: &str) -> Option<u16> {
    url.split_once("://127.0.0.1:")?.1.split(['/', '?']).next()?.parse().ok()
}

/// Samples that sent a client to a node that had not held the stream for `allowance`.
pub(crate) fn wrong_redirects<'a>(
    samples: &'a [Sample],
    truth: &Truth,
    allowance: Duration,
) -> Vec<&'a Sample> {
    let is_wrong = |sample: &&Sample| match &sample.outcome {
        Outcome::To(node) => {
            let until = sample.asked + sample.took;
            !truth.held_within(&sample.stream, node, sample.asked - allowance, until)
        }
        _ => false,
    };
    samples.iter().filter(is_wrong).collect()
}

/// Samples without a way to a stream that a living node held all the time since `settle` before.
pub(crate) fn failures<'a>(
    samples: &'a [Sample],
    truth: &Truth,
    settle: Duration,
) -> Vec<&'a Sample> {
    let has_failed = |sample: &&Sample| {
        let until = sample.asked + sample.took;
        let is_served = match &sample.outcome {
            Outcome::Here => true,
            Outcome::To(node) => truth.held_within(&sample.stream, node, sample.asked, until),
            _ => false,
        };
        !is_served && truth.was_available(&sample.stream, sample.asked - settle, until)
    };
    samples.iter().filter(has_failed).collect()
}

/// The time below which 99 % of the answers stay.
pub(crate) fn percentile_99(samples: &[Sample]) -> Duration {
    let mut times: Vec<Duration> = samples.iter().map(|sample| sample.took).collect();
    times.sort_unstable();
    times[(times.len() * 99 / 100).min(times.len() - 1)]
}
