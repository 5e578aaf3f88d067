//! A peer from outside: a scripted fetcher in, messages to the directory out; and the real fetcher
//! against small servers on loopback.

mod asking;
mod fetching;
pub(crate) mod scripted;
