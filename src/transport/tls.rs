//! TLS to a receiver: whose certificates are believed, and who we say we are.
//!
//! In: PEM files, or nothing for the platform's certificates. Out: [`Tls`],
//! made once and shared by all connections; and why a handshake failed, as one
//! sentence with the way out. HTTP/1.1 is the only protocol that is offered.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, Error, PeerIncompatible, PeerMisbehaved};
use rustls::{RootCertStore, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The one protocol that is spoken (ALPN, RFC 7301).
const HTTP_1_1: &[u8] = b"http/1.1";

/// Whose certificates are believed, and which one is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsChoice {
    /// Certificates that are believed instead of the platform's (PEM).
    pub ca_cert: Option<PathBuf>,
    /// The certificate that is shown, with those between it and its root, and its key (PEM).
    pub client: Option<(PathBuf, PathBuf)>,
    /// The receiver's certificate is not looked at.
    pub insecure: bool,
}

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadTls {
    /// A file without what it should hold, or none at all.
    #[error("{what} {} cannot be read: {cause}", path.display())]
    File {
        /// What it should be.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        cause: String,
    },
    /// The certificate and the key do not belong together, or cannot be used.
    #[error("the client certificate {} cannot be used with the key {}: {cause}", certificate.display(), key.display())]
    Client {
        /// The certificate.
        certificate: PathBuf,
        /// The key.
        key: PathBuf,
        /// Why not.
        cause: String,
    },
    /// The platform has none.
    #[error("this machine has no certificates to believe ({cause}); give the receiver's CA with --ca-cert FILE")]
    NoPlatform {
        /// What was found instead.
        cause: String,
    },
    /// TLS itself cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Setup(String),
}

/// How TLS is spoken to a receiver; clones share it.
#[derive(Clone)]
pub struct Tls {
    choice: TlsChoice,
    config: Arc<ClientConfig>,
}

impl PartialEq for Tls {
    fn eq(&self, other: &Self) -> bool {
        self.choice == other.choice
    }
}

impl Eq for Tls {}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tls").field(&self.choice).finish()
    }
}

impl Tls {
    /// Reads what was chosen.
    ///
    /// # Errors
    /// [`BadTls`], which names the file and what is wrong with it.
    pub fn new(choice: TlsChoice) -> Result<Self, BadTls> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
        let builder = builder.map_err(|cause| BadTls::Setup(cause.to_string()))?;
        let builder = if choice.insecure {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(Anyone(provider)))
        } else {
            match &choice.ca_cert {
                Some(file) => builder.dangerous().with_custom_certificate_verifier(Arc::new(TheseOnly::read(file, provider)?)),
                None => builder.with_root_certificates(roots_of_the_platform()?),
            }
        };
        let mut config = match &choice.client {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = certificates("the client certificate", certificate)?;
                let own = private_key("the key of the client certificate", key)?;
                builder.with_client_auth_cert(chain, own).map_err(|cause| BadTls::Client {
                    certificate: certificate.clone(),
                    key: key.clone(),
                    cause: cause.to_string(),
                })?
            }
        };
        config.alpn_protocols = vec![HTTP_1_1.to_vec()];
        Ok(Self { choice, config: Arc::new(config) })
    }

    /// The usual settings: the platform's certificates, and none of our own. Read once.
    ///
    /// # Errors
    /// [`BadTls`] when the platform has none, as a sentence.
    pub fn usual() -> Result<Self, String> {
        static USUAL: OnceLock<Result<Tls, String>> = OnceLock::new();
        USUAL.get_or_init(|| Self::new(TlsChoice::default()).map_err(|wrong| wrong.to_string())).clone()
    }

    /// What was chosen.
    #[must_use]
    pub fn choice(&self) -> &TlsChoice {
        &self.choice
    }

    /// The settings themselves, for others that speak TLS.
    #[must_use]
    pub fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config)
    }

    /// Whether the receiver's certificate is not looked at.
    #[must_use]
    pub fn is_insecure(&self) -> bool {
        self.choice.insecure
    }

    /// Shakes hands over a connection that stands.
    ///
    /// # Errors
    /// Why that failed, as one sentence.
    pub(super) async fn handshake(&self, stream: TcpStream, name: &str) -> Result<TlsStream<TcpStream>, String> {
        let server = ServerName::try_from(name.to_owned()).map_err(|_| format!("`{name}` is no name that a certificate can have"))?;
        let shaken = TlsConnector::from(Arc::clone(&self.config)).connect(server, stream).await;
        shaken.map_err(|cause| explained(&cause).unwrap_or_else(|| format!("the TLS handshake failed: {}", super::stream::plain(&cause))))
    }
}

/// Believes the certificates of one file: what they have issued, and they themselves, as openssl does. A certificate that
/// signs itself is what most people make for a test, and WebPKI alone would not let it answer for anybody.
#[derive(Debug)]
struct TheseOnly {
    issued: Arc<WebPkiServerVerifier>,
    themselves: Vec<CertificateDer<'static>>,
}

impl TheseOnly {
    fn read(file: &Path, provider: Arc<CryptoProvider>) -> Result<Self, BadTls> {
        let wrong = |cause: String| BadTls::File { what: "the CA certificate", path: file.to_owned(), cause };
        let themselves = certificates("the CA certificate", file)?;
        let mut roots = RootCertStore::empty();
        for certificate in &themselves {
            roots.add(certificate.clone()).map_err(|cause| wrong(cause.to_string()))?;
        }
        let issued = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
        Ok(Self { issued: issued.map_err(|cause| wrong(cause.to_string()))?, themselves })
    }
}

impl ServerCertVerifier for TheseOnly {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.issued.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match &verified {
            // Its dates were looked at before: only that it is a CA's was in the way.
            Err(Error::InvalidCertificate(CertificateError::Other(other)))
                if format!("{other:?}").contains("CaUsedAsEndEntity") && self.themselves.iter().any(|own| own == end_entity) =>
            {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            Ok(_) | Err(_) => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.issued.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.issued.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.issued.supported_verify_schemes()
    }
}

fn roots_of_the_platform() -> Result<RootCertStore, BadTls> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // A few that cannot be read are usual on many machines; the others serve.
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let cause = found.errors.first().map_or_else(|| "none was found".to_owned(), ToString::to_string);
        return Err(BadTls::NoPlatform { cause });
    }
    Ok(roots)
}

/// The certificates of a PEM file, at least one.
fn certificates(what: &'static str, file: &Path) -> Result<Vec<CertificateDer<'static>>, BadTls> {
    let wrong = |cause: String| BadTls::File { what, path: file.to_owned(), cause };
    let read = CertificateDer::pem_file_iter(file).map_err(|cause| wrong(pem_told(&cause)))?;
    let all = read.collect::<Result<Vec<_>, _>>().map_err(|cause| wrong(pem_told(&cause)))?;
    if all.is_empty() { Err(wrong("it holds no certificate in PEM form".to_owned())) } else { Ok(all) }
}

fn private_key(what: &'static str, file: &Path) -> Result<PrivateKeyDer<'static>, BadTls> {
    let wrong = |cause: String| BadTls::File { what, path: file.to_owned(), cause };
    PrivateKeyDer::from_pem_file(file).map_err(|cause| wrong(pem_told(&cause)))
}

fn pem_told(cause: &rustls::pki_types::pem::Error) -> String {
    use rustls::pki_types::pem::Error as Pem;
    match cause {
        Pem::Io(cause) => cause.to_string(),
        Pem::NoItemsFound => "it holds no such thing in PEM form".to_owned(),
        other => other.to_string(),
    }
}

/// What TLS has to say of an error, as one sentence; nothing when it is none of TLS's.
pub(super) fn explained(error: &io::Error) -> Option<String> {
    if error.kind() == io::ErrorKind::UnexpectedEof && error.get_ref().is_some_and(|inner| inner.to_string().contains("close_notify")) {
        return Some("it was closed without TLS's own end (close_notify), so that nobody knows whether more was to come".to_owned());
    }
    let cause = error.get_ref()?.downcast_ref::<Error>()?;
    Some(match cause {
        Error::InvalidCertificate(wrong) => certificate_told(wrong),
        Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "the receiver wants to see a client certificate; give --client-cert and --client-key".to_owned()
        }
        Error::AlertReceived(
            alert @ (AlertDescription::BadCertificate | AlertDescription::UnknownCA | AlertDescription::CertificateUnknown),
        ) => {
            format!(
                "the receiver does not accept the client certificate, or wants one (TLS alert {alert:?}); give --client-cert and --client-key that it knows"
            )
        }
        Error::AlertReceived(AlertDescription::NoApplicationProtocol) | Error::NoApplicationProtocol => only_other_protocols(),
        Error::PeerMisbehaved(PeerMisbehaved::SelectedUnofferedApplicationProtocol) => only_other_protocols(),
        Error::AlertReceived(AlertDescription::UnrecognisedName) => {
            "the receiver knows no such name (SNI); give the one that it has with --host".to_owned()
        }
        Error::AlertReceived(alert) => format!("the receiver broke the TLS handshake off (alert {alert:?})"),
        Error::InvalidMessage(_) => "what came is not TLS; if the receiver speaks plain HTTP, give its address as http://".to_owned(),
        Error::PeerIncompatible(
            PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig | PeerIncompatible::ServerDoesNotSupportTls12Or13,
        ) => "the receiver speaks only TLS older than 1.2, which is not spoken here".to_owned(),
        other => format!("TLS failed: {other}"),
    })
}

fn only_other_protocols() -> String {
    "the receiver insists on another protocol than HTTP/1.1 (ALPN), HTTP/2 perhaps, which hookgate does not speak; let it offer http/1.1, too"
        .to_owned()
}

fn certificate_told(wrong: &CertificateError) -> String {
    match wrong {
        CertificateError::UnknownIssuer => {
            "the receiver's certificate was issued by nobody who is believed; give its CA with --ca-cert FILE".to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "the receiver's certificate has expired".to_owned(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the receiver's certificate is not valid yet".to_owned()
        }
        CertificateError::NotValidForName => {
            "the receiver's certificate is for another name; give the right one with --host NAME".to_owned()
        }
        CertificateError::NotValidForNameContext { expected, presented } => {
            // They come as `DnsName("receiver.example")`.
            let names: Vec<&str> = presented.iter().map(|name| name.split('"').nth(1).unwrap_or(name)).collect();
            let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            format!(
                "the receiver's certificate is not for `{}` (it names {known}); give the right name with --host NAME",
                expected.to_str()
            )
        }
        CertificateError::Revoked => "the receiver's certificate was revoked".to_owned(),
        // The reason is the verifier's own, and has no type here. `openssl req -x509` makes such certificates.
        CertificateError::Other(reason) if reason.to_string().contains("CaUsedAsEndEntity") => {
            "the receiver's certificate is self-signed (it says that it is a CA's); give it with --ca-cert FILE".to_owned()
        }
        other => format!("the receiver's certificate does not hold: {other}"),
    }
}

/// Believes every certificate; that whoever shows it has its key is still looked at.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
