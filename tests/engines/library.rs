//! The library as a test author uses it: judged by its root names alone, and nothing of its rooms.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use hookgate::{Clock, Error, Judged};

use crate::surroundings::Folder;

/// The published test secret of `standard-webhooks`.
pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// How long this receiver remembers an id.
const LIFE: Duration = Duration::from_secs(3600);
/// A contract by which ids are remembered for an hour.
const AN_HOUR: &str = "contract: of-this-test\nextends: standard-webhooks\ntitle: Ids live for an hour\nttl: {default: 3600 s}\n";

/// A receiver that remembers ids (`None`: nothing) by a clock that a test moves, and counts what it has done.
#[derive(Clone, Default)]
pub(crate) struct Shop {
    seen: Arc<Mutex<HashMap<String, i64>>>,
    done: Arc<Mutex<HashMap<String, u64>>>,
    ahead: Arc<AtomicI64>,
    forgets: bool,
}

impl Shop {
    /// One that forgets every id at once.
    pub(crate) fn forgetful() -> Self {
        Self { forgets: true, ..Self::default() }
    }

    fn now(&self) -> i64 {
        self.system() + self.ahead.load(Ordering::SeqCst)
    }

    #[expect(clippy::disallowed_methods, reason = "a receiver has the system's time")]
    fn system(&self) -> i64 {
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is later than 1970").as_secs().cast_signed()
    }

    fn take(&self, headers: &HeaderMap, body: &Bytes) -> StatusCode {
        let text = |name: &str| {
            let mut lines = headers.get_all(name).iter();
            let value = lines.next().and_then(|value| value.to_str().ok()).map(str::to_owned);
            value.filter(|value| !value.is_empty() && lines.next().is_none())
        };
        let Some(id) = text("webhook-id") else { return StatusCode::BAD_REQUEST };
        let time = text("webhook-timestamp").filter(|time| time.bytes().all(|byte| byte.is_ascii_digit()) && !time.starts_with('0'));
        let (Some(time), Some(signatures)) = (time, text("webhook-signature")) else { return StatusCode::UNAUTHORIZED };
        let at: i64 = time.parse().unwrap_or(0);
        // What a sender would have sent: this test has no second implementation of the scheme.
        let right = hookgate::sign("standard-webhooks").secret(SECRET).key(&id).at(at).body(body).expect("it can be signed");
        let right = right.header("webhook-signature").unwrap_or_default().to_owned();
        if !(-300..=300).contains(&(self.now() - at)) || !signatures.split(' ').any(|one| one == right) {
            return StatusCode::UNAUTHORIZED;
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let lives = seen.get(&id).is_some_and(|since| self.now() - since < LIFE.as_secs().cast_signed());
        if !lives || self.forgets {
            seen.insert(id.clone(), self.now());
            *self.done.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_default() += 1;
        }
        StatusCode::NO_CONTENT
    }

    pub(crate) async fn open(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let shop = self.clone();
        let hook = post(async move |headers: HeaderMap, body: Bytes| shop.take(&headers, &body));
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/webhooks", hook)).await });
        url
    }

    pub(crate) fn count(&self) -> impl Fn(&str) -> u64 + Send + Sync + 'static {
        let done = Arc::clone(&self.done);
        move |id| done.lock().unwrap_or_else(PoisonError::into_inner).get(id).copied().unwrap_or(0)
    }

    /// Whether no delivery has come.
    pub(crate) fn done_nothing(&self) -> bool {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    fn clock(&self) -> Clock {
        let ahead = Arc::clone(&self.ahead);
        Clock::moved_by(move |by| {
            ahead.fetch_add(by.as_secs().cast_signed(), Ordering::SeqCst);
        })
    }
}

/// In a runtime of one thread, which the receiver has for itself: what it did is counted, and its clock moved.
#[tokio::test]
async fn receiver_in_the_test_is_judged_by_what_it_did_and_when() {
    let shop = Shop::default();
    let asked = hookgate::judge(shop.open().await).contract_text(AN_HOUR).secret(SECRET).effects(shop.count()).clock(shop.clock());
    let verdict = asked.only(["ONCE-*", "DUP-*", "TTL-*", "AUTH-2"]).await.expect("it is judged");
    verdict.assert_conforms();
    for id in ["ONCE-1", "TTL-3", "AUTH-2"] {
        let requirement = verdict.requirement(id).expect("the suite has it");
        assert_eq!(requirement.judged(), Judged::Pass, "{id}: {:?}", requirement.reason());
    }
}

/// What is wrong is told by its cause, with what was due and what came; the receiver is right but for its memory.
#[tokio::test]
async fn what_is_wrong_is_told_in_ten_lines() {
    let shop = Shop::forgetful();
    let asked = hookgate::judge(shop.open().await).secret(SECRET).effects(shop.count()).only(["ONCE-*", "DUP-*", "AUTH-2"]);
    let verdict = asked.seed(41).await.expect("it is judged");
    assert!(!verdict.conforms());
    assert_eq!(verdict.requirement("AUTH-2").map(|one| one.judged()), Some(Judged::Pass));
    let told = verdict.to_string();
    let lines: Vec<&str> = told.lines().collect();
    assert!(lines.len() <= 10 * verdict.causes().len() && lines[0].contains(" does not conform to standard-webhooks "), "{told}");
    for label in ["   expected     ", "   observed     ", "   again        .only([\""] {
        assert!(told.contains(label), "{label}: {told}");
    }
    assert!(told.contains("\"]).seed(41)") && !told.contains("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), "{told}");
}

/// The report folder is the command's own, and holds together; the secret is in none of its files.
#[tokio::test]
async fn report_folder_is_written_without_the_secret() {
    let secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    let receiver = hookgate::reference("standard-webhooks").secret(secret).defect("any-signature-passes").serve().await.expect("a port");
    let folder = Folder::new();
    let asked = hookgate::judge(receiver.url()).secret(secret).only(["AUTH-*"]).report(folder.path("report"));
    let verdict = asked.await.expect("it is judged");
    assert!(verdict.to_string().contains("report.html"), "{verdict}");
    for name in ["report.json", "report.html", "report.md", "junit.xml", "history.jsonl", "manifest.json"] {
        let text = std::fs::read_to_string(folder.path("report").join(name)).expect("it was written");
        assert!(!text.contains(secret.trim_start_matches("whsec_")), "{name} has the secret");
    }
    let written = std::fs::read_to_string(folder.path("report/report.json")).expect("it was written");
    assert_eq!(written, verdict.report_json());
}

/// What was given wrongly, and who does not answer, are errors of kinds, each with a sentence; nothing is a verdict.
#[tokio::test]
async fn what_cannot_be_judged_is_an_error_of_its_kind() {
    let receiver = hookgate::reference("standard-webhooks").serve().await.expect("a port");
    let judge = || hookgate::judge(receiver.url()).only(["AUTH-2"]);
    let told = |wrong: Error| wrong.to_string();
    let unknown = judge().contract("standard-webhoks").await.expect_err("there is none");
    assert!(matches!(unknown, Error::Contract(_)) && told(unknown).contains("did you mean `standard-webhooks`?"));
    let mistaken = judge().contract_text("contract: mine\nextends: standard-webhooks\ntitle: T\nttl: soon\n").await.expect_err("a mistake");
    assert!(matches!(mistaken, Error::Contract(_)) && told(mistaken).contains("contract.yaml:4"));
    let nothing = judge().only(["AUHT-2"]).await.expect_err("nothing fits");
    assert!(matches!(nothing, Error::Asked(_)) && told(nothing).contains("did you mean"));
    let header = judge().header("webhook-id", "mine").await.expect_err("it is the contract's");
    assert!(matches!(header, Error::Asked(_)), "{header}");
    let secret = judge().secret("whsec_%%%").await.expect_err("it is no base64");
    assert!(matches!(secret, Error::Secret(_)) && !told(secret).contains("%%%"));
    let clock = judge().clock(Clock::rewind()).await.expect_err("there is no database");
    assert!(matches!(clock, Error::Asked(_)), "{clock}");
    let url = receiver.url().to_owned();
    drop(receiver);
    // It ends when it is dropped: the port is asked until nobody answers there.
    while tokio::net::TcpStream::connect(url.trim_start_matches("http://")).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let gone = hookgate::judge(&url).await.expect_err("nobody is there");
    assert!(matches!(gone, Error::Unreachable(_)) && told(gone).contains(&url));
}

/// What must have been judged, and was not, is a failure with the way out; what was judged is none.
#[tokio::test]
async fn what_is_required_must_have_been_judged() {
    let shop = Shop::default();
    let url = shop.open().await;
    let judge = || hookgate::judge(&url).secret(SECRET).only(["ONCE-*", "AUTH-2"]).require(["ONCE-1", "AUTH-2"]);
    let blind = judge().await.expect("it is judged");
    assert!(!blind.conforms(), "{blind}");
    assert_eq!(blind.not_judged().iter().map(hookgate::Requirement::id).collect::<Vec<_>>(), ["ONCE-1"], "{blind}");
    assert!(blind.to_string().contains("required     ONCE-1") && blind.to_string().contains("effects"), "{blind}");
    let counted = judge().effects(shop.count()).await.expect("it is judged");
    counted.assert_conforms();
    assert!(counted.not_judged().is_empty());
    let unknown = judge().require(["ONCE-1", "OCNE-*"]).await.expect_err("there is none");
    assert!(matches!(unknown, Error::Asked(_)) && unknown.to_string().contains("OCNE-*"), "{unknown}");
}

/// Whoever no longer waits has ended it: the receiver is left alone, and hears of no further delivery.
#[tokio::test]
async fn dropped_judgement_ends() {
    let shop = Shop::default();
    let held = Arc::new(());
    let (token, count) = (Arc::clone(&held), shop.count());
    let counted = move |id: &str| {
        let _is_held = &token;
        count(id)
    };
    let judge = hookgate::judge(shop.open().await).secret(SECRET).effects(counted).max_rate(50.0);
    let mut judging = Box::pin(judge.into_future());
    while shop.done.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
        tokio::select! {
            biased;
            verdict = &mut judging => drop(verdict.expect("it cannot be over yet")),
            () = tokio::task::yield_now() => {}
        }
    }
    drop(judging);
    // What holds the test's function is gone when the judging has ended.
    while Arc::strong_count(&held) > 1 {
        tokio::task::yield_now().await;
    }
}

/// Judging waits in a runtime as well as outside of one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocking_waits_inside_a_runtime() {
    let receiver = hookgate::reference("github-webhook").serve().await.expect("a port");
    let verdict = hookgate::judge(receiver.url()).contract("github-webhook").only(["AUTH-2"]).blocking().expect("it is judged");
    verdict.assert_conforms();
}

/// Signed by a scheme that signs the address, and one whose key stands in the body.
#[test]
fn signed_delivery_bears_its_key_where_the_contract_has_it() {
    let stripe = hookgate::sign("stripe-webhook").key("evt_7").at(1).body(r#"{"id":"evt_1", "a":1.50}"#).expect("it can be signed");
    assert_eq!(String::from_utf8_lossy(stripe.body()), r#"{"id":"evt_7", "a":1.50}"#);
    assert_eq!((stripe.method(), stripe.path()), ("POST", "/webhooks/stripe"));
    let square = hookgate::sign("square-webhook").body("{}").expect_err("it signs the address");
    assert!(square.to_string().contains("`url`"), "{square}");
    let square = hookgate::sign("square-webhook").url("https://shop.example/in?a=1").key("k").body("{}").expect("it can be signed");
    assert_eq!(square.path(), "/in?a=1");
}
