//! A person at the console of a node: real pages in headless Chromium, told apart by what is read
//! on them and used by what is pressed. Driven by console.mjs, one line a deed.
//!
//! Whatever a page complains of fails the scenario, unless it was expected, and then it has to
//! come.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::node::Node;
use super::process::Process;
use super::{eventually, media};

/// Above the 20 s that the browser waits for what a page is to show.
const LIMIT: Duration = Duration::from_secs(40);

/// A browser with its tabs; what is done is done in one of them.
pub(crate) struct Console {
    process: Process,
    asked: usize,
    /// Words of complaints that may come, and whether they have, or need not.
    expected: Vec<(String, bool)>,
}

/// What the video of a player does at one moment.
#[derive(Debug, Clone, Copy)]
struct Sight {
    time_s: f64,
    frames: u64,
}

impl Console {
    /// A browser with one tab, at `url`; what is done is logged in the folder of `node`.
    #[track_caller]
    pub(crate) fn open(url: &str, node: &Node) -> Self {
        let mut command = Command::new("node");
        command.arg(media::root().join("tests/support/console.mjs"));
        let process = Process::start("console", &mut command, &node.log_path("console"));
        let mut console = Self { process, asked: 0, expected: Vec::new() };
        console.open_tab(url);
        console
    }

    /// One more tab, which is used from now on.
    #[track_caller]
    pub(crate) fn open_tab(&mut self, url: &str) {
        self.ask(json!({"do": "open", "url": url}));
    }

    /// One more tab: a page of another origin that shows `url` in a frame.
    #[track_caller]
    pub(crate) fn open_framing(&mut self, url: &str) {
        self.ask(json!({"do": "openFraming", "url": url}));
    }

    /// Goes on in another tab: they are counted from 0 as they were opened.
    #[track_caller]
    pub(crate) fn look(&mut self, tab: usize) {
        self.ask(json!({"do": "look", "tab": tab}));
    }

    /// Loads the page anew.
    #[track_caller]
    pub(crate) fn reload(&mut self) {
        self.ask(json!({"do": "reload"}));
    }

    /// Clicks on a link.
    #[track_caller]
    pub(crate) fn follow(&mut self, name: &str) {
        self.ask(json!({"do": "follow", "what": name}));
    }

    /// Clicks on a button.
    #[track_caller]
    pub(crate) fn press(&mut self, name: &str) {
        self.press_in("main", name);
    }

    /// Clicks on a button in a part of the page.
    #[track_caller]
    pub(crate) fn press_in(&mut self, part: &str, name: &str) {
        self.ask(json!({"do": "press", "what": name, "within": part}));
    }

    /// Replaces what stands in a field.
    #[track_caller]
    pub(crate) fn fill(&mut self, label: &str, text: &str) {
        self.ask(json!({"do": "fill", "what": label, "text": text}));
    }

    /// Chooses from a list.
    #[track_caller]
    pub(crate) fn choose(&mut self, label: &str, option: &str) {
        self.ask(json!({"do": "choose", "what": label, "text": option}));
    }

    /// What stands in a field.
    #[track_caller]
    pub(crate) fn read(&mut self, label: &str) -> String {
        self.ask(json!({"do": "read", "what": label})).as_str().unwrap().to_owned()
    }

    /// Waits until `text` is in sight.
    #[track_caller]
    pub(crate) fn sees(&mut self, text: &str) {
        self.sees_in("main", text);
    }

    /// Waits until `text` is in sight in a part of the page.
    #[track_caller]
    pub(crate) fn sees_in(&mut self, part: &str, text: &str) {
        self.ask(json!({"do": "sees", "what": text, "within": part}));
    }

    /// Waits until `text` is not in sight in a part of the page.
    #[track_caller]
    pub(crate) fn lacks_in(&mut self, part: &str, text: &str) {
        self.ask(json!({"do": "lacks", "what": text, "within": part}));
    }

    /// All text of a part of the page, as it is now.
    #[track_caller]
    pub(crate) fn text_of(&mut self, part: &str) -> String {
        self.ask(json!({"do": "text", "within": part})).as_str().unwrap().to_owned()
    }

    /// The page's address.
    #[track_caller]
    pub(crate) fn address(&mut self) -> String {
        self.ask(json!({"do": "address"})).as_str().unwrap().to_owned()
    }

    /// What the browser shows in the frame of the page.
    #[track_caller]
    pub(crate) fn address_of_frame(&mut self) -> String {
        self.ask(json!({"do": "frame"})).as_str().unwrap().to_owned()
    }

    /// Presses play in the player of the page.
    #[track_caller]
    pub(crate) fn play(&mut self) {
        self.ask(json!({"do": "play"}));
    }

    /// Waits until `text` is in sight in the player of the page.
    #[track_caller]
    pub(crate) fn sees_in_player(&mut self, text: &str) {
        self.ask(json!({"do": "seesInPlayer", "what": text}));
    }

    /// Waits until the player of the page has shown `seconds` more.
    #[track_caller]
    pub(crate) fn wait_playing(&mut self, seconds: f64) {
        let first = eventually(LIMIT, "the player shows frames", || {
            Some(self.video()).filter(|sight| sight.frames > 0).ok_or("none yet".to_owned())
        });
        eventually(LIMIT, "the player plays on", || {
            let sight = self.video();
            let is_on = sight.time_s >= first.time_s + seconds && sight.frames > first.frames;
            if is_on { Ok(()) } else { Err(format!("{first:?}, then {sight:?}")) }
        });
    }

    #[track_caller]
    fn video(&mut self) -> Sight {
        let sight = self.ask(json!({"do": "video"}));
        Sight {
            time_s: sight["time"].as_f64().unwrap_or_default(),
            frames: sight["frames"].as_u64().unwrap_or_default(),
        }
    }

    /// From now on complaints with these words in them may come.
    pub(crate) fn allow_fault(&mut self, words: &str) {
        self.expected.push((words.to_owned(), true));
    }

    /// From now on complaints with these words in them may come, and one has to.
    pub(crate) fn expect_fault(&mut self, words: &str) {
        self.expected.push((words.to_owned(), false));
    }

    /// Closes all; fails if a complaint that was expected has not come.
    #[track_caller]
    pub(crate) fn close(mut self) {
        self.address(); // Brings the last faults.
        let missing: Vec<_> = self.expected.iter().filter(|(_, has_come)| !has_come).collect();
        assert!(missing.is_empty(), "never complained of: {missing:?}");
    }

    #[track_caller]
    fn ask(&mut self, asked: Value) -> Value {
        self.process.tell(&asked.to_string());
        let index = self.asked;
        self.asked += 1;
        let told = eventually(LIMIT, &asked.to_string(), || {
            let ended = self.process.ended();
            assert!(ended.is_none(), "the browser ended: {ended:?}\n{}", self.process.log());
            let log = self.process.log();
            let told = log.lines().filter(|line| line.starts_with('{')).nth(index);
            let told: Option<Value> = told.and_then(|line| serde_json::from_str(line).ok());
            told.ok_or_else(|| log.lines().last().unwrap_or("nothing is told").to_owned())
        });
        for fault in told["faults"].as_array().unwrap() {
            let fault = fault.as_str().unwrap();
            let mut expected = self.expected.iter_mut();
            match expected.find(|(words, _)| fault.contains(words.as_str())) {
                Some((_, has_come)) => *has_come = true,
                None => panic!("{asked}: the page complains: {fault}"),
            }
        }
        if let Some(failed) = told["failed"].as_str() {
            panic!("{asked}: {failed}\n--- in sight\n{}", told["sight"].as_str().unwrap_or(""));
        }
        told["answer"].clone()
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        // Chromium ends with the script's input; without this it would be left behind.
        self.process.end_input();
    }
}

/// The part of a page that is the row with `name` in it: of a table, or of a list.
pub(crate) fn row(name: &str) -> String {
    format!("main :is(tr, li):has-text('{name}')")
}

/// The badge in the row of `name`.
pub(crate) fn badge(name: &str) -> String {
    format!("{} .badge", row(name))
}

/// The part of a form that is the field of that id, with what is wrong with it.
pub(crate) fn fault_at(id: &str) -> String {
    format!("main #{id}-error")
}
