//! See `targets::TARGETS`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| watershed_fuzz::run("preview", bytes));
