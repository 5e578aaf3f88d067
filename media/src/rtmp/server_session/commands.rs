//! What a peer's commands and media do to a session.

use super::answers;
use super::events::{ConnectRequest, Event, RequestId, RtmpError, StreamRequest};
use super::{Asked, Client, Role, ServerSession};
use crate::rtmp::amf0::Value;
use crate::rtmp::incoming::{self, Incoming};
use crate::rtmp::live::PLAY_STREAM_ID;
use crate::rtmp::message::{Command, Message};
use crate::rtmp::stream_name::StreamAddress;

impl ServerSession {
    /// Obeys a command; one that is not known is answered if it asks for it, and no more.
    pub(super) fn obey_command(&mut self, message: &Message) -> Result<(), RtmpError> {
        let limits = self.config.limits.amf;
        let command = Command::decode(message.kind, &message.payload, limits)?;
        match command.name.as_str() {
            "connect" => self.connect(&command)?,
            // A connection has one stream at a time, so one number does.
            "createStream" => {
                let id = Value::Number(PLAY_STREAM_ID.into());
                self.command(&answers::result(command.transaction, id));
            }
            "publish" => self.publish(&command, message.stream_id)?,
            "play" => self.play(&command, message.stream_id)?,
            "FCPublish" => {
                if let Some(client) = &mut self.client {
                    client.uses_fc_publish = true;
                }
                self.answer(&command, Value::Undefined);
            }
            "FCUnpublish" | "closeStream" | "deleteStream" => {
                let deleted = command.arguments.first().and_then(Value::as_u32);
                if deleted.is_none() || deleted == self.role.stream_id() {
                    self.end_role();
                }
                self.answer(&command, Value::Undefined);
            }
            // How long a live stream is: unknown.
            "getStreamLength" => self.answer(&command, Value::Number(0.0)),
            "_result" | "_error" | "onStatus" => {}
            // releaseStream, _checkbw, pause, receiveAudio, … and what nobody has heard of.
            _ => self.answer(&command, Value::Undefined),
        }
        Ok(())
    }

    /// Takes media or metadata of a publisher; of others it is ignored.
    pub(super) fn media(&mut self, message: &Message) -> Result<(), RtmpError> {
        let Role::Publisher { demuxer, .. } = &mut self.role else {
            return Ok(());
        };
        for media in incoming::read(demuxer, message, self.config.limits.amf)? {
            self.raise(match media {
                Incoming::Item(item) => Event::Item(item),
                Incoming::MetaData(properties) => Event::MetaData(properties),
            });
        }
        Ok(())
    }

    /// Ends publishing or playing.
    pub(super) fn end_role(&mut self) {
        match std::mem::replace(&mut self.role, Role::Idle) {
            Role::Idle => return,
            Role::Publisher { stream_id, mut demuxer } => {
                for item in demuxer.finish() {
                    self.raise(Event::Item(item));
                }
                self.status(stream_id, "NetStream.Unpublish.Success", "no longer publishing");
                self.raise(Event::PublishEnded);
            }
            Role::Player { stream_id } => {
                self.status(stream_id, "NetStream.Play.Stop", "no longer playing");
                self.raise(Event::PlayEnded);
            }
        }
        self.reader.set_granted(false);
        self.deadline = self.now + self.config.limits.request_timeout;
    }

    fn connect(&mut self, command: &Command) -> Result<(), RtmpError> {
        if self.client.is_some() {
            return Err(RtmpError::OutOfOrder { name: "connect" });
        }
        let text = |name| command.object.get(name).and_then(Value::as_str).unwrap_or_default();
        let (app, tc_url) = (text("app").to_owned(), text("tcUrl").to_owned());
        let capabilities = command.object.get("capsEx").and_then(Value::as_u32);
        let fourccs = fourccs(&command.object);
        let is_enhanced = capabilities.is_some() || !fourccs.is_empty();
        let request = ConnectRequest {
            flash_version: text("flashVer").to_owned(),
            reconnects: capabilities.is_some_and(|bits| bits & 1 == 1),
            fourccs,
            address: StreamAddress::new(&app, &tc_url, ""),
            parameters: command.object.clone(),
            app: app.clone(),
            tc_url: tc_url.clone(),
        };
        self.client = Some(Client { app, tc_url, is_accepted: false, uses_fc_publish: false });
        self.asked = Some(Asked::Connect { transaction: command.transaction, is_enhanced });
        self.raise(Event::ConnectRequested(request));
        Ok(())
    }

    fn publish(&mut self, command: &Command, stream_id: u32) -> Result<(), RtmpError> {
        let stream = self.requested_stream(command, "publish")?;
        if !matches!(self.role, Role::Idle) {
            let text = "this connection has a stream already";
            let code = "NetStream.Publish.BadName";
            self.command(&answers::stream_status(stream_id, answers::ERROR, code, text));
            return Ok(());
        }
        self.asked = Some(Asked::Publish { request: stream.request, stream_id });
        self.raise(Event::PublishRequested(stream));
        Ok(())
    }

    fn play(&mut self, command: &Command, stream_id: u32) -> Result<(), RtmpError> {
        let stream = self.requested_stream(command, "play")?;
        if !matches!(self.role, Role::Idle) {
            let text = "this connection has a stream already";
            let code = "NetStream.Play.Failed";
            self.command(&answers::stream_status(stream_id, answers::ERROR, code, text));
            return Ok(());
        }
        self.asked = Some(Asked::Play { request: stream.request, stream_id });
        self.raise(Event::PlayRequested(stream));
        Ok(())
    }

    /// Puts together which stream is meant. A name that is no string counts as empty: ffmpeg and
    /// Flash send null when the app says it all.
    fn requested_stream(
        &mut self,
        command: &Command,
        name: &'static str,
    ) -> Result<StreamRequest, RtmpError> {
        let Some(client) = self.client.as_ref().filter(|client| client.is_accepted) else {
            return Err(RtmpError::OutOfOrder { name });
        };
        let stream = command.text(0).unwrap_or_default();
        let address = StreamAddress::new(&client.app, &client.tc_url, stream);
        self.requests = self.requests.wrapping_add(1);
        let request = RequestId(self.requests);
        let StreamAddress { name, parameters, query } = address;
        Ok(StreamRequest { request, name, parameters, query })
    }

    /// Answers a call that asks for an answer.
    fn answer(&mut self, command: &Command, value: Value) {
        if command.transaction != 0.0 {
            self.command(&answers::result(command.transaction, value));
        }
    }
}

/// The codecs that a client names at connect. Source: E-RTMP v2, enhancing connect.
fn fourccs(object: &Value) -> Vec<String> {
    let mut names = Vec::new();
    if let Some(Value::StrictArray(list)) = object.get("fourCcList") {
        names.extend(list.iter().filter_map(Value::as_str).map(str::to_owned));
    }
    for map in ["videoFourCcInfoMap", "audioFourCcInfoMap"] {
        if let Some(Value::Object(entries) | Value::EcmaArray(entries)) = object.get(map) {
            names.extend(entries.iter().map(|(name, _)| name.clone()));
        }
    }
    names
}
