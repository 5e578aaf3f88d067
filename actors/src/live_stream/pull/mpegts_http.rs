//! `tshttp://` and `tshttps://`: MPEG-TS that does not end, by HTTP.

use std::convert::Infallible;

use futures_util::StreamExt as _;
use watershed_media::mpegts::Demuxer;

use super::connection::Origin;
use super::error::PullError;
use super::sink::Sink;
use super::source::PullSource;
use super::web::Web;

/// Plays until the server ends it.
pub(super) async fn play(source: &PullSource, sink: &Sink) -> Result<Infallible, PullError> {
    let url = source.url.as_http().ok_or(PullError::Scheme)?;
    let web = Web::new(&source.url, &source.egress)?;
    let (_, mut body) = web.get(url, Origin::Config).await?;
    let mut demuxer = Demuxer::new();
    let mut items = Vec::new();
    while let Some(piece) = body.next().await {
        demuxer.push(&piece.map_err(|error| PullError::Media(error.to_string()))?, &mut items);
        sink.write_all(&mut items)?;
    }
    demuxer.finish(&mut items);
    sink.write_all(&mut items)?;
    Err(PullError::Ended(String::new()))
}
