//! The fuzz targets as a library for the programs in `fuzz_targets/`.

mod targets;

/// Runs the target called `name`.
pub fn run(name: &str, bytes: &[u8]) {
    targets::run(name, bytes);
}
