//! Loads as a test author asks for them: by the root names of the library alone.

use std::time::Duration;

use hookgate::{Error, Judged};

use crate::library::{SECRET, Shop};
use crate::surroundings::Folder;

/// So many deliveries show what is to be seen.
const ENOUGH: u64 = 300;
/// So long they may take where the machine has other things to do.
const AT_LONGEST: Duration = Duration::from_secs(300);

/// A receiver in the test's own runtime is loaded, counted and measured; two loads at once take their turns.
#[tokio::test]
async fn thresholds_hold_over_a_receiver_that_is_right() {
    let shop = Shop::default();
    let url = shop.open().await;
    let load = || {
        let load = hookgate::load(&url)
            .secret(SECRET)
            .users(4)
            .deliveries(ENOUGH)
            .run_time(AT_LONGEST)
            .mix("fresh=70,duplicate=20,bad-signature=10");
        load.effects(shop.count()).thresholds(["p99 < 10s", "duplicate.max<20s", "errors<1%", "violations==0"]).seed(7)
    };
    let (one, other) = tokio::join!(load(), load());
    for loaded in [one.expect("it is loaded"), other.expect("it is loaded")] {
        loaded.assert_conforms();
        assert_eq!((loaded.deliveries(), loaded.seed()), (ENOUGH, 7));
        assert_eq!(loaded.requirement("EFF-1"), Some(Judged::Pass), "{}", loaded.report_json());
        assert!(loaded.rate_per_s() > 0.0 && loaded.latency(0.5) <= loaded.latency(1.0) && loaded.latency(1.0).is_some());
        assert!(loaded.thresholds().iter().all(hookgate::Threshold::holds));
        assert_eq!(loaded.thresholds()[0].text(), "p99<10s");
    }
}

/// Work that is done twice is told with a key; what is asked for in vain is told with what was measured. The folder has no secret.
#[tokio::test]
async fn what_is_broken_under_load_is_told() {
    let shop = Shop::forgetful();
    let (url, folder) = (shop.open().await, Folder::new());
    let load = hookgate::load(url).secret(SECRET).users(4).deliveries(ENOUGH).run_time(AT_LONGEST).mix("fresh=50,duplicate=50");
    let load = load.effects(shop.count()).thresholds(["p50<1us", "p50<60s"]).report(folder.path("load"));
    let loaded = load.await.expect("it is loaded");
    let told = loaded.to_string();
    assert!(!loaded.conforms() && loaded.requirement("EFF-1") == Some(Judged::Fail), "{told}");
    for part in ["   threshold    p50<1us does not hold: ", "   broken       EFF-1 in ", "   key          ", "load.html"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(!told.contains("p50<60s") && !told.contains(SECRET.trim_start_matches("whsec_")), "{told}");
    for name in ["load.json", "load.html", "load.md", "junit.xml", "series.csv", "latency.hlog", "manifest.json"] {
        let text = std::fs::read_to_string(folder.path("load").join(name)).expect("it was written");
        assert!(!text.contains(SECRET.trim_start_matches("whsec_")), "{name} has the secret");
    }
    assert_eq!(std::fs::read_to_string(folder.path("load/load.json")).expect("it was written"), loaded.report_json());
}

/// What cannot be meant is told before anything is sent.
#[tokio::test]
async fn what_cannot_be_loaded_is_an_error() {
    let shop = Shop::default();
    let url = shop.open().await;
    let load = || hookgate::load(&url).secret(SECRET).deliveries(1);
    let wrong = [
        (load().thresholds(["p99<100"]), "no unit"),
        (load().thresholds(["fersh.p99<1s"]), "fersh"),
        (load().mix("webhooks"), "there is no mix"),
        (load().users(0), "without users"),
        (load().rate(0.0), "is no rate"),
        (load().warm_up(Duration::from_secs(90_000)), "a day"),
        (hookgate::load("http://shop.example:1/in").secret(SECRET), "i_own_this_target"),
        (load().header("webhook-id", "mine"), "webhook-id"),
    ];
    for (load, why) in wrong {
        let failed = load.await.expect_err(why);
        assert!(matches!(failed, Error::Asked(_)) && failed.to_string().contains(why), "{why}: {failed}");
    }
    assert!(load().contract("standard-webhoks").await.is_err_and(|failed| matches!(failed, Error::Contract(_))));
    assert!(load().db("keys.db").await.is_err_and(|failed| matches!(failed, Error::Evidence(_))));
    assert!(shop.done_nothing());
    // Nobody is there: that is learned about a receiver, and no error.
    let gone = hookgate::load("http://127.0.0.1:1/in").secret(SECRET).users(1).deliveries(1).await.expect("it is told");
    assert!(!gone.conforms() && gone.to_string().contains("connection refused"), "{gone}");
}
