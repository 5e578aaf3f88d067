//! A peer from outside: a scripted fetcher in, messages to the directory out.
