//! Series of deliveries: what a load sends is what a run sends, byte for byte, under every contract there is.
#![expect(clippy::expect_used, clippy::panic, reason = "a test ends where something is not as it should be")]

use std::sync::Arc;

use bytes::Bytes;
use hookgate::clock::UnixMicros;
use hookgate::contract::reading::read_contract;
use hookgate::contract::{Contract, own_headers};
use hookgate::delivery::{Delivery, HeaderLine};
use hookgate::files;
use hookgate::judge::check::Bindings;
use hookgate::scenario::deliver::{Deliver, HeaderCase};
use hookgate::session::deliveries::{DeliveryBuilder, PlainBodies};
use hookgate::session::series::Series;
use hookgate::session::supplies::Supplies;
use hookgate::sign::tamper::Tamper;
use hookgate::transport::codec::encode::EncodedRequest;
use hookgate::transport::{Target, Transmission};

use crate::surroundings::project;

/// Bodies from this size on are signed as shorter ones are, and take their time.
const LONGEST: usize = 2_048;
const NOW: UnixMicros = UnixMicros::from_secs(1_759_694_703);

/// Every shipped contract, those of the tests, and one of each way in which a key may travel.
fn contracts() -> Vec<Contract> {
    let base = |name: &str| files::shipped_contract(name).map(|file| file.text);
    let read = |name: &str, text: &str| read_contract(name, text, &base).unwrap_or_else(|wrong| panic!("{wrong}"));
    let shipped = files::shipped_contracts().into_iter().map(|name| read(&name, &base(&name).expect("it is shipped")));
    let of_tests = std::fs::read_dir(project("tests/contracts")).expect("a folder").map(|file| {
        let path = file.expect("a file").path();
        read(&path.display().to_string(), &std::fs::read_to_string(&path).expect("a text"))
    });
    let keys = [
        "{header: null, body_member: data.id}",
        "{header: null, form_field: id}",
        "{form: uuid}",
        "{form: quoted}",
        "{form: either}",
        "{caller: X-Caller, scope: caller}",
    ];
    let of_keys = keys.map(|key| read(key, &format!("contract: c\nextends: orch-phase3-ttl\ntitle: t\nkey: {key}\n")));
    shipped.chain(of_tests).chain(of_keys).collect()
}

fn supplies(contract: &Arc<Contract>, own: &[HeaderLine]) -> Supplies {
    let of = |other: &Option<hookgate::contract::OtherSecret>| other.as_ref().map(|other| other.for_tests.clone());
    let (previous, retired) = (of(&contract.secret.previous), of(&contract.secret.retired));
    let secret = contract.secret.for_tests.as_bytes();
    let signer = contract.signer(secret, previous.as_deref(), retired.as_deref()).expect("the published secret is a key");
    let own = own_headers::joined(contract, own);
    Supplies::without_bodies(Arc::clone(contract), signer, own, "http://h:1/base".to_owned())
}

fn bytes_of(target: &Target, transmission: &Transmission) -> String {
    String::from_utf8_lossy(&EncodedRequest::new(target, transmission, false).whole()).into_owned()
}

/// What a series gives for one delivery: by its quick way, where it has one for it.
fn of_load(series: &Series, target: &Target, key: Option<&str>, body: &Bytes, tamper: Option<Tamper>) -> Result<String, String> {
    match key {
        Some(key) if tamper.is_none() && series.is_quick() => {
            let mut outbox = Vec::new();
            let body = series.travelling_body(body.clone(), key)?;
            series.write(&mut outbox, &Delivery { body, ..series.bare() }, key, NOW);
            Ok(String::from_utf8_lossy(&outbox).into_owned())
        }
        Some(_) | None => series.one(key, body, tamper, NOW).map(|transmission| bytes_of(target, &transmission)),
    }
}

#[test]
fn loads_send_what_runs_send() {
    let target = Target::parse("http://h:1/base").expect("an address");
    let own = [HeaderLine::new("X-Tenant", "seven"), HeaderLine::new("Accept", "application/json")];
    let (bindings, plain_bodies) = (Bindings::default(), PlainBodies::new());
    let (mut quick, mut built) = (0, 0);
    for contract in contracts().into_iter().map(Arc::new) {
        let mut made = 0;
        let ttl = contract.ttl.as_ref().and_then(|ttl| ttl.header.as_ref()).map(|_| 77);
        let descriptions = [
            (Deliver::default(), &own[..0]),
            (Deliver { ttl, ..Deliver::default() }, &own[..]),
            (Deliver { header_case: HeaderCase::Mixed, ..Deliver::default() }, &own[..1]),
        ];
        for (deliver, own) in descriptions {
            let in_run = supplies(&contract, own);
            let builder = DeliveryBuilder { supplies: &in_run, now: NOW, signs_at: NOW, bindings: &bindings, plain_bodies: &plain_bodies };
            for body in files::shipped_suite("core").bodies.values().filter(|body| body.len() < LONGEST) {
                let Ok(series) = Series::new(supplies(&contract, own), &target, deliver.clone(), body) else { continue };
                let key = contract.key.unique_key("hg1", 7);
                let honest = [(Some(key.as_str()), None), (None, None)];
                for (key, tamper) in honest.into_iter().chain(Tamper::ALL.map(|tamper| (Some(key.as_str()), Some(tamper)))) {
                    let wanted = Deliver { no_key: key.is_none(), signature: tamper, ..deliver.clone() };
                    let run = builder.build(&wanted, key.map(str::as_bytes), Some(body)).map(|one| bytes_of(&target, &one.transmission));
                    let load = of_load(&series, &target, key, body, tamper);
                    assert_eq!(load, run, "{}: {tamper:?}", contract.contract);
                    made += usize::from(run.is_ok());
                }
                if series.is_quick() { quick += 1 } else { built += 1 }
            }
        }
        assert!(made > 0, "{}: no body has room for its key", contract.contract);
    }
    assert!(quick > 50 && built > 50, "{quick} {built}");
}
