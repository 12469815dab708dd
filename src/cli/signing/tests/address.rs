//! Where a delivery was sent: another address that explains a signature is named.

use secrecy::SecretString;

use super::{AT, in_files, mistakes, sent};
use crate::cli::captured::Captured;
use crate::cli::load_suite;
use crate::cli::signing::diagnosed;
use crate::clock::UnixMicros;

/// Where a delivery was sent is told by the capture or by `--url`; another address that explains it is named.
#[test]
fn address_that_was_signed_is_named() {
    for name in ["square-webhook", "twilio-webhook", "twilio-webhook-json", "rfc9421-hmac"] {
        let contract = load_suite::contract(name).unwrap_or_else(|wrong| panic!("{}", wrong.message));
        let mistake = mistakes(&contract).remove(0);
        let delivery = sent(&contract, &mistake);
        for (asked, code) in [("https://h.test", "right"), ("http://h.test", "address"), ("https://h.test:8443", "address")] {
            // The address without its scheme is all that RFC 9421 signs here.
            let code = if name == "rfc9421-hmac" && asked == "http://h.test" { "right" } else { code };
            let secrets = (vec![("one".to_owned(), SecretString::from(mistake.receiver[0].clone()))], false);
            let url = format!("{asked}{}", delivery.path);
            let said = diagnosed(&contract, &secrets, in_files(&delivery), &[], (Some(&url), Some(UnixMicros::from_secs(AT))))
                .unwrap_or_else(|wrong| panic!("{}", wrong.message));
            assert_eq!(said.code, code, "{name} {url}: {}", said.sentence);
        }
        let bare = Captured { origin: None, ..in_files(&delivery) };
        let secrets = (vec![("one".to_owned(), SecretString::from(mistake.receiver[0].clone()))], false);
        let asks = diagnosed(&contract, &secrets, bare, &[], (None, None)).err().map(|wrong| wrong.message).unwrap_or_default();
        assert!(asks.contains("give it with --url"), "{name}: {asks}");
    }
}
