//! The alphabet: every letter that a contract and its suite know.
//!
//! In: a contract, a signer that says which tampers make sense, the suite's
//! promises, body files. Out: letters; one that no scenario of the suite has
//! anything like is left out, since nothing is promised of it.

use std::time::Duration;

use super::letters::{Form, Letter, Look};
use super::promises::Promises;
use super::spellings;
use crate::clock::span::Span;
use crate::contract::Contract;
use crate::contract::outcome::Refusal;
use crate::scenario::deliver::{Burst, BurstBodies, ConnectionUse, Deliver, Door, Fill, Framing, HeaderCase, MethodOverride};
use crate::scenario::expect::Expect;
use crate::scenario::fault::{CutAt, Dribble, Fault, Part};
use crate::sign::Signer;
use crate::sign::tamper::Tamper;

/// The whole alphabet.
#[must_use]
pub fn alphabet(contract: &Contract, signer: &Signer, promises: &Promises, bodies: &[String]) -> Vec<Letter> {
    let mut all = Alphabet { promises, letters: Vec::new() };
    all.add("plain", &["accepted"], 6.0, Form::Honest(Deliver::default()));
    all.signatures(contract, signer);
    all.ways();
    all.faults();
    all.bodies(contract, bodies);
    all.keys(contract);
    all.others(contract);
    all.many(contract);
    all.looks();
    for (kind, features, weight, stream_move) in super::streams::moves(contract) {
        all.add(kind, features, weight, Form::Stream(stream_move));
    }
    all.letters
}

struct Alphabet<'p> {
    promises: &'p Promises,
    letters: Vec<Letter>,
}

/// What may come of a refusal for one of several reasons.
fn refused(why: Refusal) -> Expect {
    Expect::Refused(why)
}

impl Alphabet<'_> {
    /// Adds a letter, where the suite knows one of its features.
    fn add(&mut self, kind: &str, features: &[&str], weight: f64, form: Form) {
        let shows = self.promises.shows(features);
        if !shows.is_empty() {
            self.letters.push(Letter { kind: kind.to_owned(), shows, form, weight });
        }
    }

    fn signatures(&mut self, contract: &Contract, signer: &Signer) {
        for tamper in Tamper::ALL.into_iter().filter(|one| one.applies_to(signer).is_ok()) {
            let Some(name) = serde_json::to_value(tamper).ok().and_then(|name| name.as_str().map(str::to_owned)) else { continue };
            let kind = format!("signature:{name}");
            let deliver = Deliver { signature: Some(tamper), ..Deliver::default() };
            let form = if tamper.passes() {
                Form::Honest(deliver)
            } else {
                let promised = self.promises.get(&kind).and_then(|promise| promise.expect.clone());
                Form::Refused(deliver, promised.filter(|expect| expect.first().is_none()).unwrap_or(Expect::Rejected))
            };
            self.add(&kind, &[&kind, "signature"], 1.0, form);
        }
        let forged = [Tamper::WrongSecret, Tamper::Absent].into_iter().filter(|one| one.applies_to(signer).is_ok());
        for (at, tamper) in forged.enumerate() {
            for door in Door::ALL {
                let deliver = Deliver { door: Some(door), signature: Some(tamper), ..Deliver::default() };
                self.add(
                    &format!("door:{door:?}:forged{at}").to_lowercase(),
                    &["door:forged"],
                    0.5,
                    Form::Refused(deliver, Expect::NotTaken),
                );
            }
            for (method, by) in [
                ("GET", MethodOverride::Header),
                ("PUT", MethodOverride::Header),
                ("GET", MethodOverride::Query),
                ("PUT", MethodOverride::Form),
            ] {
                let (method, by, signature) = (Some(method.to_owned()), Some(by), Some(tamper));
                let deliver = Deliver { method, method_override: by, signature, ..Deliver::default() };
                self.add(&format!("override:forged{at}"), &["method_override:forged"], 0.5, Form::Refused(deliver, Expect::NotTaken));
            }
        }
        let unsigned = contract.signature.covers_body();
        for (at, (sent, signed)) in spellings::SIGNED_OTHERWISE.iter().enumerate().filter(|_| unsigned) {
            let (raw, over) = (Some((*sent).to_owned()), Some((*signed).to_owned()));
            let deliver = Deliver { raw, signed_over_raw: over, ..Deliver::default() };
            let expect = Expect::AnyOf(vec![refused(Refusal::Signature), refused(Refusal::Body)]);
            self.add(&format!("signed-over:{at}"), &["signed_over_raw"], 1.0, Form::Refused(deliver, expect));
        }
        for signed in spellings::DECODED.iter().filter(|_| unsigned) {
            let deliver =
                Deliver { hex: Some(spellings::LATIN.to_owned()), signed_over_raw: Some((*signed).to_owned()), ..Deliver::default() };
            let expect = Expect::AnyOf(vec![refused(Refusal::Signature), refused(Refusal::Body)]);
            self.add("signed-over:decoded", &["signed_over_raw"], 1.0, Form::Refused(deliver, expect));
        }
        // What is packed is signed as it travels.
        let coding = std::iter::once(("Content-Encoding".to_owned(), "gzip".to_owned())).collect();
        let (hex, over) = (Some(spellings::PACKED.to_owned()), Some(spellings::UNPACKED.to_owned()));
        let deliver = Deliver { hex, signed_over_raw: over, headers: coding, ..Deliver::default() };
        self.add("signed-over:unpacked", &["signed_over_raw"], 1.0, Form::Refused(deliver, Expect::NotTaken));
    }

    fn ways(&mut self) {
        for (name, framing) in
            [("chunked", Framing::Chunked), ("chunked-small", Framing::ChunkedSmall), ("expect-continue", Framing::ExpectContinue)]
        {
            let deliver = Deliver { framing, connection: ConnectionUse::New, ..Deliver::default() };
            let kind = format!("framing:{name}");
            self.add(&kind, &[&kind], 1.0, Form::Honest(deliver));
        }
        for (name, header_case) in [("as-written", HeaderCase::AsWritten), ("upper", HeaderCase::Upper), ("mixed", HeaderCase::Mixed)] {
            let kind = format!("header_case:{name}");
            self.add(&kind, &[&kind], 1.0, Form::Honest(Deliver { header_case, ..Deliver::default() }));
        }
        for (name, connection) in [("kept", ConnectionUse::Kept), ("new", ConnectionUse::New)] {
            let kind = format!("connection:{name}");
            self.add(&kind, &[&kind], 1.0, Form::Honest(Deliver { connection, ..Deliver::default() }));
        }
        let headers = [("User-Agent", "callbacks/3"), ("X-Hookgate-Note", "7f4c"), ("Accept", "*/*")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect();
        self.add("headers", &["headers"], 1.0, Form::Honest(Deliver { headers, ..Deliver::default() }));
        for method in ["PUT", "PATCH", "DELETE"] {
            let deliver = Deliver { method: Some(method.to_owned()), ..Deliver::default() };
            self.add(&format!("method:{method}"), &[&format!("method:{method}")], 1.0, Form::Refused(deliver, refused(Refusal::Method)));
        }
        for door in Door::ALL {
            let deliver = Deliver { door: Some(door), ..Deliver::default() };
            self.add(&format!("door:{door:?}").to_lowercase(), &["door:honest"], 0.4, Form::Odd(deliver, vec![Expect::NotTaken]));
        }
        for kind in
            ["application/x-www-form-urlencoded", "text/plain", "application/json; charset=utf-8", "multipart/form-data; boundary=x"]
        {
            let statuses = self.promises.get("content_type").map_or_else(Vec::new, |promise| promise.statuses.clone());
            let deliver = Deliver { content_type: Some(kind.to_owned()), ..Deliver::default() };
            self.add(&format!("content-type:{kind}"), &["content_type"], 1.0, Form::OddWith(deliver, vec![Expect::Rejected], statuses));
        }
    }

    fn faults(&mut self) {
        let through = |fault| Deliver { fault: Some(fault), ..Deliver::default() };
        self.add("fault:lose-answer", &["fault:lose-answer"], 1.0, Form::Lost(through(Fault::LoseAnswer), Expect::NoAnswer));
        self.add("fault:cut-answer", &["fault:cut-answer"], 1.0, Form::Lost(through(Fault::CutAnswer), Expect::NoAnswer));
        self.add("fault:twice", &["fault:twice"], 1.0, Form::Honest(through(Fault::Twice)));
        self.add("fault:delay", &["fault:delay"], 0.2, Form::Honest(through(Fault::Delay(Span(Duration::from_millis(50))))));
        for (name, at) in [("headers", CutAt::Headers), ("body", CutAt::Body), ("bytes", CutAt::Bytes(9))] {
            let expect = Expect::AnyOf(vec![Expect::NoAnswer, Expect::Rejected]);
            self.add(&format!("fault:cut-{name}"), &["fault:cut-request"], 1.0, Form::Cut(through(Fault::CutRequest(at)), expect));
        }
        // Longer than an answer may take in all, and seldom for that.
        let dribble = Dribble { pause: Span(Duration::from_millis(20)), part: Some(Part::Body), meanwhile: 4 };
        self.add("fault:dribble", &["fault:dribble"], 0.1, Form::Honest(through(Fault::Dribble(dribble))));
    }

    fn bodies(&mut self, contract: &Contract, files: &[String]) {
        for file in files {
            self.add(
                &format!("body:{file}"),
                &["body", "accepted"],
                0.6,
                Form::Body(Deliver { body: Some(file.clone()), ..Deliver::default() }),
            );
        }
        let odd = || vec![refused(Refusal::Body)];
        for (at, text) in spellings::ODD_TEXTS.iter().enumerate() {
            self.add(
                &format!("raw:{at}"),
                &["raw"],
                0.5,
                Form::Odd(Deliver { raw: Some((*text).to_owned()), ..Deliver::default() }, odd()),
            );
        }
        for (at, digits) in spellings::ODD_BYTES.iter().enumerate() {
            self.add(
                &format!("hex:{at}"),
                &["hex"],
                0.5,
                Form::Odd(Deliver { hex: Some((*digits).to_owned()), ..Deliver::default() }, odd()),
            );
        }
        let fill = |text: &str, bytes: Option<usize>, over_limit: Option<usize>| Deliver {
            fill: Some(Fill { text: text.to_owned(), bytes, over_limit, ..Fill::default() }),
            connection: ConnectionUse::New,
            ..Deliver::default()
        };
        self.add("fill:deep", &["fill"], 0.5, Form::Odd(fill("[", Some(10_000), None), odd()));
        for bytes in [70_000, 600_000, 1_048_576].into_iter().filter(|bytes| *bytes <= contract.limits.body_bytes()) {
            self.add(&format!("fill:{bytes}"), &["fill"], 0.3, Form::Odd(fill("0123456789abcdef\n", Some(bytes), None), odd()));
        }
        let too_large = vec![refused(Refusal::TooLarge), refused(Refusal::Body)];
        self.add("fill:over-limit", &["fill:over-limit"], 0.6, Form::Odd(fill("0123456789abcdef", None, Some(1)), too_large));
        let noise = Deliver { random_bytes: Some(300_000.min(contract.limits.body_bytes())), ..Deliver::default() };
        self.add("random-bytes", &["random_bytes"], 0.2, Form::Odd(noise, odd()));
    }

    fn keys(&mut self, contract: &Contract) {
        self.add("no-key", &["no_key"], 1.0, Form::Refused(Deliver { no_key: true, ..Deliver::default() }, refused(Refusal::MissingKey)));
        let beside = Deliver { no_key: true, json: Some(spellings::KEY_BESIDE.to_owned()), ..Deliver::default() };
        self.add("no-key:beside", &["json"], 0.5, Form::Refused(beside, refused(Refusal::MissingKey)));
        for key in ["", "   "] {
            let deliver = Deliver { key: Some(key.to_owned()), ..Deliver::default() };
            self.add(&format!("key:blank{}", key.len()), &["key:blank"], 1.0, Form::Refused(deliver, refused(Refusal::EmptyKey)));
        }
        let unusable = || vec![refused(Refusal::UnusableKey)];
        self.add("key:long", &["key_up_to"], 1.0, Form::Key(Deliver { key_up_to: Some(200), ..Deliver::default() }));
        for length in [256, 1_000] {
            let deliver = Deliver { key_length: Some(length), over_longest: true, ..Deliver::default() };
            self.add(&format!("key:over{length}"), &["key:over-255"], 1.0, Form::OddKey(deliver, unusable()));
        }
        for digits in spellings::ODD_KEY_BYTES {
            let deliver = Deliver { key_hex: Some(digits.to_owned()), ..Deliver::default() };
            self.add(&format!("key:hex:{digits}"), &["key_hex"], 0.5, Form::OddKey(deliver, unusable()));
        }
        for line in ["{own}", "{own}-other"] {
            let deliver = Deliver { second_key_line: Some(line.to_owned()), ..Deliver::default() };
            self.add(&format!("key:twice{}", line.len()), &["second_key_line"], 1.0, Form::OddKey(deliver, unusable()));
        }
        for (at, key) in spellings::KEYS.iter().enumerate() {
            self.add(
                &format!("key:text{at}"),
                &["key:sql", "key"],
                0.7,
                Form::Key(Deliver { key: Some((*key).to_owned()), ..Deliver::default() }),
            );
        }
        for (at, twins) in spellings::TWINS.iter().enumerate() {
            let base = match at {
                spellings::LONG => Deliver { key_length: Some(255), over_longest: true, ..Deliver::default() },
                at if spellings::NUMBERS.contains(&at) => Deliver { key: Some("{number}".to_owned()), ..Deliver::default() },
                _ => Deliver::default(),
            };
            let spelled = |text: &str| {
                let over_longest = at == spellings::LONG;
                let deliver = Deliver { key: Some(text.to_owned()), over_longest, ..Deliver::default() };
                (deliver, if over_longest || text.contains(' ') { unusable() } else { Vec::new() })
            };
            let each = vec![spelled(twins.0), spelled(twins.1)];
            self.add(&format!("twins:{at}"), &["key:alike"], 0.7, Form::Alike { base, each });
        }
        for (one, other) in spellings::ODD_TWINS {
            let spelled = |digits: &str| {
                let (key_of, key_hex) = (Some("base".to_owned()), Some(digits.to_owned()));
                (Deliver { key_of, key_hex, ..Deliver::default() }, unusable())
            };
            let form = Form::Alike { base: Deliver::default(), each: vec![spelled(one), spelled(other)] };
            self.add(&format!("twins:{one}"), &["key_hex"], 0.7, form);
        }
        if contract.can("any-json-key") {
            let odd = vec![refused(Refusal::UnusableKey), refused(Refusal::MissingKey), refused(Refusal::Body)];
            let number = Deliver { key: Some("{key:base}".to_owned()), key_as_number: true, ..Deliver::default() };
            let base = Deliver { key: Some("{number}".to_owned()), ..Deliver::default() };
            self.add("twins:number", &["key_as_number"], 1.0, Form::Alike { base, each: vec![(number, odd)] });
        }
    }

    fn others(&mut self, contract: &Contract) {
        self.add(
            "other-body",
            &["reuse_of"],
            1.5,
            Form::OtherBody(Deliver { raw: Some(spellings::OTHER.to_owned()), ..Deliver::default() }),
        );
        self.add(
            "other-body:file",
            &["reuse_of"],
            1.0,
            Form::OtherBody(Deliver { body: Some("terminal-failed.json".to_owned()), ..Deliver::default() }),
        );
        self.add("respelled", &["respell_of"], 1.0, Form::Respelled);
        self.add("elsewhere", &["elsewhere"], 1.0, Form::Elsewhere);
        self.add("failing", &["provoke_failure"], 1.5, Form::Failing);
        if let Some(header) = contract.ttl.as_ref().and_then(|ttl| ttl.header.as_ref()) {
            for life in [10, 3_600] {
                self.add(&format!("own-life:{life}"), &["ttl"], 1.5, Form::OwnLife(life));
            }
            for text in ["0", "-5", "soon", "", "1.5", "99999999999999999999"] {
                let headers = std::iter::once((header.clone(), text.to_owned())).collect();
                let form = match text {
                    "0" => Form::OddLife(Deliver { ttl: Some(0), ..Deliver::default() }, vec![refused(Refusal::Body), Expect::Rejected]),
                    _ => Form::OddLife(Deliver { headers, ..Deliver::default() }, vec![Expect::Rejected]),
                };
                self.add(&format!("own-life:{text}"), &["ttl"], 0.7, form);
            }
        }
    }

    fn many(&mut self, contract: &Contract) {
        self.add("again:12", &["duplicate_of"], 0.5, Form::Again(12));
        let burst = |keys, each, bodies| Burst { name: None, keys, keys_of: None, each, deliver: Deliver::default(), bodies };
        if contract.is_by_key() {
            for (keys, each) in [(1, 2), (1, 8), (1, 24), (4, 6)] {
                self.add(&format!("burst:{keys}x{each}"), &["burst"], 1.5, Form::Burst(burst(keys, each, BurstBodies::Alike)));
            }
            self.add("burst:unlike", &["burst-unlike"], 1.5, Form::Burst(burst(1, 8, BurstBodies::Unlike)));
        }
        self.add("burst:others", &["crowd"], 0.7, Form::Burst(burst(32, 1, BurstBodies::Alike)));
        self.add("crowd", &["crowd"], 0.1, Form::Crowd(6));
        for by in ["ttl + 2 s", "ttl / 2", "ttl - 2 s", "1 s", "12 s", "lease + 1 s"] {
            let features = if by.starts_with("lease") { ["fault:cut-request"] } else { ["aged:accepted"] };
            self.add(&format!("advance:{by}"), &features, 1.0, Form::Advance(by.to_owned()));
        }
        for kill in [false, true] {
            self.add(if kill { "restart:kill" } else { "restart" }, &["restart"], 0.3, Form::Restart(kill));
        }
        self.add("break-in", &["break-in"], 0.05, Form::BreakIn);
    }

    fn looks(&mut self) {
        for (name, features, look) in [
            ("look:rows", &["audit:count", "keys:count"][..], Look::Rows),
            ("look:held", &["audit:holds:sha256", "keys:holds:ttl", "audit:holds:key"], Look::Held),
            ("look:promised", &["audit:as_promised", "keys:as_promised"], Look::Promised),
            ("look:unchanged", &["state:unchanged"], Look::Unchanged),
            ("look:referred", &["audit:referred_to_by"], Look::Referred),
            ("look:order", &["state:instants_never_go_back"], Look::Order),
            ("look:gone", &["state:within"], Look::Gone),
            ("look:schema", &["state:schema"], Look::Schema),
            ("look:whole", &["state:every_key_has_evidence", "state:every_life_can_be_told"], Look::Whole),
            ("look:page", &["get:audit"], Look::Page),
        ] {
            self.add(name, features, 2.0, Form::Look(look));
        }
    }
}
