//! Thousands of players in one thread.
//!
//! Players wait in epoll and take what has come, as real ones do: waking them is work of the server
//! too. But the load must cost far less than what it loads, so a player takes all there is at once
//! and has the kernel drop it instead of copying it (`MSG_TRUNC`). A few players of each crowd read
//! what they get and check it.

use std::cell::RefCell;
use std::ffi::c_int;
use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::net::TcpStream;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::Interest;
use tokio::task::{LocalSet, spawn_local};

/// `recv` drops the bytes instead of copying them. Source: tcp(7), since Linux 2.4.
pub(crate) const MSG_TRUNC: c_int = 0x20;

/// `recv` does not wait. Source: recv(2).
pub(crate) const MSG_DONTWAIT: c_int = 0x40;

/// Threads that open connections.
const OPENERS: usize = 16;

/// Most that is taken from a socket in one sweep.
const MOST_AT_ONCE: usize = 1 << 20;

/// Between two looks at the players that are not woken.
const REST: Duration = Duration::from_millis(100);
const SHORT_REST: Duration = Duration::from_millis(5);

/// One player: takes what has arrived, never waits.
pub(crate) trait Player: Send {
    /// The bytes of the stream that were taken, its wrapping included.
    fn take(&mut self, buffer: &mut Buffer) -> io::Result<u64>;
    /// An error where a player that checks has seen no media.
    fn proof(&self) -> Result<(), String>;
    /// The socket whose bytes wake it; one without is asked again and again.
    fn waits_on(&self) -> Option<&TcpStream> {
        None
    }
    /// Whether it wants to be asked again soon.
    fn is_busy(&self) -> bool {
        false
    }
}

/// Where bytes go to be forgotten.
pub(crate) struct Buffer(Vec<MaybeUninit<u8>>);

impl Buffer {
    /// Room for [`MOST_AT_ONCE`].
    pub(crate) fn new() -> Self {
        Self(vec![MaybeUninit::uninit(); MOST_AT_ONCE])
    }

    /// Drops up to `most` received bytes; how many, none if nothing has arrived.
    pub(crate) fn discard(&mut self, socket: &TcpStream, most: usize) -> io::Result<usize> {
        let room = &mut self.0[..most.min(MOST_AT_ONCE)];
        match SockRef::from(socket).recv_with_flags(room, MSG_TRUNC | MSG_DONTWAIT) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            other => other,
        }
    }
}

/// What is known of one player.
#[derive(Default)]
pub(crate) struct Tally {
    bytes: AtomicU64,
    /// Why it ended.
    trouble: OnceLock<String>,
}

type Joining = (Arc<Tally>, Box<dyn Player>);

/// All players of a measurement.
pub(crate) struct Crowd {
    tallies: Vec<Arc<Tally>>,
    join: mpsc::Sender<Joining>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Crowd {
    /// A crowd of none.
    pub(crate) fn new() -> Self {
        let (join, joining) = mpsc::channel();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            if let Ok(runtime) = runtime {
                LocalSet::new().block_on(&runtime, drive(joining, &stopped));
            }
        });
        Self { tallies: Vec::new(), join, stop, thread: Some(thread) }
    }

    /// Opens players until there are `count`; `open` is told the number of each.
    pub(crate) fn grow_to<F>(&mut self, count: usize, open: F) -> io::Result<()>
    where
        F: Fn(usize) -> io::Result<Box<dyn Player>> + Sync,
    {
        let numbers = Mutex::new(self.tallies.len()..count);
        let open_some = || -> io::Result<Vec<Arc<Tally>>> {
            let mut tallies = Vec::new();
            loop {
                let next = numbers.lock().map_or(None, |mut numbers| numbers.next());
                let Some(number) = next else { return Ok(tallies) };
                let player = open(number)?;
                let tally = Arc::new(Tally::default());
                let _ = self.join.send((Arc::clone(&tally), player));
                tallies.push(tally);
            }
        };
        let opened = thread::scope(|scope| {
            let openers: Vec<_> = (0..OPENERS).map(|_| scope.spawn(open_some)).collect();
            let joined = openers.into_iter().map(|opener| {
                opener.join().unwrap_or_else(|_| Err(io::Error::other("an opener panicked")))
            });
            joined.collect::<io::Result<Vec<_>>>()
        })?;
        self.tallies.extend(opened.into_iter().flatten());
        Ok(())
    }

    /// Bytes of each player so far.
    pub(crate) fn bytes(&self) -> Vec<u64> {
        self.tallies.iter().map(|tally| tally.bytes.load(Ordering::Relaxed)).collect()
    }

    /// Ends the players and has those that check prove that they saw media: the first trouble.
    pub(crate) fn finish(mut self) -> Option<String> {
        self.stop();
        self.trouble()
    }

    /// The first trouble, with the number of players in trouble.
    pub(crate) fn trouble(&self) -> Option<String> {
        let mut troubles = self.tallies.iter().filter_map(|tally| tally.trouble.get());
        let first = troubles.next()?;
        Some(format!("{} players in trouble, the first: {first}", troubles.count() + 1))
    }

    fn stop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Drives the players that join until told to stop.
async fn drive(joining: mpsc::Receiver<Joining>, stop: &AtomicBool) {
    let buffer = Rc::new(RefCell::new(Buffer::new()));
    let mut swept: Vec<Joining> = Vec::new();
    let mut waiting = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        for (tally, player) in joining.try_iter() {
            match player.waits_on().map(TcpStream::try_clone) {
                None => swept.push((tally, player)),
                Some(Err(error)) => tally.is_in_trouble(&error),
                Some(Ok(socket)) => {
                    let player = Rc::new(RefCell::new(player));
                    waiting.push((Arc::clone(&tally), Rc::clone(&player)));
                    spawn_local(wait(socket, tally, player, Rc::clone(&buffer)));
                }
            }
        }
        let mut is_busy = false;
        swept.retain_mut(|(tally, player)| {
            let is_playing = step(tally, &mut **player, &mut buffer.borrow_mut());
            is_busy |= player.is_busy();
            is_playing
        });
        tokio::time::sleep(if is_busy { SHORT_REST } else { REST }).await;
    }
    let swept = swept.iter().map(|(tally, player)| (tally, player.proof()));
    let waiting = waiting.iter().map(|(tally, player)| (tally, player.borrow().proof()));
    for (tally, proof) in swept.chain(waiting) {
        if let Err(trouble) = proof {
            tally.is_in_trouble(&trouble);
        }
    }
}

/// One player that is woken by what arrives.
async fn wait(
    socket: TcpStream,
    tally: Arc<Tally>,
    player: Rc<RefCell<Box<dyn Player>>>,
    buffer: Rc<RefCell<Buffer>>,
) {
    let Ok(socket) = tokio::net::TcpStream::from_std(socket) else {
        tally.is_in_trouble(&"epoll takes no more sockets");
        return;
    };
    let mut is_playing = true;
    while is_playing && socket.readable().await.is_ok() {
        // All that has come is taken at once, so the socket always waits for more afterwards.
        let _ = socket.try_io(Interest::READABLE, || {
            is_playing = step(&tally, &mut **player.borrow_mut(), &mut buffer.borrow_mut());
            io::Result::<()>::Err(io::ErrorKind::WouldBlock.into())
        });
    }
}

/// Has a player take what is there; whether it goes on.
fn step(tally: &Tally, player: &mut dyn Player, buffer: &mut Buffer) -> bool {
    match player.take(buffer) {
        Ok(taken) => {
            tally.bytes.fetch_add(taken, Ordering::Relaxed);
            true
        }
        Err(error) => {
            tally.is_in_trouble(&error);
            false
        }
    }
}

impl Tally {
    /// Keeps the first trouble.
    fn is_in_trouble(&self, trouble: &dyn fmt::Display) {
        let _ = self.trouble.set(trouble.to_string());
    }
}
