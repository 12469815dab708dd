//! No form of a report lets a secret out.

use base64::Engine as _;
use hookgate::report::language::Language;
use hookgate::report::{Report, github, html, human, junit, markdown, sarif, tap};
use hookgate::secret::Redactor;
use proptest::prelude::*;

use super::sample::sample;

/// The text of every sink, each the way that a command makes it.
fn sinks(report: &Report, redactor: &Redactor) -> Vec<String> {
    let report = redactor.redacted(report.clone());
    vec![
        serde_json::to_string_pretty(&*report).expect("a report is JSON"),
        human::write(&report, false, Language::En),
        human::write(&report, true, Language::En),
        markdown::write(&report, Language::En).expect("the template is right"),
        junit::write(&report).expect("written in memory"),
        html::write(&report, Language::En).expect("the template is right"),
        tap::write(&report),
        sarif::write(&report).to_string(),
        github::write(&report),
    ]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn percent(bytes: &[u8], all: bool) -> String {
    let plain = |byte: u8| !all && (byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
    bytes.iter().map(|&byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// The forms that a secret may travel in, made apart from the redactor's own.
fn forms(secret: &str) -> Vec<String> {
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
    let bytes = secret.as_bytes();
    let debug = format!("{secret:?}");
    let json = serde_json::to_string(secret).expect("text is JSON");
    let xml = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&apos;");
    vec![
        secret.to_owned(),
        hex(bytes),
        hex(bytes).to_uppercase(),
        STANDARD.encode(bytes),
        STANDARD_NO_PAD.encode(bytes),
        URL_SAFE.encode(bytes),
        URL_SAFE_NO_PAD.encode(bytes),
        percent(bytes, true),
        percent(bytes, true).to_lowercase(),
        percent(bytes, false),
        json[1..json.len() - 1].to_owned(),
        xml,
        debug[1..debug.len() - 1].to_owned(),
    ]
}

/// Secrets of at least 8 bytes: printable, with quotes and the like, or of any characters.
fn secret() -> impl Strategy<Value = String> {
    prop_oneof!["[ -~]{8,40}", "[\"'&<>/%+\\\\|`é鍵🔑]{4,20}", "\\PC{8,20}", any::<[char; 8]>().prop_map(|all| all.iter().collect())]
        .prop_filter("8 bytes of more than stars and spaces", |text: &String| text.len() >= 8 && text.trim_matches([' ', '*']).len() >= 8)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever form stands in whatever text of a report: no form of it is in any sink.
    #[test]
    fn no_sink_lets_a_secret_out(
        secret in secret(),
        before in "\\PC{0,90}",
        after in "[ -~]{0,20}",
        place in 0..6_usize,
        which in any::<prop::sample::Index>(),
    ) {
        let redactor = Redactor::new(&[secret.as_bytes()]);
        // What stands in every report by itself is nobody's secret.
        let clean = sinks(&sample(), &Redactor::none());
        let forms = forms(&secret);
        prop_assume!(forms.iter().all(|form| clean.iter().all(|text| !text.contains(form.as_str()))));
        let mut report = sample();
        let finding = &mut report.scenarios[1].findings[0];
        let text = format!("{before}{}{after}", forms[which.index(forms.len())]);
        match place {
            0 => finding.observed = text,
            1 => finding.expected = text,
            2 => finding.curl = text,
            3 => report.scenarios[0].reason = Some(text),
            4 => report.run.notes.push(text),
            _ => report.target.database = Some(text),
        }
        for (sink, shown) in sinks(&report, &redactor).iter().enumerate() {
            for hidden in &forms {
                prop_assert!(!shown.contains(hidden.as_str()), "sink {sink} shows {hidden:?}:\n{shown}");
            }
        }
    }

    /// A secret in the middle of a longer base64 text cannot be read out of it.
    #[test]
    fn no_base64_lets_a_secret_out(secret in secret(), before in "[a-z]{0,5}", after in "[a-z]{0,5}") {
        use base64::engine::general_purpose::STANDARD;
        let whole = STANDARD.encode(format!("{before}{secret}{after}"));
        let shown = Redactor::new(&[secret.as_bytes()]).text(&whole).into_owned();
        // At most the two characters at each end that the secret shares with its neighbours are left of it.
        prop_assert!(shown.len() <= 3 + (before.len() + after.len()) * 4 / 3 + 8, "{whole} became {shown}");
        prop_assert!(shown.contains("***"));
    }
}
