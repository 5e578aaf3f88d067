//! Keeps one [`LiveStream`] for each configured stream, and finds them by name; makes others from
//! templates when somebody publishes them.
//!
//! The hub compares what should exist with what does: a stream whose configuration did not change
//! is not touched, one that can take the change over is told of it, any other is made anew. So is
//! one whose actor died.

mod local_streams;
mod messages;
mod templates;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use actix_rt::ArbiterHandle;
use futures_util::future::join_all;

pub use local_streams::{LocalEntry, LocalStreams};
pub use messages::{PublishTo, SetStreams, StopNamed, TemplateSpec};

use crate::limits::LimitHits;
use crate::live_stream::{
    Broadcast, InputWriter, LiveStream, Publish, PublishRefused, RemoveStream, StopStream,
    StreamSpec, StreamStatus, UpdateStream, new_capture_id,
};
use crate::names::StreamName;
use crate::node_stats::CounterValues;
use crate::published::Published;
use crate::stream_directory::{LocalStreamChanged, LocalStreamRemoved};
use crate::vod::Vods;
use templates::Templates;

/// How often the hub looks for dead streams and sums up.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);

/// What a node gives out besides its own streams.
#[derive(Clone, Debug)]
pub struct Besides {
    /// Of streams that are relayed, not captured, here.
    pub relayed: Published<CounterValues>,
    /// Of files.
    pub files: Vods,
}

/// The hub. There is one a node.
#[derive(Debug)]
pub struct StreamHub {
    streams: LocalStreams,
    templates: Templates,
    arbiters: Vec<ArbiterHandle>,
    next_arbiter: usize,
    limit_hits: LimitHits,
    totals: Published<CounterValues>,
    besides: Besides,
    /// Bytes received and given out by streams that are no more.
    bytes_gone: (u64, u64),
    changed: Recipient<LocalStreamChanged>,
    removed: Recipient<LocalStreamRemoved>,
}

impl StreamHub {
    /// Makes a hub that publishes its streams in `streams` and their sums in `totals`, what is
    /// given out `besides` included, runs them on `arbiters` in turn and tells the directory.
    #[must_use]
    pub fn new(
        streams: LocalStreams,
        arbiters: Vec<ArbiterHandle>,
        totals: Published<CounterValues>,
        besides: Besides,
        changed: Recipient<LocalStreamChanged>,
        removed: Recipient<LocalStreamRemoved>,
        limit_hits: LimitHits,
    ) -> Self {
        Self {
            streams,
            templates: Templates::default(),
            arbiters,
            next_arbiter: 0,
            limit_hits,
            totals,
            besides,
            bytes_gone: (0, 0),
            changed,
            removed,
        }
    }

    /// Starts the actor of `spec`; `previous` is what its predecessor of that name gave out.
    fn spawn(&mut self, spec: StreamSpec, previous: Option<&Broadcast>) -> LocalEntry {
        let name = spec.name.clone();
        let capture_id = new_capture_id();
        let broadcast = Arc::new(match previous {
            Some(previous) => Broadcast::following(&spec, &capture_id, previous),
            None => Broadcast::new(&spec, &capture_id),
        });
        let stream = LiveStream::new(spec.clone(), Arc::clone(&broadcast), self.changed.clone());
        let actor = match self.arbiters.get(self.next_arbiter) {
            Some(arbiter) => LiveStream::start_in_arbiter(arbiter, move |_| stream),
            None => stream.start(),
        };
        self.next_arbiter = (self.next_arbiter + 1) % self.arbiters.len().max(1);
        let entry = LocalEntry { spec: Arc::new(spec), broadcast, actor };
        self.streams.insert(name, entry.clone());
        entry
    }

    /// Tells a running stream what it is made from now.
    fn update(&self, entry: LocalEntry, spec: StreamSpec) {
        if *entry.spec == spec {
            return;
        }
        entry.actor.do_send(UpdateStream { spec: spec.clone() });
        let entry = LocalEntry { spec: Arc::new(spec), ..entry };
        self.streams.insert(entry.spec.name.clone(), entry);
    }

    /// Takes a stream out; the answer resolves once its actor will say no more.
    fn remove(&mut self, name: &StreamName) -> impl Future<Output = ()> + use<> {
        let entry = self.streams.remove(name);
        if let Some(entry) = &entry {
            self.count_gone(entry);
        }
        async move {
            if let Some(entry) = entry {
                entry.broadcast.close();
                let _ = entry.actor.send(RemoveStream).await;
            }
        }
    }

    /// Starts streams anew whose actor died of a panic: actix does not do it. Those from templates
    /// end by themselves, and are made anew when they are published again.
    fn respawn_dead(&mut self) {
        let dead = self.streams.all().into_iter().filter(|entry| !entry.actor.connected());
        for entry in dead.collect::<Vec<_>>() {
            entry.broadcast.close();
            self.count_gone(&entry);
            let name = entry.spec.name.clone();
            if entry.spec.is_from_template {
                self.streams.remove(&name);
                self.removed.do_send(LocalStreamRemoved { name });
                continue;
            }
            log::error!("stream {name}: its actor died, starting it anew");
            self.spawn(entry.spec.as_ref().clone(), Some(&entry.broadcast));
        }
    }

    /// The stream that a publisher asks for, made from a template if it is not there.
    fn find_or_make(&mut self, ask: &PublishTo) -> Result<LocalEntry, PublishRefused> {
        let existing = self.streams.find(ask.stream.as_str());
        let has_ended =
            |entry: &LocalEntry| entry.spec.is_from_template && !entry.actor.connected();
        match existing {
            Some(entry) if has_ended(&entry) => self.respawn_dead(),
            Some(entry) => return Ok(entry),
            None => {}
        }
        let spec = self.templates.spec_of(&ask.stream).ok_or(PublishRefused::UnknownStream)?;
        // A publisher that would be refused makes no stream.
        spec.publish_input(&ask.proof)?;
        if self.streams.count_from_templates() >= self.templates.streams_max {
            self.limit_hits.hit("template_streams");
            return Err(PublishRefused::TooManyStreams);
        }
        Ok(self.spawn(spec, None))
    }

    fn count_gone(&mut self, entry: &LocalEntry) {
        let facts = entry.broadcast.facts();
        self.bytes_gone.0 += facts.bytes_in;
        self.bytes_gone.1 += facts.bytes_out;
    }

    /// Publishes the sums over all streams.
    fn sum_up(&self) {
        let (relayed, files) = (self.besides.relayed.load(), self.besides.files.counters());
        let mut totals = CounterValues {
            bytes_in: self.bytes_gone.0,
            bytes_out: self.bytes_gone.1 + relayed.bytes_out + files.bytes_out,
            play_sessions: relayed.play_sessions + files.play_sessions,
            ..CounterValues::default()
        };
        for entry in self.streams.all() {
            let (facts, status) = (entry.broadcast.facts(), entry.broadcast.status());
            totals.bytes_in += facts.bytes_in;
            totals.bytes_out += facts.bytes_out;
            totals.play_sessions += u64::from(entry.broadcast.viewers().count());
            let is_captured = matches!(status, StreamStatus::Starting | StreamStatus::Running);
            totals.captured_streams += u64::from(is_captured);
            totals.online_streams += u64::from(status == StreamStatus::Running);
        }
        self.totals.publish(totals);
    }
}

impl Actor for StreamHub {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(1024);
        ctx.run_interval(WATCH_INTERVAL, |hub, _| {
            hub.respawn_dead();
            hub.sum_up();
        });
    }
}

impl Handler<SetStreams> for StreamHub {
    type Result = ();

    fn handle(&mut self, set: SetStreams, ctx: &mut Self::Context) {
        self.templates = Templates::new(set.templates, set.template_streams_max);
        let mut wanted = set.streams;
        let mut names: HashSet<StreamName> = wanted.iter().map(|spec| spec.name.clone()).collect();
        let existing = self.streams.all();
        let made = existing.iter().map(|entry| &entry.spec).filter(|spec| spec.is_from_template);
        for spec in made.filter_map(|spec| self.templates.spec_of(&spec.name)) {
            if names.insert(spec.name.clone()) {
                wanted.push(spec);
            }
        }
        let gone: Vec<StreamName> = existing
            .iter()
            .map(|entry| entry.spec.name.clone())
            .filter(|name| !names.contains(name))
            .collect();
        let mut changed: Vec<(StreamSpec, Option<Arc<Broadcast>>)> = Vec::new();
        for spec in wanted {
            match self.streams.find(spec.name.as_str()) {
                Some(entry) if entry.spec.can_become(&spec) => self.update(entry, spec),
                previous => changed.push((spec, previous.map(|entry| entry.broadcast))),
            }
        }
        let replaced = changed.iter().map(|(spec, _)| &spec.name);
        let removals: Vec<_> = gone.iter().chain(replaced).map(|name| self.remove(name)).collect();
        // An old actor must have said its last word before its successor says its first. Waiting
        // is right here: it is for actors of this process, and the next SetStreams must come after.
        let replace = join_all(removals).into_actor(self).map(move |_, hub, _| {
            for name in gone {
                hub.removed.do_send(LocalStreamRemoved { name });
            }
            for (spec, previous) in changed {
                hub.spawn(spec, previous.as_deref());
            }
        });
        ctx.wait(replace);
    }
}

impl Handler<PublishTo> for StreamHub {
    type Result = ResponseFuture<Result<InputWriter, PublishRefused>>;

    fn handle(&mut self, ask: PublishTo, _ctx: &mut Self::Context) -> Self::Result {
        let entry = self.find_or_make(&ask);
        Box::pin(async move {
            let entry = entry?;
            let publish = Publish { proof: ask.proof, client: ask.client };
            entry.actor.send(publish).await.map_err(|_| PublishRefused::NotReady)?
        })
    }
}

impl Handler<StopNamed> for StreamHub {
    type Result = bool;

    fn handle(&mut self, StopNamed(name): StopNamed, _ctx: &mut Self::Context) -> Self::Result {
        let entry = self.streams.find(name.as_str());
        if let Some(entry) = &entry {
            entry.actor.do_send(StopStream);
        }
        entry.is_some()
    }
}
