//! Reach: how sources of evidence are connected to, beside their address.
//!
//! In: the settings of TLS that the command line gives, and how the receiver
//! itself is reached (for pages of its own). Out: what each driver wants of them.

use std::net::ToSocketAddrs as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;

/// Settings of TLS, read and found usable.
#[derive(Clone, Debug)]
pub struct TlsSettings {
    /// The same as a driver takes them that lets its caller choose.
    pub config: Arc<ClientConfig>,
    /// Certificates that are believed instead of the platform's (PEM).
    pub ca_cert: Option<PathBuf>,
    /// The certificate that is shown, and its key (PEM).
    pub client: Option<(PathBuf, PathBuf)>,
    /// The server's certificate is not looked at.
    pub insecure: bool,
}

impl TlsSettings {
    /// The same without a protocol of HTTP's in it: a database would refuse the connection for it.
    #[must_use]
    pub fn for_database(&self) -> Arc<ClientConfig> {
        let mut config = ClientConfig::clone(&self.config);
        config.alpn_protocols.clear();
        Arc::new(config)
    }
}

/// Lets drivers that choose no provider of their own find one: rustls panics where it could be either of two.
#[cfg(feature = "mysql")]
pub(super) fn choose_provider() {
    // Somebody chose before: that one is as good.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
}

/// What a handshake says that failed, with the way out.
#[cfg(any(feature = "postgres", feature = "mysql", feature = "redis"))]
pub(super) fn with_way_out(cause: String) -> String {
    if cause.contains("invalid peer certificate") {
        format!("{cause} (believe its CA with --ca-cert FILE, or look at no certificate with --insecure)")
    } else {
        cause
    }
}

/// How the receiver is reached, for pages of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// `http://host:port/prefix`; with another name in `Host`, that one's.
    pub url: String,
    /// The Unix socket at which it listens.
    pub socket: Option<PathBuf>,
    /// A name that stands in the address, what is in `Host`, and where that is.
    pub named: Option<Named>,
}

/// A name by which a receiver is addressed that is not where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The name in the address, without a port.
    pub name: String,
    /// The value of `Host`.
    pub authority: String,
    /// The host that is connected to.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl Origin {
    /// A client for pages there.
    ///
    /// # Errors
    /// When none can be made, or the host is not found, as a sentence.
    pub fn client(&self, tls: Option<&TlsSettings>, patience: Duration) -> Result<reqwest::Client, String> {
        let mut client = reqwest::Client::builder().timeout(patience).redirect(reqwest::redirect::Policy::none()).no_proxy();
        if let Some(tls) = tls {
            client = client.tls_backend_preconfigured(ClientConfig::clone(&tls.config));
        }
        if let Some(socket) = &self.socket {
            #[cfg(unix)]
            {
                client = client.unix_socket(socket.clone());
            }
            #[cfg(not(unix))]
            return Err(format!("the Unix socket {} needs a Unix system", socket.display()));
        }
        if let Some(Named { name, host, port, .. }) = &self.named {
            let found = (host.as_str(), *port).to_socket_addrs().map_err(|cause| format!("{host} is not found: {cause}"))?;
            client = client.resolve_to_addrs(name, &found.collect::<Vec<_>>());
        }
        client.build().map_err(|wrong| super::innermost(&wrong))
    }
}
