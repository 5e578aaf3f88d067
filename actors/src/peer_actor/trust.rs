//! Which certificates of https peers are believed.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use thiserror::Error;

/// Why `cluster_ca` cannot be used.
#[derive(Debug, Error)]
pub enum TrustError {
    /// Not PEM, or without a certificate.
    #[error("cluster_ca has no certificate in PEM")]
    NoCertificate,
    /// A certificate that cannot be an authority.
    #[error("cluster_ca cannot be trusted: {0}")]
    Certificate(#[source] rustls::Error),
    /// The library refused its own defaults.
    #[error("tls cannot be set up: {0}")]
    Tls(#[source] rustls::Error),
}

/// Trusts the public authorities, and those in `cluster_ca_pem`.
///
/// Offers http/1.1 only. Errors: [`TrustError`].
pub fn peer_tls(cluster_ca_pem: Option<&[u8]>) -> Result<Arc<ClientConfig>, TrustError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(pem) = cluster_ca_pem {
        let mut count = 0;
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|_| TrustError::NoCertificate)?;
            roots.add(certificate).map_err(TrustError::Certificate)?;
            count += 1;
        }
        if count == 0 {
            return Err(TrustError::NoCertificate);
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TrustError::Tls)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_authorities_are_trusted_and_garbage_is_told() {
        assert!(peer_tls(None).is_ok());
        assert!(matches!(peer_tls(Some(b"not pem")), Err(TrustError::NoCertificate)));
        let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(peer_tls(Some(broken)), Err(TrustError::Certificate(_))));
    }
}
