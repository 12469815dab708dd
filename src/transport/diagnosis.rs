//! Diagnosis: why a receiver that was just found cannot be spoken with.
//!
//! In: what its health page answered, or why it did not. Out: the reason that
//! lies behind it, with the way out, where it is one of those that people run
//! into: TLS behind `http://`, or a client certificate that is missing.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use super::tls::{Tls, TlsChoice};
use super::url::{Target, Via};
use crate::delivery::{Answer, NoAnswer};

/// So long a receiver is tried with TLS.
const TRIED_FOR: Duration = Duration::from_secs(2);
/// What servers say to plain HTTP where they expect TLS: nginx, Go's, Apache's.
const WANTS_TLS: [&str; 3] =
    ["plain http request was sent to https port", "http request to an https server", "plain http to an ssl-enabled server port"];
/// What nginx says to those who show no certificate, or one that it does not know.
const WANTS_CERTIFICATE: [&str; 2] = ["no required ssl certificate was sent", "the ssl certificate error"];

/// The reason behind what was seen, when it is known.
pub async fn reason(target: &Target, seen: &Result<Answer, NoAnswer>) -> Option<String> {
    match seen {
        Ok(answer) if answer.status >= 400 => said(answer),
        Err(NoAnswer::Broken { .. } | NoAnswer::TimedOut { .. }) if *target.via() == Via::Tcp && speaks_tls(target).await => {
            Some(wants_tls())
        }
        Ok(_) | Err(_) => None,
    }
}

fn wants_tls() -> String {
    "it speaks TLS there; give its address as https://".to_owned()
}

fn said(answer: &Answer) -> Option<String> {
    let text = String::from_utf8_lossy(&answer.body).to_lowercase();
    if WANTS_TLS.iter().any(|words| text.contains(words)) {
        return Some(wants_tls());
    }
    let wants = WANTS_CERTIFICATE.iter().any(|words| text.contains(words));
    wants.then(|| "it wants to see a client certificate that it knows; give --client-cert and --client-key".to_owned())
}

/// Whether a TLS handshake gets anywhere, whoever answers.
async fn speaks_tls(target: &Target) -> bool {
    let Ok(tls) = Tls::new(TlsChoice { insecure: true, ..TlsChoice::default() }) else { return false };
    let tried = async {
        let stream = TcpStream::connect((target.host(), target.port())).await.ok()?;
        match tls.handshake(stream, &target.server_name()).await {
            Ok(_) => Some(()),
            // Whoever objects to the certificate, or sends an alert, speaks it.
            Err(told) => (told.contains("certificate") || told.contains("alert")).then_some(()),
        }
    };
    timeout(TRIED_FOR, tried).await.is_ok_and(|spoken| spoken.is_some())
}
