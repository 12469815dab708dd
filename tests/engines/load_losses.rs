//! Losses of a load: receivers that die, drop requests or never answer some, and what a report makes of them.
#![expect(clippy::expect_used, clippy::panic, reason = "a test ends where something is not as it should be")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hookgate::load::gate::Gate;
use hookgate::load::report::LoadReport;
use hookgate::load::{Plan, verify};
use hookgate::report::{Overall, Verdict};
use hookgate::transport::Target;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::loads::{Deliveries, Shape, plan};

/// What becomes of a delivery.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Answered,
    /// The connection is closed, after so long.
    Dropped(Duration),
    /// Nothing ever comes.
    Kept,
    /// The receiver is gone, with everything that it had open.
    Deadly,
}

/// Loads a receiver that deals with its deliveries, by their number, as it is told; `change` changes the plan.
fn loaded(fate: fn(u64) -> Fate, change: impl FnOnce(&mut Plan)) -> (LoadReport, u64) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let target = Target::parse(&format!("http://{}", listener.local_addr().expect("its address"))).expect("an address");
        let count = Arc::new(AtomicU64::new(0));
        let (died, mut dead) = watch::channel(false);
        let counted = Arc::clone(&count);
        let receiver = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            loop {
                tokio::select! {
                    _ = dead.wait_for(|dead| *dead) => return,
                    taken = listener.accept() => {
                        let Ok((stream, _)) = taken else { return };
                        connections.spawn(receive(stream, fate, Arc::clone(&counted), died.clone()));
                    }
                }
            }
        });
        let shape = Shape::open(200.0, Duration::from_millis(500));
        let mut plan = plan(&shape, target);
        (plan.verify, plan.gates, plan.timeout) = (true, Vec::new(), Duration::from_secs(20));
        change(&mut plan);
        let (_interrupt, interrupted) = watch::channel(false);
        let loaded = hookgate::load::run(&plan, Arc::new(|_| {}), interrupted).await.unwrap_or_else(|wrong| panic!("{wrong}"));
        receiver.abort();
        assert_eq!(verify::judged_again(&loaded.report), Vec::<String>::new(), "{:#?}", loaded.report);
        (loaded.report, count.load(Ordering::SeqCst))
    })
}

async fn receive(stream: TcpStream, fate: fn(u64) -> Fate, count: Arc<AtomicU64>, died: watch::Sender<bool>) {
    let mut deliveries = Deliveries::over(stream);
    while deliveries.next().await {
        match fate(count.fetch_add(1, Ordering::SeqCst) + 1) {
            Fate::Answered => {}
            Fate::Kept => continue,
            Fate::Dropped(after) => {
                tokio::time::sleep(after).await;
                return;
            }
            Fate::Deadly => {
                died.send_replace(true);
                return;
            }
        }
        if !deliveries.answer().await {
            return;
        }
    }
}

fn row<'r>(report: &'r LoadReport, id: &str) -> Option<&'r hookgate::load::judging::Judged> {
    report.requirements.iter().find(|one| one.id == id)
}

/// A receiver that dies in the middle does not conform; what it never had is not called checked, and nothing is said to have been delivered again.
#[test]
fn receiver_that_dies_in_the_middle_does_not_conform() {
    let (report, had) = loaded(|number| if number < 40 { Fate::Answered } else { Fate::Deadly }, |_| {});
    assert_eq!(report.verdict, Overall::DoesNotConform, "{report:#?}");
    let lives = row(&report, "LIVE-1").expect("it is told");
    assert_eq!((lives.verdict, lives.violations), (Verdict::Fail, 1));
    assert!(report.violations.iter().any(|one| one.requirement == "LIVE-1" && one.why.contains("refused")), "{:#?}", report.violations);
    let answers = report.deliveries - report.errors.values().sum::<u64>();
    assert!(answers <= had && answers < 50 && report.deliveries > answers, "{report:#?}");
    assert_eq!(row(&report, "HTTP-8").map(|one| one.checked), Some(answers));
    let notes = report.notes.join("\n");
    assert!(notes.contains("The receiver was gone when the load was over") && !notes.contains("once more"), "{notes}");
    // Without a look at promises it is undecided at least.
    let (report, _) = loaded(|number| if number < 40 { Fate::Answered } else { Fate::Deadly }, |plan| plan.verify = false);
    assert_eq!(report.verdict, Overall::Undecided, "{:?}", report.notes);
}

/// What is never answered leaves open whether every request is answered, whatever is said of its key afterwards.
#[test]
fn unanswered_deliveries_leave_open_that_all_are_answered() {
    let (report, _) = loaded(
        |number| if number == 30 { Fate::Kept } else { Fate::Answered },
        |plan| {
            (plan.timeout, plan.drain) = (Duration::from_secs(2), Duration::from_secs(20));
        },
    );
    assert_eq!(report.errors.get("time-out"), Some(&1), "{report:#?}");
    // The one that was followed up was answered, too.
    assert_eq!(row(&report, "HTTP-8").map(|one| (one.verdict, one.checked)), Some((Verdict::Undecided, 100)), "{report:#?}");
    assert_eq!(report.verdict, Overall::Undecided);
    assert!(
        report.notes.iter().any(|note| note.starts_with("1 deliveries without an answer were delivered once more")),
        "{:?}",
        report.notes
    );
}

/// A kept connection that was closed under a request is counted and told, and can be gated; it is no answer that was lost.
#[test]
fn closed_connections_are_counted_and_can_be_gated() {
    let gates = |plan: &mut Plan| {
        plan.gates = ["errors==0%", "resent<5%", "resent<50%"].map(|text| Gate::read(text, &plan.mix.names()).expect("a gate")).to_vec();
    };
    let (report, had) = loaded(|number| if number.is_multiple_of(10) { Fate::Dropped(Duration::ZERO) } else { Fate::Answered }, gates);
    let resent = report.resent;
    assert!(resent >= 5 && had == report.deliveries + resent + report.errors.values().sum::<u64>(), "{had}: {report:#?}");
    let held: Vec<(bool, Option<f64>)> = report.gates.iter().map(|gate| (gate.ok, gate.value)).collect();
    assert_eq!(held[1..], [(false, Some(resent as f64)), (true, Some(resent as f64))], "100 were sent: {report:#?}");
    let notes = report.notes.join("\n");
    assert!(notes.contains(&format!("{resent} deliveries went twice")), "{notes}");
}

/// Who closes a connection so late that it had the request has lost it.
#[test]
fn connection_that_is_closed_late_is_an_error() {
    let late = |number| if number == 30 { Fate::Dropped(Duration::from_millis(900)) } else { Fate::Answered };
    let (report, _) = loaded(late, |plan| plan.timeout = Duration::from_secs(5));
    assert_eq!((report.resent, report.errors.get("connection broken")), (0, Some(&1)), "{report:#?}");
}
