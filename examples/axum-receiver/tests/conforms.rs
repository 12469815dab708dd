//! The gate: the receiver is what Standard Webhooks wants, judged by hookgate in `cargo test`.

use axum_receiver::{Settings, app};
use hookgate::{Judged, Verdict};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Starts the receiver on a free port, and judges it.
async fn judged(forgets: bool, only: &[&str]) -> Verdict {
    let folder = tempfile::tempdir().expect("a folder");
    let app = app(&Settings { secret: SECRET.to_owned(), forgets }, &folder.path().join("shop.db")).expect("a receiver");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, app).await });
    // The contract is Standard Webhooks, and the page where orders are counted.
    hookgate::judge(url).contract("webhooks.yaml").secret(SECRET).only(only.iter().copied()).await.expect("it can be judged")
}

#[tokio::test]
async fn receiver_conforms() {
    let verdict = judged(false, &[]).await;
    verdict.assert_conforms();
    // And nothing of that is hollow: orders were counted.
    assert_eq!(verdict.requirement("ONCE-1").map(|one| one.judged()), Some(Judged::Pass));
}

/// What it looks like when it fails: the receiver takes a delivery that comes again for a new one.
#[tokio::test]
async fn receiver_that_forgets_is_found() {
    let verdict = judged(true, &["ONCE-*", "DUP-*"]).await;
    println!("{verdict}");
    assert_eq!(verdict.causes().first().map(|cause| cause.requirement()), Some("EFF-1"));
}
