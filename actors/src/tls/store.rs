//! All certificates of a node: which is shown to whom, and the new ones when files change.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use thiserror::Error;

use super::certificate::{Certificate, CertificateError, CertificateFiles, Validity};
use crate::published::Published;

/// The TLS library refused its own defaults.
#[derive(Debug, Error)]
#[error("tls cannot be set up: {0}")]
pub struct TlsSetupError(#[from] rustls::Error);

/// The certificates in force; clones are the same store.
#[derive(Clone, Debug)]
pub struct CertificateStore {
    shown: Published<Vec<Arc<Certificate>>>,
    watched: Arc<Mutex<Vec<Watched>>>,
}

/// Two files, and what they looked like when they were last read.
#[derive(Debug)]
struct Watched {
    files: CertificateFiles,
    stamps: [Option<Stamp>; 2],
}

/// What changes when a file is written or replaced, also through a symbolic link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: Option<SystemTime>,
}

impl CertificateStore {
    /// Reads all of `files`.
    ///
    /// Errors: the first that cannot be used.
    pub fn open(files: Vec<CertificateFiles>) -> Result<Self, CertificateError> {
        let mut shown = Vec::new();
        let mut watched = Vec::new();
        for files in files {
            // Before the reading: a change in between is then seen as one.
            let stamps = stamps(&files);
            shown.push(Arc::new(Certificate::read(&files)?));
            watched.push(Watched { files, stamps });
        }
        Ok(Self { shown: Published::new(shown), watched: Arc::new(Mutex::new(watched)) })
    }

    /// Whether no listener has TLS.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shown.load().is_empty()
    }

    /// What a listener needs: it shows the certificate that names the host the client asks for,
    /// one of `own` before those of other listeners, and else the first of `own`.
    ///
    /// Errors: [`TlsSetupError`].
    pub fn server_config(
        &self,
        own: &[CertificateFiles],
        protocols: &[&[u8]],
    ) -> Result<Arc<ServerConfig>, TlsSetupError> {
        let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let index_of =
            |files: &CertificateFiles| watched.iter().position(|one| one.files == *files);
        let own = own.iter().filter_map(index_of).collect();
        drop(watched);
        let resolver = Resolver { shown: self.shown.clone(), own };
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(resolver));
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        // Players come back often; with tickets that costs no memory here.
        config.ticketer = ring::Ticketer::new()?;
        Ok(Arc::new(config))
    }

    /// Reads those files anew that have changed. Blocks on the disk.
    ///
    /// What cannot be used is logged once a change, and the older certificate goes on.
    pub fn refresh(&self) {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let mut shown = self.shown.load().to_vec();
        let mut has_changed = false;
        for (watched, certificate) in watched.iter_mut().zip(&mut shown) {
            let stamps = stamps(&watched.files);
            if stamps == watched.stamps {
                continue;
            }
            watched.stamps = stamps;
            match Certificate::read(&watched.files) {
                Ok(fresh) => {
                    let path = watched.files.certificate.display();
                    match fresh.validity(SystemTime::now()) {
                        Validity::Valid => log::info!("certificate {path}: read anew"),
                        validity => log::warn!("certificate {path}: read anew; it {validity}"),
                    }
                    *certificate = Arc::new(fresh);
                    has_changed = true;
                }
                Err(error) => log::warn!("certificate: {error}; the older one goes on"),
            }
        }
        if has_changed {
            self.shown.publish(shown);
        }
    }
}

fn stamps(files: &CertificateFiles) -> [Option<Stamp>; 2] {
    [stamp(&files.certificate).ok(), stamp(&files.key).ok()]
}

fn stamp(path: &Path) -> io::Result<Stamp> {
    let metadata = fs::metadata(path)?;
    Ok(Stamp {
        device: metadata.dev(),
        inode: metadata.ino(),
        bytes: metadata.len(),
        modified: metadata.modified().ok(),
    })
}

/// Chooses by the name that a client asks for (SNI, RFC 6066 §3).
struct Resolver {
    shown: Published<Vec<Arc<Certificate>>>,
    /// Those of the listener itself; the first is the default.
    own: Vec<usize>,
}

impl Resolver {
    fn choose(&self, host: Option<&str>) -> Option<Arc<Certificate>> {
        let shown = self.shown.load();
        let own = || self.own.iter().filter_map(|index| shown.get(*index));
        let named = host
            .and_then(|host| own().chain(shown.iter()).find(|certificate| certificate.names(host)));
        named.or_else(|| own().next()).cloned()
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.choose(hello.server_name()).map(|certificate| certificate.key())
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("own", &self.own).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::certificate::tests::write;
    use super::*;

    fn resolver(store: &CertificateStore, own: &[usize]) -> Resolver {
        Resolver { shown: store.shown.clone(), own: own.to_vec() }
    }

    fn shown(resolver: &Resolver, host: &str) -> Vec<u8> {
        resolver.choose(Some(host)).unwrap().key().cert[0].to_vec()
    }

    #[test]
    fn the_asked_name_decides_and_else_the_listener_s_first() {
        let folder = tempfile::tempdir().unwrap();
        let a = write(folder.path(), "a", &["a.example", "both.example"]);
        let b = write(folder.path(), "b", &["b.example", "both.example"]);
        let store = CertificateStore::open(vec![a, b]).unwrap();
        let (first, second) = (resolver(&store, &[0]), resolver(&store, &[1]));
        let (a, b) = (shown(&first, "a.example"), shown(&second, "b.example"));
        assert_ne!(a, b);
        assert_eq!(shown(&first, "b.example"), b, "of another listener");
        assert_eq!(shown(&second, "both.example"), b, "the listener's own comes first");
        assert_eq!(shown(&first, "c.example"), a);
        assert_eq!(second.choose(None).unwrap().key().cert[0].to_vec(), b);
    }

    #[test]
    fn changed_files_are_shown_once_they_fit_together() {
        let folder = tempfile::tempdir().unwrap();
        let files = write(folder.path(), "a", &["a.example"]);
        let store = CertificateStore::open(vec![files.clone()]).unwrap();
        let resolver = resolver(&store, &[0]);
        let before = shown(&resolver, "a.example");
        store.refresh();
        assert_eq!(shown(&resolver, "a.example"), before);

        let fresh = write(folder.path(), "fresh", &["a.example"]);
        fs::rename(&fresh.certificate, &files.certificate).unwrap();
        store.refresh();
        assert_eq!(shown(&resolver, "a.example"), before, "the key does not fit yet");
        fs::rename(&fresh.key, &files.key).unwrap();
        store.refresh();
        let after = shown(&resolver, "a.example");
        assert_ne!(after, before);

        fs::remove_file(&files.key).unwrap();
        store.refresh();
        assert_eq!(shown(&resolver, "a.example"), after, "a missing file changes nothing");
    }

    #[test]
    fn symbolic_link_to_other_files_is_a_change() {
        let folder = tempfile::tempdir().unwrap();
        for (version, host) in [("1", "old.example"), ("2", "new.example")] {
            fs::create_dir(folder.path().join(version)).unwrap();
            write(&folder.path().join(version), "a", &[host]);
        }
        let live = folder.path().join("live");
        std::os::unix::fs::symlink("1", &live).unwrap();
        let files = CertificateFiles { certificate: live.join("a.pem"), key: live.join("a.key") };
        let store = CertificateStore::open(vec![files]).unwrap();
        std::os::unix::fs::symlink("2", folder.path().join("next")).unwrap();
        fs::rename(folder.path().join("next"), &live).unwrap();
        store.refresh();
        assert!(resolver(&store, &[0]).choose(None).unwrap().names("new.example"));
    }
}
