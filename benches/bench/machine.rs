//! What the numbers were measured on: they mean nothing without it.

use std::fs;
use std::process::Command;

use super::plan::Plan;

/// The manifest this was built with, for the release profile's lines.
const MANIFEST: &str = include_str!("../../Cargo.toml");

/// Kernel, processor, programs and compiler, a line each.
pub(crate) fn describe(plan: &Plan) -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let lines = [
        ("kernel", read("/proc/sys/kernel/osrelease")),
        ("cpu", format!("{} ({cores} cores)", cpu_model())),
        ("memory", field("/proc/meminfo", "MemTotal")),
        ("load", read("/proc/loadavg")),
        ("nginx", first_line("nginx", "-v")),
        ("wrk", first_line("wrk", "-v")),
        ("rustc", first_line("rustc", "--version")),
        ("profile", release_profile()),
        ("daemon", format!("{} {}", first_line(&plan.daemon, "--version"), plan.daemon.display())),
    ];
    let lines = lines.map(|(name, value)| format!("{name:<8} {value}"));
    lines.join("\n")
}

/// The lines of `[profile.release]`, and the flags in the environment.
fn release_profile() -> String {
    let section = MANIFEST.split("[profile.release]").nth(1).unwrap_or_default();
    let section = section.split("\n[").next().unwrap_or_default();
    let lines = section.lines().map(str::trim);
    let lines: Vec<&str> = lines.filter(|l| !l.is_empty() && !l.starts_with('#')).collect();
    let flags = option_env!("RUSTFLAGS").unwrap_or("none");
    format!("release, opt-level = 3 unless said, {}; RUSTFLAGS {flags}", lines.join(", "))
}

fn cpu_model() -> String {
    field("/proc/cpuinfo", "model name")
}

/// The value of the first line `NAME : VALUE`.
fn field(file: &str, name: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name));
    let value = line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim());
    value.unwrap_or("unknown").to_owned()
}

fn read(file: &str) -> String {
    fs::read_to_string(file).map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())
}

/// What a program prints first, on either output.
fn first_line(program: impl AsRef<std::ffi::OsStr>, argument: &str) -> String {
    let Ok(output) = Command::new(program).arg(argument).output() else {
        return "not found".to_owned();
    };
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&text).lines().next().unwrap_or("unknown").to_owned()
}
