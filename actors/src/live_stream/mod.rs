//! One live stream: its inputs with their fail-over, and what it gives out.
//!
//! The actor decides which inputs run; the media itself never passes its mailbox. An input writes
//! through its [`InputWriter`] straight into the [`Broadcast`], which sessions read with their own
//! cursors.
//!
//! ```text
//!  RtmpSession ─ InputWriter ─┐
//!  file reader ─ InputWriter ─┴▶ Broadcast ─▶ sessions        (bytes)
//!  LiveStream ── starts, stops, retries inputs ─▶ StreamDirectory: what is local   (messages)
//! ```

mod broadcast;
mod facts;
mod file_input;
mod file_window;
mod input;
mod input_selector;
mod intake;
mod messages;
mod meter;
mod output;
mod pacer;
mod preview;
mod pull;
mod retry;
mod ring;
#[cfg(test)]
pub(crate) mod tests;
mod timeline;
mod viewers;
mod writer;

use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actix::prelude::*;
use watershed_media::track::Track;

pub use broadcast::{Broadcast, StreamStatus};
pub use facts::{CaptureReport, InputReport, StreamFacts};
pub use input::InputState;
pub use messages::{
    InputRunner, InputSource, InputSpec, Password, PasswordProof, Publish, PublishRefused,
    StartStream, StopStream, StreamSpec,
};
pub use meter::{Counters, Taker};
pub use output::{Container, LiveOutput, ReadyChunk};
pub use preview::Preview;
pub use pull::{InvalidPullUrl, PullLimits, PullSource, PullUrl, RtspTransport};
pub use ring::{Ring, RingCursor, RingEntry, RingLimits, RingRead};
pub use viewers::{Relay, Viewer, Viewers};
pub use writer::{InputRevoked, InputWriter};

use crate::report::{TrackReport, Tracks};
use crate::stream_directory::{LocalStream, LocalStreamChanged};
use crate::wall_clock::unix_ms;
use input::Input;
use messages::{InputEnded, WentOnAir};
pub(crate) use messages::{RemoveStream, UpdateStream};
use meter::RateMeter;

/// How often a stream looks after its inputs.
const TICK: Duration = Duration::from_millis(500);
/// How long a stream that was started counts as starting.
const STARTING_FOR: Duration = Duration::from_secs(5);

/// The actor of one stream.
#[derive(Debug)]
pub struct LiveStream {
    spec: StreamSpec,
    broadcast: Arc<Broadcast>,
    directory: Recipient<LocalStreamChanged>,
    inputs: Vec<Input>,
    /// When capture last began; `None` while idle.
    started: Option<Instant>,
    /// When somebody last watched or published, as of the last tick.
    last_wanted: Option<Instant>,
    input_rate: RateMeter,
    output_rate: RateMeter,
}

impl LiveStream {
    /// Makes the actor of `spec` around `broadcast`, telling `directory` how it fares.
    #[must_use]
    pub fn new(
        spec: StreamSpec,
        broadcast: Arc<Broadcast>,
        directory: Recipient<LocalStreamChanged>,
    ) -> Self {
        let inputs = spec.inputs.iter().map(|_| Input::default()).collect();
        Self {
            spec,
            broadcast,
            directory,
            inputs,
            started: None,
            last_wanted: None,
            input_rate: RateMeter::default(),
            output_rate: RateMeter::default(),
        }
    }

    fn tick(&mut self, ctx: &mut Context<Self>) {
        let now = Instant::now();
        if self.broadcast.viewers().is_watched() || self.has_publisher() {
            self.last_wanted = Some(now);
        }
        if self.spec.is_from_template && self.is_abandoned(now) {
            log::info!("stream {}: gone, nobody publishes or watches", self.spec.name);
            return ctx.stop();
        }
        if !self.spec.is_static && self.started.is_some() && self.is_abandoned(now) {
            self.stop_capture("nobody watches");
        }
        if self.started.is_some() {
            self.run_inputs(now, ctx);
            self.judge_status(now);
        }
        self.tell(now);
    }

    /// Starts the inputs that are wanted and due, stops those that a better one has replaced.
    fn run_inputs(&mut self, now: Instant, ctx: &Context<Self>) {
        for index in 0..self.inputs.len() {
            let is_wanted =
                self.broadcast.with_intake(|intake| intake.selector().is_wanted(index, now));
            let InputSpec { source, source_timeout, .. } = &self.spec.inputs[index];
            if *source == InputSource::Publish {
                continue;
            }
            let input = &mut self.inputs[index];
            let has_given_up = !self.spec.is_static
                && self.spec.retry_limit.is_some_and(|limit| input.retry.has_given_up(limit));
            match (&input.running, is_wanted) {
                (None, true) if input.retry.is_due(now) && !has_given_up => {
                    let (source, silence_max) = (source.clone(), *source_timeout);
                    start_input(source, silence_max, self.open_input(index, ctx));
                }
                (Some(running), false) => running.store(true, Ordering::Relaxed),
                _ => {}
            }
        }
    }

    fn open_input(&mut self, index: usize, ctx: &Context<Self>) -> InputWriter {
        let input = &mut self.inputs[index];
        input.generation += 1;
        let is_revoked = Arc::new(AtomicBool::new(false));
        input.running = Some(Arc::clone(&is_revoked));
        let (generation, timeout) = (input.generation, self.spec.inputs[index].source_timeout);
        let broadcast = Arc::clone(&self.broadcast);
        InputWriter::new(broadcast, ctx.address(), index, generation, is_revoked, timeout)
    }

    fn judge_status(&self, now: Instant) {
        if self.broadcast.is_alive(now) {
            return;
        }
        let is_young = self.started.is_some_and(|started| now - started < STARTING_FOR);
        let has_failed = self.inputs.iter().any(|input| input.error.is_some());
        let status = match (is_young, has_failed) {
            (_, true) => StreamStatus::Failed,
            (true, false) if !self.is_publish_only() => StreamStatus::Starting,
            _ => StreamStatus::Waiting,
        };
        self.broadcast.set_status(status);
    }

    fn is_publish_only(&self) -> bool {
        self.spec.inputs.iter().all(|input| input.source == InputSource::Publish)
    }

    fn is_abandoned(&self, now: Instant) -> bool {
        let last_wish = self.last_wanted.max(self.started);
        // Not `>=`: with a timeout of nothing, who is there now must still count.
        last_wish.is_some_and(|last| now - last > self.spec.clients_timeout)
    }

    fn has_publisher(&self) -> bool {
        let inputs = self.spec.inputs.iter().zip(&self.inputs);
        inputs
            .into_iter()
            .any(|(spec, input)| spec.source == InputSource::Publish && input.running.is_some())
    }

    fn start_capture(&mut self, ctx: &Context<Self>) {
        if self.started.is_some() {
            return;
        }
        let now = Instant::now();
        self.started = Some(now);
        if !self.is_publish_only() {
            self.broadcast.set_status(StreamStatus::Starting);
        }
        self.run_inputs(now, ctx);
        self.judge_status(now);
        self.tell(now);
    }

    fn stop_capture(&mut self, reason: &str) {
        for (index, input) in self.inputs.iter_mut().enumerate() {
            input.revoke();
            input.forgive();
            self.broadcast.lose_input(index);
        }
        self.started = None;
        self.broadcast.begin_anew(&new_capture_id());
        self.broadcast.set_status(StreamStatus::Idle);
        log::info!("stream {}: stopped, {reason}", self.spec.name);
    }

    /// Says how the stream fares: to the directory, and to whoever asks for its facts.
    fn tell(&mut self, now: Instant) {
        let input_kbit = self.input_kbit(now);
        let output_kbit = self.output_rate.sample(self.broadcast.counters().bytes_out(), now);
        let opened_at_ms = self.started.map(|started| {
            let age_ms = u64::try_from((now - started).as_millis()).unwrap_or(0);
            unix_ms().saturating_sub(age_ms)
        });
        let inputs = self.report_inputs(now);
        let opened_at_ms = self.broadcast.update_report(|report| {
            report.input_kbit = input_kbit;
            report.output_kbit = output_kbit.unwrap_or(0);
            // Reckoned anew it would be another millisecond each time.
            report.opened_at_ms = opened_at_ms.map(|at| report.opened_at_ms.unwrap_or(at));
            report.retry_count = self.inputs.iter().map(Input::failures).sum();
            report.source_error = self.inputs.iter().find_map(|input| input.error.clone());
            report.inputs = inputs;
            report.opened_at_ms
        });
        let stream = LocalStream {
            state: self.broadcast.status().into(),
            title: self.spec.title.clone(),
            opened_at_ms: opened_at_ms.and_then(NonZeroU64::new),
            bitrate_kbit: input_kbit.map(|kbit| u32::try_from(kbit).unwrap_or(u32::MAX)),
            clients: self.broadcast.viewers().count(),
            tracks: reported_tracks(&self.broadcast.tracks()),
            accepts_publish: self.accepts_publish(),
            is_cluster_ingest: false,
        };
        let change = LocalStreamChanged { name: self.spec.name.clone(), stream };
        self.directory.do_send(change);
    }

    /// What is received; not known in the first second of it.
    fn input_kbit(&mut self, now: Instant) -> Option<u64> {
        if self.broadcast.status() != StreamStatus::Running {
            self.input_rate.rest();
            return Some(0);
        }
        self.input_rate.sample(self.broadcast.counters().bytes_in.load(Ordering::Relaxed), now)
    }

    fn report_inputs(&mut self, now: Instant) -> Vec<InputReport> {
        let (is_capturing, inputs) = (self.started.is_some(), &mut self.inputs);
        self.broadcast.with_intake(|intake| {
            let inputs = inputs.iter_mut().enumerate();
            inputs.map(|(index, input)| input.report(index, intake, is_capturing, now)).collect()
        })
    }

    /// Whether a publisher with the right password would be let in.
    fn accepts_publish(&self) -> bool {
        let mut sources = self.spec.inputs.iter().map(|input| &input.source);
        sources.any(|source| *source == InputSource::Publish)
            && (self.spec.publish_takeover || !self.has_publisher())
    }
}

impl Actor for LiveStream {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let now = Instant::now();
        if self.spec.is_from_template {
            self.last_wanted = Some(now);
        }
        if self.spec.is_static {
            self.start_capture(ctx);
        }
        self.tell(now);
        ctx.run_interval(TICK, Self::tick);
    }

    fn stopped(&mut self, _ctx: &mut Self::Context) {
        self.inputs.iter().for_each(Input::revoke);
        self.broadcast.close();
    }
}

impl Handler<StartStream> for LiveStream {
    type Result = ();

    fn handle(&mut self, _: StartStream, ctx: &mut Self::Context) {
        self.start_capture(ctx);
    }
}

impl Handler<StopStream> for LiveStream {
    type Result = ();

    fn handle(&mut self, _: StopStream, ctx: &mut Self::Context) {
        self.stop_capture("asked by the API");
        if self.spec.is_from_template {
            ctx.stop();
        } else if self.spec.is_static {
            self.start_capture(ctx);
        }
    }
}

impl Handler<UpdateStream> for LiveStream {
    type Result = ();

    fn handle(&mut self, update: UpdateStream, ctx: &mut Self::Context) {
        self.spec = update.spec;
        self.broadcast.viewers().set_limit(self.spec.max_sessions);
        self.tick(ctx);
    }
}

impl Handler<RemoveStream> for LiveStream {
    type Result = ();

    fn handle(&mut self, _: RemoveStream, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

impl Handler<Publish> for LiveStream {
    type Result = Result<InputWriter, PublishRefused>;

    fn handle(&mut self, ask: Publish, ctx: &mut Self::Context) -> Self::Result {
        let index = self.spec.publish_input(&ask.proof)?;
        let is_busy = self.inputs[index].running.is_some();
        if is_busy && !self.spec.publish_takeover {
            return Err(PublishRefused::Busy);
        }
        if is_busy {
            // Its session ends when it next writes; what it sends no longer comes in.
            self.inputs[index].revoke();
            self.broadcast.lose_input(index);
        }
        self.started.get_or_insert_with(Instant::now);
        self.inputs[index].error = None;
        let how = if is_busy { "taken over" } else { "published" };
        log::info!("stream {}: {how} from {}", self.spec.name, ask.client);
        let writer = self.open_input(index, ctx);
        self.tell(Instant::now());
        Ok(writer)
    }
}

impl Handler<WentOnAir> for LiveStream {
    type Result = ();

    fn handle(&mut self, _: WentOnAir, _ctx: &mut Self::Context) {
        let on_air = self.broadcast.with_intake(|intake| intake.selector().on_air());
        if let Some(input) = on_air.and_then(|index| self.inputs.get_mut(index)) {
            input.retry.succeed();
            input.error = None;
        }
        self.tell(Instant::now());
    }
}

impl Handler<InputEnded> for LiveStream {
    type Result = ();

    fn handle(&mut self, ended: InputEnded, ctx: &mut Self::Context) {
        let Some(input) = self.inputs.get_mut(ended.input) else {
            return;
        };
        if input.generation != ended.generation {
            return;
        }
        // Only a publisher ends by itself. Another one that did lost its reader, to a panic.
        let was_lost = self.spec.inputs[ended.input].source != InputSource::Publish
            && input.running.take().is_some_and(|running| !running.load(Ordering::Relaxed));
        input.running = None;
        self.broadcast.lose_input(ended.input);
        let lost = || "the reader of the input ended unexpectedly".to_owned();
        if let Some(error) = ended.error.or_else(|| was_lost.then(lost)) {
            log::warn!("stream {}: {error}", self.spec.name);
            let mut jitter = [0];
            let _ = getrandom::fill(&mut jitter);
            input.fail(error, Instant::now(), jitter[0]);
        }
        self.tick(ctx);
    }
}

/// Runs what fetches or reads an input into `writer`; publishers come by themselves.
fn start_input(source: InputSource, silence_max: Duration, writer: InputWriter) {
    match source {
        InputSource::Publish => {}
        InputSource::File(path) => drop(actix_rt::spawn(file_input::run(path, writer))),
        InputSource::Pull(pull) => drop(actix_rt::spawn(pull::run(pull, silence_max, writer))),
        InputSource::Relay(runner) => drop(actix_rt::spawn(runner.run(writer))),
    }
}

/// Names one capture in segment names: 8 random hex digits, never reused.
pub(crate) fn new_capture_id() -> String {
    let mut random = [0; 4];
    let _ = getrandom::fill(&mut random);
    hex::encode(random)
}

fn reported_tracks(tracks: &[Track]) -> Tracks {
    (!tracks.is_empty()).then(|| tracks.iter().map(TrackReport::from).collect())
}
