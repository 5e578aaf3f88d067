//! One certificate with its chain and its key, read from two PEM files and checked.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rustls::RootCertStore;
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::client::verify_server_name;
use rustls::crypto::ring;
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{CertificateError as InvalidCertificate, Error as TlsError, InconsistentKeys};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use thiserror::Error;

/// More is no certificate chain and no key: a name in the configuration is wrong.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Where a certificate and its key lie.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CertificateFiles {
    /// PEM: the certificate, then those up to its authority.
    pub certificate: PathBuf,
    /// PEM: the private key, not encrypted.
    pub key: PathBuf,
}

/// Why a certificate cannot be shown to clients.
#[derive(Debug, Error)]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The first file holds none.
    #[error("{} has no certificate in PEM", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// The second file holds none.
    #[error("{} has no private key in PEM", path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// The key needs a password, which a daemon has nobody to ask for.
    #[error("the key in {} is encrypted; it is needed without a password", path.display())]
    EncryptedKey {
        /// The file.
        path: PathBuf,
    },
    /// Each is good, but they do not belong together.
    #[error("the key in {} is not that of the certificate in {}",
        files.key.display(), files.certificate.display())]
    Mismatch {
        /// Both files.
        files: CertificateFiles,
    },
    /// Something that is PEM and yet no certificate or no key.
    #[error("{} with {} cannot be used: {source}",
        files.certificate.display(), files.key.display())]
    Unusable {
        /// Both files.
        files: CertificateFiles,
        /// What the TLS library says.
        #[source]
        source: TlsError,
    },
}

impl CertificateError {
    /// Whether the key is at fault, rather than the certificate.
    #[must_use]
    pub fn is_of_key(&self, files: &CertificateFiles) -> bool {
        match self {
            Self::NoKey { .. } | Self::EncryptedKey { .. } | Self::Mismatch { .. } => true,
            Self::Unreadable { path, .. } => *path == files.key,
            Self::NoCertificate { .. } | Self::Unusable { .. } => false,
        }
    }
}

/// Whether clients believe a certificate at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// They do, if they know its authority.
    Valid,
    /// Not any more.
    Expired,
    /// Not before a later day.
    NotYet,
}

impl fmt::Display for Validity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Valid => "is valid",
            Self::Expired => "has expired",
            Self::NotYet => "is not valid yet",
        })
    }
}

/// A certificate that can be shown.
#[derive(Debug)]
pub struct Certificate {
    key: Arc<CertifiedKey>,
}

impl Certificate {
    /// Reads and checks both files.
    ///
    /// Errors: [`CertificateError`]. An expired certificate is none: clients may want it all the
    /// same, and no certificate at all serves them less.
    pub fn read(files: &CertificateFiles) -> Result<Self, CertificateError> {
        let path = &files.certificate;
        let pem = read_file(path)?;
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        let chain = chain.unwrap_or_default();
        if chain.is_empty() {
            return Err(CertificateError::NoCertificate { path: path.clone() });
        }
        let path = &files.key;
        let pem = read_file(path)?;
        // Both forms say so: `BEGIN ENCRYPTED PRIVATE KEY`, and `Proc-Type: 4,ENCRYPTED` before.
        if pem.windows(9).any(|word| word == b"ENCRYPTED") {
            return Err(CertificateError::EncryptedKey { path: path.clone() });
        }
        let key = PrivateKeyDer::from_pem_slice(&pem)
            .map_err(|_| CertificateError::NoKey { path: path.clone() })?;
        let key = CertifiedKey::from_der(chain, key, &ring::default_provider());
        let key = key.map_err(|error| match error {
            TlsError::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                CertificateError::Mismatch { files: files.clone() }
            }
            source => CertificateError::Unusable { files: files.clone(), source },
        })?;
        Ok(Self { key: Arc::new(key) })
    }

    /// Whether it names `host`, by itself or by a wildcard.
    #[must_use]
    pub fn names(&self, host: &str) -> bool {
        let Ok(host) = ServerName::try_from(host) else {
            return false;
        };
        self.parsed().is_some_and(|certificate| verify_server_name(&certificate, &host).is_ok())
    }

    /// Whether clients believe it at `now`.
    #[must_use]
    pub fn validity(&self, now: SystemTime) -> Validity {
        let since_1970 = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now = UnixTime::since_unix_epoch(since_1970);
        // The dates are looked at before any authority, so none is needed to hear of them.
        let verified = self.parsed().map(|certificate| {
            let algorithms = ring::default_provider().signature_verification_algorithms.all;
            let nobody = RootCertStore::empty();
            verify_server_cert_signed_by_trust_anchor(&certificate, &nobody, &[], now, algorithms)
        });
        match verified {
            Some(Err(TlsError::InvalidCertificate(
                InvalidCertificate::Expired | InvalidCertificate::ExpiredContext { .. },
            ))) => Validity::Expired,
            Some(Err(TlsError::InvalidCertificate(
                InvalidCertificate::NotValidYet | InvalidCertificate::NotValidYetContext { .. },
            ))) => Validity::NotYet,
            _ => Validity::Valid,
        }
    }

    /// What the TLS library shows.
    pub(super) fn key(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.key)
    }

    fn parsed(&self) -> Option<ParsedCertificate<'_>> {
        ParsedCertificate::try_from(self.key.cert.first()?).ok()
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>, CertificateError> {
    let unreadable = |source| CertificateError::Unreadable { path: path.to_owned(), source };
    let size = fs::metadata(path).map_err(unreadable)?.len();
    if size > FILE_BYTES_MAX {
        return Err(unreadable(io::ErrorKind::FileTooLarge.into()));
    }
    fs::read(path).map_err(unreadable)
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    /// A self-signed certificate for `names` and its key, written to `folder`.
    pub(in super::super) fn write(folder: &Path, stem: &str, names: &[&str]) -> CertificateFiles {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
        let files = CertificateFiles {
            certificate: folder.join(format!("{stem}.pem")),
            key: folder.join(format!("{stem}.key")),
        };
        fs::write(&files.certificate, certificate.pem()).unwrap();
        fs::write(&files.key, key.serialize_pem()).unwrap();
        files
    }

    fn refusal(files: &CertificateFiles) -> String {
        Certificate::read(files).unwrap_err().to_string()
    }

    #[test]
    fn certificate_names_its_hosts_and_wildcards_only() {
        let folder = tempfile::tempdir().unwrap();
        let files = write(folder.path(), "a", &["a.example", "*.b.example", "127.0.0.1"]);
        let certificate = Certificate::read(&files).unwrap();
        for host in ["a.example", "A.example", "x.b.example", "127.0.0.1"] {
            assert!(certificate.names(host), "{host}");
        }
        for host in ["b.example", "x.y.b.example", "c.example", "", "a..example", "127.0.0.2"] {
            assert!(!certificate.names(host), "{host}");
        }
    }

    #[test]
    fn each_broken_file_is_named_with_its_reason() {
        let folder = tempfile::tempdir().unwrap();
        let good = write(folder.path(), "good", &["a.example"]);
        let other = write(folder.path(), "other", &["a.example"]);
        let broken = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let with_key = |key: PathBuf| CertificateFiles { key, ..good.clone() };
        let with_certificate = |path| CertificateFiles { certificate: path, ..good.clone() };

        let mismatch = Certificate::read(&with_key(other.key)).unwrap_err();
        assert!(matches!(mismatch, CertificateError::Mismatch { .. }), "{mismatch}");
        let pkcs8 = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n-----END";
        let pkcs1 = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAA==\n";
        for text in [pkcs8, pkcs1] {
            let files = with_key(broken("encrypted.key", text));
            assert!(refusal(&files).contains("encrypted.key is encrypted"));
        }
        assert!(refusal(&with_key(broken("no.key", "none"))).contains("no.key has no private key"));
        assert!(refusal(&with_key(good.certificate.clone())).contains("has no private key"));
        let empty = with_certificate(broken("no.pem", ""));
        assert!(refusal(&empty).contains("no.pem has no certificate"));
        let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(refusal(&with_certificate(broken("bad.pem", garbage))).contains("bad.pem with"));
        let missing = with_certificate(folder.path().join("missing.pem"));
        assert!(refusal(&missing).contains("cannot read"));
        assert!(!Certificate::read(&missing).unwrap_err().is_of_key(&missing));
    }

    #[test]
    fn dates_are_known_without_an_authority() {
        let folder = tempfile::tempdir().unwrap();
        let files = write(folder.path(), "a", &["a.example"]);
        let mut params = CertificateParams::new(vec!["a.example".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        let key = KeyPair::generate().unwrap();
        fs::write(&files.certificate, params.self_signed(&key).unwrap().pem()).unwrap();
        fs::write(&files.key, key.serialize_pem()).unwrap();
        let certificate = Certificate::read(&files).unwrap();
        let at = |days| certificate.validity(SystemTime::UNIX_EPOCH + DAY * days);
        assert_eq!(at(365 * 40), Validity::NotYet);
        assert_eq!(at(365 * 50 + 100), Validity::Valid);
        assert_eq!(at(365 * 60), Validity::Expired);
    }
}
