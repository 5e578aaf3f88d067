//! Keeps the settings in force: one writer, many readers.
//!
//! ```text
//! change ─▶ lock ▸ precondition ▸ edit a copy ▸ validate ▸ save ▸ publish ▸ apply ─▶ answer
//!                  └──────────── any error: nothing has changed ─┘
//! SIGHUP ─▶ lock ▸ read the files anew ▸ validate ▸ publish ▸ apply
//! ```
//!
//! Readers never wait: they hold the settings that were in force when they looked.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use thiserror::Error;
use tokio::sync::Mutex;
use watershed_actors::published::Published;

use super::change::find_item;
use super::{ChangeError, Diagnostic, Edit, LoadError, Loaded, Settings};

/// Tells the actors of new settings; sends messages and does not block.
pub type Apply = dyn Fn(&Loaded) + Send + Sync;

/// The settings in force, and the one place where they change. Cheap to clone.
#[derive(Clone)]
pub struct Keeper {
    shared: Arc<Shared>,
}

struct Shared {
    current: Published<Loaded>,
    started: Arc<Settings>,
    writer: Mutex<()>,
    apply: Box<Apply>,
    is_file_broken: AtomicBool,
    /// New at each start, so that a tag tells nothing of the secrets it was made from.
    tag_hasher: RandomState,
}

/// What a change takes for granted about its item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing.
    #[default]
    None,
    /// It is there.
    Exists,
    /// It is not there.
    IsNew,
    /// Its tag is one of these.
    HasTag(Vec<String>),
}

/// Why nothing changed.
#[derive(Debug, Error)]
pub enum KeepError {
    /// The precondition does not hold.
    #[error("the item was changed meanwhile")]
    ItemChanged,
    /// The change cannot be made.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// The change broke off half-way; the log knows where.
    #[error("the change broke off")]
    BrokeOff,
}

impl Keeper {
    /// Keeps `loaded`, which the node starts with and has applied; later settings are given to
    /// `apply`.
    #[must_use]
    pub fn new(loaded: Loaded, apply: Box<Apply>) -> Self {
        let shared = Shared {
            started: Arc::clone(&loaded.settings),
            current: Published::new(loaded),
            writer: Mutex::default(),
            apply,
            is_file_broken: AtomicBool::new(false),
            tag_hasher: RandomState::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The settings in force.
    #[must_use]
    pub fn current(&self) -> Arc<Loaded> {
        self.shared.current.load()
    }

    /// What someone should look at in `loaded`, and what of it waits for the next start.
    #[must_use]
    pub fn warnings(&self, loaded: &Loaded) -> Vec<Diagnostic> {
        let waiting = loaded.waiting(&self.shared.started);
        loaded.warnings.iter().cloned().chain(waiting).collect()
    }

    /// Whether the last reload found a file that cannot be used; older settings are in force.
    #[must_use]
    pub fn is_file_broken(&self) -> bool {
        self.shared.is_file_broken.load(Ordering::Relaxed)
    }

    /// Marks the state of an item: another one after each change. `None` if the files lack it.
    #[must_use]
    pub fn tag(&self, loaded: &Loaded, collection: &str, name: &str) -> Option<String> {
        let item = find_item(&loaded.explicit, collection, name)?;
        let mark = self.shared.tag_hasher.hash_one((collection, item.to_string()));
        Some(format!("{mark:016x}"))
    }

    /// Marks the state of all files together: another one after each change.
    #[must_use]
    pub fn config_tag(&self, loaded: &Loaded) -> String {
        let files = loaded.document.files.iter().map(|file| (&file.path, &file.source.text));
        let mark = self.shared.tag_hasher.hash_one(files.collect::<Vec<_>>());
        format!("{mark:016x}")
    }

    /// Makes the change, on disk and in force.
    ///
    /// Errors: [`KeepError`], and nothing has changed, neither on disk nor in force.
    pub async fn change(
        &self,
        edit: Edit,
        precondition: Precondition,
    ) -> Result<Arc<Loaded>, KeepError> {
        let keeper = self.clone();
        // A task of its own: a client that goes away in the middle must not leave a change that is
        // on disk and not in force.
        let change = actix_rt::spawn(async move { keeper.change_now(edit, &precondition).await });
        change.await.map_err(|error| broke_off(&error))?
    }

    async fn change_now(
        &self,
        edit: Edit,
        precondition: &Precondition,
    ) -> Result<Arc<Loaded>, KeepError> {
        let _writing = self.shared.writer.lock().await;
        let current = self.current();
        self.check(&current, &edit, precondition)?;
        let what = edit.to_string();
        let change = actix_rt::task::spawn_blocking(move || current.apply(&edit));
        let next = change.await.map_err(|error| broke_off(&error))??;
        log::info!("config: {what} through the API");
        let known: Vec<String> =
            self.warnings(&self.current()).into_iter().map(|w| w.what).collect();
        let is_new = |warning: &Diagnostic| !known.contains(&warning.what);
        self.put_in_force(next, is_new);
        Ok(self.current())
    }

    /// Reads the files anew and puts them in force. For SIGHUP.
    ///
    /// Errors: why the files cannot be used; the settings in force stay.
    pub async fn reload(&self) -> Result<(), LoadError> {
        let _writing = self.shared.writer.lock().await;
        let current = self.current();
        let path = current.path().to_owned();
        let reload = actix_rt::task::spawn_blocking(move || current.reload());
        let result = reload.await.unwrap_or_else(|error| {
            Err(LoadError::Unreadable { path, source: std::io::Error::other(error) })
        });
        self.shared.is_file_broken.store(result.is_err(), Ordering::Relaxed);
        match result {
            Ok(next) => {
                log::info!("config: {} was read anew", next.path().display());
                self.put_in_force(next, |_| true);
                Ok(())
            }
            Err(error) => {
                log_refusal(&error);
                Err(error)
            }
        }
    }

    fn check(
        &self,
        current: &Loaded,
        edit: &Edit,
        precondition: &Precondition,
    ) -> Result<(), KeepError> {
        let tag = match edit {
            Edit::Put { collection, name, .. } | Edit::Delete { collection, name } => {
                self.tag(current, collection, name)
            }
            Edit::Config { .. } | Edit::Text { .. } => Some(self.config_tag(current)),
        };
        let holds = match precondition {
            Precondition::None => true,
            Precondition::Exists => tag.is_some(),
            Precondition::IsNew => tag.is_none(),
            Precondition::HasTag(tags) => tag.is_some_and(|tag| tags.contains(&tag)),
        };
        if holds { Ok(()) } else { Err(KeepError::ItemChanged) }
    }

    /// Logs those of its warnings that are `news`.
    fn put_in_force(&self, next: Loaded, news: impl Fn(&Diagnostic) -> bool) {
        for warning in self.warnings(&next).iter().filter(|warning| news(warning)) {
            log::warn!("config: {warning}");
        }
        // A file that was just written, or read, is good.
        self.shared.is_file_broken.store(false, Ordering::Relaxed);
        self.shared.current.publish(next);
        (self.shared.apply)(&self.current());
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper").field("current", &self.current()).finish_non_exhaustive()
    }
}

fn broke_off(error: &dyn std::error::Error) -> KeepError {
    log::error!("config: a change broke off: {error}");
    KeepError::BrokeOff
}

fn log_refusal(error: &LoadError) {
    match error {
        LoadError::Rejected(rejected) => {
            for diagnostic in &rejected.diagnostics {
                log::error!("config: {diagnostic}");
            }
        }
        LoadError::Unreadable { .. } => log::error!("config: {error}"),
    }
    log::error!("config: the settings in force stay as they were");
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use serde_json::{Value, json};

    use super::*;
    use crate::settings::{Environment, load};

    struct Bench {
        folder: tempfile::TempDir,
        keeper: Keeper,
        applied: Arc<AtomicUsize>,
    }

    const FILE: &str = "http 8081;\ncluster_key 0123456789abcdef;\n# south\npeer south;\n";

    impl Bench {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a.conf");
            std::fs::write(&path, FILE).unwrap();
            let applied = Arc::new(AtomicUsize::new(0));
            let count = Arc::clone(&applied);
            let apply = move |_: &Loaded| {
                count.fetch_add(1, Ordering::Relaxed);
            };
            let loaded = load(&path, &Environment::default()).unwrap();
            Self { folder, keeper: Keeper::new(loaded, Box::new(apply)), applied }
        }

        fn text(&self) -> String {
            std::fs::read_to_string(self.folder.path().join("a.conf")).unwrap()
        }

        fn write(&self, text: &str) {
            std::fs::write(self.folder.path().join("a.conf"), text).unwrap();
        }

        fn applied(&self) -> usize {
            self.applied.load(Ordering::Relaxed)
        }
    }

    fn put(name: &str, patch: Value) -> Edit {
        Edit::Put { collection: "peers".into(), name: name.into(), patch }
    }

    #[actix_rt::test]
    async fn change_is_on_disk_and_in_force() {
        let bench = Bench::new();
        let edit = put("south", json!({"fetch_timeout": 500}));
        let next = bench.keeper.change(edit, Precondition::None).await.unwrap();
        assert_eq!(next.item("peers", "south").unwrap()["fetch_timeout"], 500);
        assert_eq!(bench.applied(), 1);
        assert!(bench.text().starts_with("http 8081;\ncluster_key 0123456789abcdef;\n# south\n"));
        assert!(bench.text().contains("fetch_timeout 500;"));
    }

    #[actix_rt::test]
    async fn refused_change_leaves_everything_as_it_was() {
        let bench = Bench::new();
        bench.write("http 9999;\n");
        let edit = put("south", json!({"fetch_timeout": 500}));
        let refused = bench.keeper.change(edit, Precondition::None).await;
        assert!(matches!(refused, Err(KeepError::Change(ChangeError::Save(_)))), "{refused:?}");
        assert_eq!((bench.applied(), bench.text().as_str()), (0, "http 9999;\n"));
        let south = bench.keeper.current().item("peers", "south").unwrap();
        assert_eq!(south["fetch_timeout"], 1000);
    }

    #[actix_rt::test]
    async fn tag_changes_with_the_item_and_guards_it() {
        let bench = Bench::new();
        let tag = |name| bench.keeper.tag(&bench.keeper.current(), "peers", name);
        let old = tag("south").unwrap();
        let edit = put("east", json!({"cpu_limit": 90}));
        bench.keeper.change(edit.clone(), Precondition::IsNew).await.unwrap();
        let again = bench.keeper.change(edit, Precondition::IsNew).await;
        assert!(matches!(again, Err(KeepError::ItemChanged)));
        assert_eq!(tag("south").unwrap(), old);
        let edit = put("south", json!({"cpu_limit": 80}));
        let precondition = Precondition::HasTag(vec![old.clone()]);
        bench.keeper.change(edit.clone(), precondition.clone()).await.unwrap();
        assert_ne!(tag("south").unwrap(), old);
        let late = bench.keeper.change(edit, precondition).await;
        assert!(matches!(late, Err(KeepError::ItemChanged)));
        let edit = put("west", json!({}));
        let absent = bench.keeper.change(edit, Precondition::Exists).await;
        assert!(matches!(absent, Err(KeepError::ItemChanged)));
        assert_eq!(bench.applied(), 2);
    }

    #[actix_rt::test]
    async fn reload_of_a_broken_file_changes_nothing() {
        let bench = Bench::new();
        bench.write("htpp 8081;\n");
        assert!(bench.keeper.reload().await.is_err());
        assert!(bench.keeper.is_file_broken());
        assert_eq!(bench.applied(), 0);
        assert!(bench.keeper.current().item("peers", "south").is_some());
        bench.write("http 8081;\n");
        bench.keeper.reload().await.unwrap();
        assert!(!bench.keeper.is_file_broken());
        assert_eq!(bench.applied(), 1);
        assert!(bench.keeper.current().item("peers", "south").is_none());
    }
}
