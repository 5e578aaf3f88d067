//! What once broke a parser does not break it again: the inputs of `fuzz/corpus-broken`, and the
//! seeds of `make fuzz`, through the same functions that libFuzzer calls.
#![expect(clippy::unwrap_used, reason = "a test that cannot read its inputs has to fail")]

use std::fs;
use std::path::Path;

#[path = "../fuzz/src/targets/mod.rs"]
mod targets;

/// Runs every file of `FOLDER/TARGET/`; how many there were.
fn replay(folder: &str) -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut count = 0;
    for target in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if !target.file_type().unwrap().is_dir() {
            continue;
        }
        let name = target.file_name().into_string().unwrap();
        for input in fs::read_dir(target.path()).unwrap().map(Result::unwrap) {
            targets::run(&name, &fs::read(input.path()).unwrap());
            count += 1;
        }
    }
    count
}

#[test]
fn what_once_broke_a_parser_does_not_break_it_again() {
    replay("fuzz/corpus-broken");
}

#[test]
fn seeds_pass_their_targets() {
    assert!(replay("fuzz/seeds") > 10);
}

#[test]
fn every_target_has_its_program() {
    for (name, _) in targets::TARGETS {
        let program = format!("fuzz/fuzz_targets/{name}.rs");
        let program = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(program));
        assert!(program.unwrap().contains(&format!("run(\"{name}\"")), "{name}");
    }
}
