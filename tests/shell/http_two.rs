//! Receivers that speak HTTP/2 only: told so in one sentence, and nothing is judged.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, crypto};

use crate::command_line::hookgate_with;
use crate::tls::{Files, SECRET};

/// An empty SETTINGS frame (RFC 9113 §6.5), which every server of HTTP/2 begins with.
const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];

/// Something that answers every connection in its own way; its port.
fn listening(answer: impl Fn(TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || listener.incoming().map_while(Result::ok).for_each(answer));
    port
}

/// Asked for by ALPN or spoken at once: one sentence says that it is not spoken here, and the exit code is 3.
#[test]
fn http_2_is_not_spoken_and_told_so() {
    let files = Files::new();
    let certificates = CertificateDer::pem_file_iter(files.file("right.pem")).expect("a file").map(|one| one.expect("a certificate"));
    let key = PrivateKeyDer::from_pem_file(files.file("right.key")).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(crypto::aws_lc_rs::default_provider())).with_safe_default_protocol_versions();
    let mut config = config.expect("TLS").with_no_client_auth().with_single_cert(certificates.collect(), key).expect("they fit");
    config.alpn_protocols = vec![b"h2".to_vec()];
    let config = Arc::new(config);
    let by_alpn = listening(move |mut stream| {
        let mut tls = ServerConnection::new(Arc::clone(&config)).expect("a session");
        // It fails for want of a protocol, and says so to the other side.
        drop(tls.complete_io(&mut stream));
    });
    let at_once = listening(|mut stream| {
        let mut some = [0; 1024];
        drop(stream.read(&mut some).and_then(|_| stream.write_all(&SETTINGS)));
    });
    let commands = if cfg!(feature = "load") { &["run", "load"][..] } else { &["run"][..] };
    for (url, more) in
        [(format!("https://127.0.0.1:{by_alpn}"), &["--ca-cert", &files.ca][..]), (format!("http://127.0.0.1:{at_once}"), &[])]
    {
        for command in commands {
            let text = hookgate_with(&[SECRET], &[&[*command, "--target", &url], more].concat());
            let error = text.split("--- stderr\n").nth(1).unwrap_or_default();
            assert!(text.starts_with("exit 3\n") && error.trim_end().lines().count() == 1, "{command} {url}: {text}");
            assert!(error.contains("HTTP/2") && error.contains("HTTP/1.1"), "{command} {url}: {text}");
        }
    }
}
