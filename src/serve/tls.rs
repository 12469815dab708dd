//! TLS of the reference: its certificate, and whose certificates it asks of those who deliver.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

/// The one protocol that is spoken (ALPN, RFC 7301).
const HTTP_1_1: &[u8] = b"http/1.1";

/// The files that TLS is served by, in PEM form.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate, with those between it and its root.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// Whoever delivers must show a certificate that one of these has issued.
    pub client_ca: Option<PathBuf>,
}

/// Files that TLS cannot be served by.
#[derive(Debug, thiserror::Error)]
#[error("{what} {} cannot be used: {cause}", path.display())]
pub struct BadTlsFile {
    what: &'static str,
    path: PathBuf,
    cause: String,
}

impl TlsFiles {
    /// Reads them.
    ///
    /// # Errors
    /// [`BadTlsFile`], which names the file and what is wrong with it.
    pub fn read(&self) -> Result<Arc<ServerConfig>, BadTlsFile> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let chain = certificates("the certificate", &self.certificate)?;
        let of_key = |cause: String| BadTlsFile { what: "the key", path: self.key.clone(), cause };
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|cause| of_key(cause.to_string()))?;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
        let builder = builder.map_err(|cause| of_key(cause.to_string()))?;
        let builder = match &self.client_ca {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let wrong = |cause: String| BadTlsFile { what: "the CA certificate of clients", path: path.clone(), cause };
                let mut roots = RootCertStore::empty();
                for certificate in certificates("the CA certificate of clients", path)? {
                    roots.add(certificate).map_err(|cause| wrong(cause.to_string()))?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
                builder.with_client_cert_verifier(verifier.map_err(|cause| wrong(cause.to_string()))?)
            }
        };
        let mut config = builder.with_single_cert(chain, key).map_err(|cause| of_key(cause.to_string()))?;
        config.alpn_protocols = vec![HTTP_1_1.to_vec()];
        Ok(Arc::new(config))
    }
}

/// The certificates of a PEM file, at least one.
fn certificates(what: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, BadTlsFile> {
    let wrong = |cause: String| BadTlsFile { what, path: path.to_owned(), cause };
    let read = CertificateDer::pem_file_iter(path).map_err(|cause| wrong(cause.to_string()))?;
    let all = read.collect::<Result<Vec<_>, _>>().map_err(|cause| wrong(cause.to_string()))?;
    if all.is_empty() { Err(wrong("it holds no certificate in PEM form".to_owned())) } else { Ok(all) }
}
