//! Sees to it that the folder of the built web UI exists, and that a new one is taken in.
//!
//! The binary embeds `web-ui/dist`. Without that folder the derive macro would fail, and naming a
//! folder that does not exist would make cargo rebuild each time; an empty one yields a binary that
//! says that its web UI was not built.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let dist = Path::new("web-ui/dist");
    std::fs::create_dir_all(dist)?;
    println!("cargo::rerun-if-changed={}", dist.display());
    Ok(())
}
