//! Publishes the clip in real time, to one name or to a hundred, from one thread.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use socket2::SockRef;

use super::clip::{Clip, FRAMES_PER_SECOND, LOOP_MS};
use super::crowd::{MSG_DONTWAIT, MSG_TRUNC};
use super::rtmp_client::RtmpClient;

/// Running publishers; they end with this value.
pub(crate) struct Publishers {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Publishers {
    /// Starts one publisher for each of `names`, in `app`; returns when all may publish.
    pub(crate) fn start(
        port: u16,
        app: &'static str,
        names: Vec<String>,
        clip: &Arc<Clip>,
    ) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (ready, accepted) = mpsc::channel();
        let (stopped, clip) = (Arc::clone(&stop), Arc::clone(clip));
        let thread = thread::spawn(move || {
            let clients = names.iter().map(|name| {
                let mut client = RtmpClient::connect(port, app)?;
                client.publish(name)?;
                Ok(client)
            });
            match clients.collect::<io::Result<Vec<RtmpClient>>>() {
                Ok(mut clients) => {
                    let _ = ready.send(Ok(()));
                    publish(&mut clients, &clip, &stopped)
                }
                Err(error) => {
                    let _ = ready.send(Err(error));
                    Ok(())
                }
            }
        });
        accepted.recv().unwrap_or_else(|_| Err(io::Error::other("the publisher died")))?;
        Ok(Self { stop, thread: Some(thread) })
    }

    /// An error where a publisher has ended.
    pub(crate) fn expect_running(&mut self) -> io::Result<()> {
        if !self.thread.as_ref().is_some_and(JoinHandle::is_finished) {
            return Ok(());
        }
        let result = self.thread.take().and_then(|thread| thread.join().ok());
        result.unwrap_or(Ok(()))?;
        Err(io::Error::other("the publisher ended"))
    }
}

impl Drop for Publishers {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Sends every frame when it is due, until stopped. One that a busy server takes late is made up
/// for; what players miss meanwhile is counted at them.
fn publish(clients: &mut [RtmpClient], clip: &Clip, stop: &AtomicBool) -> io::Result<()> {
    let begin = Instant::now();
    let mut due = BinaryHeap::new();
    let count = u32::try_from(clients.len()).unwrap_or(1);
    for (client, number) in clients.iter_mut().zip(0u32..) {
        for header in &clip.headers {
            client.send_media(header.is_video, 0, header.stamped(clip.epoch))?;
        }
        // Spread over a frame's time, as cameras are that know nothing of each other.
        let offset = Duration::from_secs(1) / FRAMES_PER_SECOND * number / count;
        due.push(Reverse((offset, number, 0u32)));
    }
    let frames_per_loop = u32::try_from(clip.frames.len()).unwrap_or(u32::MAX);
    let mut ignored = vec![MaybeUninit::uninit(); 64 << 10];
    while let Some(Reverse((at, number, sent))) = due.pop() {
        let wait = at.saturating_sub(begin.elapsed());
        thread::sleep(wait);
        if stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        let at_ms = |sent: u32| {
            let index = (sent % frames_per_loop) as usize;
            sent / frames_per_loop * LOOP_MS + clip.frames[index].at_ms
        };
        let client = &mut clients[number as usize];
        let frame = &clip.frames[(sent % frames_per_loop) as usize];
        client.send_media(frame.is_video, at_ms(sent), frame.stamped(clip.epoch))?;
        // Acknowledgements: taken, so that the server never waits to send them.
        let _ =
            SockRef::from(&client.socket).recv_with_flags(&mut ignored, MSG_TRUNC | MSG_DONTWAIT);
        let step = Duration::from_millis((at_ms(sent + 1) - at_ms(sent)).into());
        due.push(Reverse((at + step, number, sent + 1)));
    }
    Ok(())
}
