//! The command line: `watershed run`, `check` and `hash-password`, and the exit codes.
//!
//! Exit codes (SPEC section 2): 0 done, 1 invalid configuration, 2 usage, 3 an address is taken.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::settings::{self, Diagnostic, Environment, LoadError, Loaded, Severity, password};

/// Where the configuration is looked for when none is named, in this order.
const DEFAULT_FILES: [&str; 2] = ["/etc/watershed/watershed.conf", "config/watershed.conf"];

const INVALID: u8 = 1;
/// The longest password that is hashed.
const PASSWORD_BYTES_MAX: u64 = 1024;

#[derive(Debug, Parser)]
#[command(name = "watershed", version, about = "A clustered media streamer")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the daemon in the foreground
    Run {
        /// The configuration file
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Checks the configuration and shows every error
    Check {
        /// The configuration file
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Reads a password from standard input and prints its hash for the config
    HashPassword,
}

/// Does what the command line says; `run` is the daemon, `targets` describes where each peer's
/// clients are sent.
pub fn main(
    run: impl FnOnce(Loaded) -> ExitCode,
    targets: impl Fn(&settings::Settings) -> Vec<String>,
) -> ExitCode {
    // Ends the process by itself: 2 for wrong usage, 0 for --help and --version.
    let arguments = Arguments::parse();
    let environment = Environment::of_process();
    match arguments.command {
        Command::Run { config } => match found(config).and_then(|path| read(&path, &environment)) {
            Ok(loaded) => {
                for warning in &loaded.warnings {
                    log::warn!("config {warning}");
                }
                run(loaded)
            }
            Err(text) => refuse(&text),
        },
        Command::Check { config } => {
            match found(config).and_then(|path| read(&path, &environment)) {
                Ok(loaded) => approve(&loaded, &targets(&loaded.settings)),
                Err(text) => refuse(&text),
            }
        }
        Command::HashPassword => match password_hash(io::stdin().lock()) {
            Ok(hash) => {
                let _ = writeln!(io::stdout(), "{hash}");
                ExitCode::SUCCESS
            }
            Err(text) => refuse(&text),
        },
    }
}

/// The hash of the password that is the only line of `input`, its end left out.
fn password_hash(input: impl Read) -> Result<String, String> {
    let mut text = String::new();
    let read = input.take(PASSWORD_BYTES_MAX + 2).read_to_string(&mut text);
    read.map_err(|error| format!("standard input: {error}\n"))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let password = line.strip_suffix('\r').unwrap_or(line);
    if password.is_empty() || password.contains(char::is_control) {
        return Err("standard input: one line with a password is expected\n".to_owned());
    }
    if u64::try_from(password.len()).is_ok_and(|bytes| bytes > PASSWORD_BYTES_MAX) {
        return Err(format!("standard input: at most {PASSWORD_BYTES_MAX} bytes are expected\n"));
    }
    password::hash(password).map_err(|error| format!("{error}\n"))
}

fn found(config: Option<PathBuf>) -> Result<PathBuf, String> {
    if let Some(path) = config {
        return Ok(path);
    }
    let mut files = DEFAULT_FILES.iter().map(PathBuf::from);
    files.find(|path| path.exists()).ok_or_else(|| {
        format!(
            "no configuration: neither {} nor {}; name one with --config FILE\n",
            DEFAULT_FILES[0], DEFAULT_FILES[1]
        )
    })
}

fn read(path: &Path, environment: &Environment) -> Result<Loaded, String> {
    settings::load(path, environment).map_err(|error| match error {
        LoadError::Rejected(rejected) => report(&rejected.diagnostics),
        error @ LoadError::Unreadable { .. } => format!("{error}\n"),
    })
}

/// Every diagnostic with the line it is about, and how many there are.
fn report(diagnostics: &[Diagnostic]) -> String {
    let mut text: String =
        diagnostics.iter().map(|one| format!("{one}\n{}\n", one.snippet())).collect();
    let errors = diagnostics.iter().filter(|one| one.severity == Severity::Error).count();
    let plural = if errors == 1 { "" } else { "s" };
    text.push_str(&format!("{errors} error{plural}\n"));
    text
}

fn refuse(text: &str) -> ExitCode {
    // With stderr gone there is nobody left to tell.
    let _ = io::stderr().write_all(text.as_bytes());
    ExitCode::from(INVALID)
}

fn approve(loaded: &Loaded, targets: &[String]) -> ExitCode {
    let warnings: String =
        loaded.warnings.iter().map(|one| format!("{one}\n{}\n", one.snippet())).collect();
    let mut text = format!("{}: ok\n", loaded.path().display());
    for target in targets {
        text.push_str(target);
        text.push('\n');
    }
    let _ = io::stderr().write_all(warnings.as_bytes());
    let _ = io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from([&["watershed"], words].concat())
    }

    #[test]
    fn commands_take_a_file() {
        let arguments = parse(&["run", "--config", "a.conf"]).unwrap();
        assert!(matches!(arguments.command, Command::Run { config: Some(_) }));
        assert!(matches!(parse(&["check"]).unwrap().command, Command::Check { config: None }));
    }

    #[test]
    fn wrong_usage_is_exit_code_2_and_help_is_0() {
        assert_eq!(parse(&[]).unwrap_err().exit_code(), 2);
        assert_eq!(parse(&["walk"]).unwrap_err().exit_code(), 2);
        assert_eq!(parse(&["--help"]).unwrap_err().exit_code(), 0);
        assert_eq!(parse(&["--version"]).unwrap_err().exit_code(), 0);
    }

    #[test]
    fn password_is_one_line_of_some_length() {
        let hash = password_hash(&b"s3cret w\xc3\xb6rd\r\n"[..]).unwrap();
        let hash = password::PasswordHash::parse(&hash).unwrap();
        assert!(hash.matches("s3cret wörd".as_bytes()));
        let long = "x".repeat(2000);
        for wrong in ["", "\n", "a\nb\n", "a\tb", &long] {
            assert!(password_hash(wrong.as_bytes()).is_err(), "{wrong:?}");
        }
        assert!(password_hash(&b"\xff"[..]).is_err());
    }

    #[test]
    fn all_errors_are_reported_with_their_lines() {
        let text = "http 8081\nhttp x;\npeer b { fetch_timout 1; }\n";
        let path = Path::new("a.conf");
        let error = settings::from_text(path, text, &Environment::default()).unwrap_err();
        let report = report(&error.diagnostics);
        for part in [
            "a.conf:1:10: `;` is missing",
            "a.conf:2:6: ",
            "a.conf:3:10: unknown word",
            "did you mean `fetch_timeout`?",
            "a.conf:3:1: peer `b` without a cluster key",
            "  http x;\n       ^\n",
            "4 errors\n",
        ] {
            assert!(report.contains(part), "{part} not in:\n{report}");
        }
    }
}
