//! Curl's options that reach a target as hookgate does: its socket, its name, its TLS.
//!
//! In: a [`Target`]. Out: the [`Curl`] that writes lines for it. Nothing is run here.

use std::path::Path;

use super::url::{Target, Via};
use crate::report::curl::Curl;

impl Target {
    /// How curl reaches it.
    #[must_use]
    pub fn curl(&self) -> Curl {
        let mut curl = Curl::at(&self.url(""));
        if let Some(socket) = self.socket() {
            return curl.with("--unix-socket", Some(bytes(socket)));
        }
        if self.named_otherwise().is_some() {
            let host = if self.host().contains(':') { format!("[{}]", self.host()) } else { self.host().to_owned() };
            curl = curl.with("--connect-to", Some(format!("::{host}:{}", self.port()).as_bytes()));
        }
        let Via::Tls(tls) = self.via() else { return curl };
        // Else curl would speak HTTP/2 where it can.
        curl = curl.with("--http1.1", None);
        let Some(choice) = tls.as_ref().map(super::Tls::choice) else { return curl };
        if choice.insecure {
            curl = curl.with("-k", None);
        }
        if let Some(file) = &choice.ca_cert {
            curl = curl.with("--cacert", Some(bytes(file)));
        }
        if let Some((certificate, key)) = &choice.client {
            // Behind a colon curl looks for a password.
            let certificate = certificate.to_string_lossy().replace('\\', r"\\").replace(':', r"\:");
            curl = curl.with("--cert", Some(certificate.as_bytes())).with("--key", Some(bytes(key)));
        }
        curl
    }
}

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_encoded_bytes()
}
