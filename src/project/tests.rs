//! Tests of reading project files: what is right becomes members, what is wrong is told with its place.

use super::{TextOrWhole, read};

/// Everything that is wrong with a file, as people read it.
fn told(text: &str) -> String {
    read("hookgate.toml", text).map_or_else(|diagnostics| diagnostics.to_string(), |_| "no mistake".to_owned())
}

#[test]
fn the_form_is_read_with_its_profiles() {
    let text = r#"
contract = "standard-webhooks"
ttl = 60
require = ["DUP-*", "AUTH-*"]
target = { url = "http://127.0.0.1:8080", headers = { X-Env = "ci" } }
evidence.db = "app.sqlite"
[load]
hatch_rate = 10
metrics = 9464
[profile.ci]
ttl = "2 m"
[profile.nightly.load]
rate = "200/s"
"#;
    let project = read("hookgate.toml", text).expect("it is right");
    assert_eq!(project.settings.ttl, Some(TextOrWhole::Whole(60)));
    assert_eq!(project.profiles(), ["ci", "nightly"]);
    let target = project.settings.target.expect("it is there");
    assert_eq!(target.headers.expect("they are there")["X-Env"], "ci");
}

#[test]
fn every_mistake_of_form_is_told_at_once() {
    insta::assert_snapshot!(told(
        r#"
contarct = "standard-webhooks"
jobs = "4"
secret = "whsec_abc"
scenarios = "mine"
[target]
url = "http://127.0.0.1:8080"
exec = "python3 app.py"
[evidence]
db_password_env = "PGPASSWORD"
[laod]
rate = "200/s"
[profile.ci]
tiemout = "5 s"
[profile.ci.profile.inner]
jobs = 1
"#
    ));
}

#[test]
fn what_contradicts_itself_is_told_at_the_later_place() {
    insta::assert_snapshot!(told(
        r#"
only_scenarios = "a"
scenarios = ["b"]
[load]
find_max = "p99<250ms"
rate = "5/s"
at_least = "1/s"
[target]
insecure = false
ca_cert = "ca.pem"
"#
    ));
}
