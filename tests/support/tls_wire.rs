//! Certificates of an authority of the test's own, and a TLS client that trusts nobody else.

use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// Signs certificates; the root of all trust.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: PathBuf,
}

impl Authority {
    /// A new one, whose files go to `folder`; its own certificate is `ca.pem` there.
    pub(crate) fn new(folder: &Path) -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        // By the default name it would look like the certificates that it signs.
        params.distinguished_name.push(DnType::CommonName, "authority of the scenarios");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        fs::write(folder.join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, folder: folder.to_owned() }
    }

    /// Its certificate.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// Writes `STEM.pem` and `STEM.key` for `names`, each in one step; the block of a listener.
    pub(crate) fn issue(&self, stem: &str, names: &[&str]) -> String {
        self.issue_until(stem, names, 2099)
    }

    /// The same with a last year.
    pub(crate) fn issue_until(&self, stem: &str, names: &[&str], year: i32) -> String {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_after = rcgen::date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().unwrap();
        let chain = params.signed_by(&key, &self.issuer).unwrap().pem() + &self.issuer.pem();
        let files = [("pem", chain), ("key", key.serialize_pem())].map(|(extension, text)| {
            let path = self.folder.join(format!("{stem}.{extension}"));
            let fresh = self.folder.join(format!("{stem}.{extension}.new"));
            fs::write(&fresh, text).unwrap();
            fs::rename(&fresh, &path).unwrap();
            path.display().to_string()
        });
        format!("certificate {}; key {};", files[0], files[1])
    }

    /// Connects to `port` and asks for `name`; an error if what is shown is not of this authority
    /// or not of that name. `header` goes in front of it all.
    pub(crate) fn connect(&self, port: u16, name: &str, header: &[u8]) -> io::Result<TlsClient> {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let name = rustls_pki_types::ServerName::try_from(name.to_owned()).unwrap();
        let client = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        socket.write_all(header).unwrap();
        let mut stream = StreamOwned::new(client, socket);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(TlsClient { stream })
    }
}

/// A connection whose handshake is over.
pub(crate) struct TlsClient {
    stream: StreamOwned<ClientConnection, TcpStream>,
}

impl TlsClient {
    /// The certificate that was shown.
    pub(crate) fn certificate(&self) -> Vec<u8> {
        self.stream.conn.peer_certificates().unwrap()[0].to_vec()
    }

    /// What was agreed on by ALPN.
    pub(crate) fn protocol(&self) -> Option<String> {
        self.stream.conn.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned())
    }

    /// Sends `text`, then reads up to the end of an answer's head.
    pub(crate) fn ask(&mut self, text: &str) -> String {
        self.stream.write_all(text.as_bytes()).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        String::from_utf8_lossy(&head).into_owned()
    }

    /// GET of `target`, up to the end of the answer's head.
    pub(crate) fn get(&mut self, target: &str) -> String {
        self.ask(&format!("GET {target} HTTP/1.1\r\nHost: a.test\r\n\r\n"))
    }

    /// Waits for so many more bytes.
    pub(crate) fn take(&mut self, bytes: usize) {
        let mut received = vec![0; bytes];
        self.stream.read_exact(&mut received).unwrap();
    }
}
