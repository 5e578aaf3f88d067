//! The certificates that a node shows its clients, and how it goes on when their files change.
//!
//! ```text
//!  files ─▶ Certificate (read, checked) ─▶ CertificateStore ─ SNI ─▶ the one shown
//!    └── changed on disk, or SIGHUP ▸ read anew; a broken file changes nothing ──┘
//! ```
//! A connection keeps the certificate that it began with; the next one sees the new one.

mod certificate;
mod store;

pub use certificate::{Certificate, CertificateError, CertificateFiles, Validity};
pub use store::{CertificateStore, TlsSetupError};
