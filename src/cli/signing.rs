//! `sign`, `send`, `verify`: one delivery by hand, made, sent, or looked at afterwards.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::args::{CapturedArgs, DeliveryArgs, ListFormat, SendArgs, SignArgs, VerifyDeliveryArgs};
use super::captured::{self, Captured};
use super::exit::Exit;
use super::load_suite;
use super::secrets::secret_from;
use super::{Console, Failure};
use crate::clock::{Clock as _, SystemClock, UnixMicros};
use crate::contract::Contract;
use crate::delivery::Delivery;
use crate::files;
use crate::outcome::members::Values;
use crate::outcome::reader::Reader;
use crate::secret::Redactor;
use crate::sign::diagnosis::{Case, Diagnosis, Other, diagnose};
use crate::sign::{Proof, Signer, sha256_hex};
use crate::transport::{Sender, Target, Transmission};

/// How long the answer to one delivery is waited for at least.
const PATIENCE: Duration = Duration::from_secs(30);
/// The start of every key that is made here.
const MADE_HERE: &str = "hg-by-hand";

/// A delivery that was made, and where it goes.
struct Made {
    contract: Contract,
    key: String,
    origin: String,
    delivery: Delivery,
    /// Hides the secret in what comes back.
    redactor: Redactor,
    /// What the user should know beside the header lines.
    notes: Vec<String>,
}

/// `hookgate sign`
pub(crate) fn sign(args: &SignArgs, console: &mut Console) -> Result<Exit, Failure> {
    let Made { delivery, notes, .. } = made(&args.delivery, args.delivery.url.as_deref(), false)?;
    let mut text = String::new();
    for line in &delivery.headers {
        text.push_str(&format!("{}: {}\n", line.name, String::from_utf8_lossy(&line.value)));
    }
    if let Some(file) = &args.body_out {
        std::fs::write(file, &delivery.body).map_err(|cause| Failure::usage(format!("cannot write {}: {cause}", file.display())))?;
    }
    console.print(&text);
    for note in notes {
        console.tell(&format!("note: {note}\n"));
    }
    Ok(Exit::Conforms)
}

/// `hookgate send`
pub(crate) fn send(args: &SendArgs, console: &mut Console) -> Result<Exit, Failure> {
    let Made { contract, key, origin, delivery, redactor, .. } = made(&args.delivery, Some(&args.to), true)?;
    let target = Target::parse(&origin).map_err(Failure::usage)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::harness)?;
    let sent = delivery.clone();
    let patience = contract.limits.patience().max(PATIENCE);
    let exchange = runtime.block_on(async { Sender::new(target, patience).send(Transmission::plain(sent)).await });
    let answer = exchange.result.map_err(|none| Failure::harness(format!("{}{}: {none}", origin, delivery.path)))?;
    let reader = Reader::new(Arc::new(contract));
    let sha256 = sha256_hex(&delivery.body);
    let outcome = reader.read(&answer, &Values { body: &delivery.body, key: &key, sha256: &sha256, ..Values::default() });
    let took = crate::clock::span::write(exchange.took);
    // A receiver may say anything back, the secret as well.
    let body = String::from_utf8_lossy(&redactor.bytes(&answer.body)).into_owned();
    console.print(&format!(
        "{} after {took}: {outcome}\n{}{}",
        answer.status,
        body.trim_end(),
        if body.trim().is_empty() { "" } else { "\n" }
    ));
    let taken = outcome.is_taken();
    Ok(if taken { Exit::Conforms } else { Exit::DoesNotConform })
}

/// Makes a delivery of a body file as an honest sender would.
///
/// * `puts_key`: whether a key that travels in the body is put there.
fn made(args: &DeliveryArgs, url: Option<&str>, puts_key: bool) -> Result<Made, Failure> {
    let contract = load_suite::contract(&args.contract.name)?;
    let signer = signer(&contract, args.secret.env.as_deref())?;
    let file = args
        .body
        .as_deref()
        .or(args.file.as_deref())
        .ok_or_else(|| Failure::usage("no body is given (--body FILE, `-` reads standard input)"))?;
    let body = read_body(file)?;
    let at = args.at.map_or_else(|| SystemClock.now(), UnixMicros::from_secs);
    let key = args.key.clone().or_else(|| args.id.clone());
    let made_key = || contract.key.unique_key(&format!("{MADE_HERE}-{:x}", SystemClock.now().0), 1);
    let given = key.is_some();
    let (mut path, given_body) =
        (contract.endpoint.addressed(&contract.endpoint.path), Delivery { body: body.into(), ..Delivery::default() });
    let mut notes = Vec::new();
    let key = match (contract.has_key_in_body(), contract.key.read(&given_body).ok()) {
        (true, Some(there)) if !(puts_key && given) => there,
        (true, _) if !puts_key => {
            notes.push(format!(
                "the body has no key ({}): `hookgate send` puts one there",
                contract.key.body_member.as_deref().or(contract.key.form_field.as_deref()).unwrap_or_default()
            ));
            key.unwrap_or_default()
        }
        (_, _) if contract.key.is_somewhere() => key.unwrap_or_else(made_key),
        (_, _) => key.unwrap_or_default(),
    };
    let body = if puts_key { contract.body_by_hand(&given_body.body, &key).map_err(Failure::usage)? } else { given_body.body };
    let mut address = Captured::default();
    if let Some(url) = url {
        let whole = captured::from_headers(&format!("POST {url} HTTP/1.1"), Vec::new()).map_err(Failure::usage)?;
        address = whole;
        if address.origin.is_none() {
            return Err(Failure::usage(format!("`{url}` is no address: it begins with http:// or https://")));
        }
        if address.delivery.path != "/" || url.ends_with('/') {
            path = address.delivery.path.clone();
        }
    }
    let scheme = signer.scheme();
    if url.is_none() && scheme.address.is_none() && (scheme.signs("url") || scheme.signs("authority")) {
        return Err(Failure::usage(format!("{} signs the address: give it with --url", contract.contract)));
    }
    let unsigned = contract.unsigned_by_hand(&signer, path.clone(), body.clone(), &key).map_err(Failure::usage)?;
    let id = args.id.as_ref().map_or_else(|| contract.key.signed_id(key.as_bytes()), |id| id.as_bytes());
    let origin = address.origin.unwrap_or_default();
    let delivery = signer.signed(unsigned, id, &origin, at);
    if delivery.path != path {
        notes.push(format!("deliver it to {origin}{}", delivery.path));
    }
    if delivery.body != body {
        notes.push("the signature stands in the body: --body-out FILE writes it, `hookgate send` sends it".to_owned());
    }
    let redactor = Redactor::new(&[signer.key_bytes()]);
    Ok(Made { contract, key, origin, delivery, redactor, notes })
}

/// The sender's signer.
fn signer(contract: &Contract, secret_env: Option<&str>) -> Result<Signer, Failure> {
    if contract.signature.by == Proof::None {
        return contract.signature.keyed(b"").map_err(Failure::usage);
    }
    let variable = secret_env.unwrap_or(&contract.secret.env);
    let secret = secret_from(variable)?
        .ok_or_else(|| Failure::usage(format!("the environment variable {variable} is not set: it holds the secret to sign with")))?;
    contract.signature.keyed(secret.expose_secret().as_bytes()).map_err(Failure::usage)
}

pub(super) fn read_body(file: &Path) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    let read = if file == Path::new("-") {
        std::io::stdin().read_to_end(&mut body)
    } else {
        std::fs::File::open(file).and_then(|mut open| open.read_to_end(&mut body))
    };
    read.map_err(|cause| Failure::usage(format!("cannot read the body {}: {cause}", file.display())))?;
    Ok(body)
}

/// `hookgate verify`
pub(crate) fn verify(args: &VerifyDeliveryArgs, console: &mut Console) -> Result<Exit, Failure> {
    let contract = load_suite::contract(&args.contract.name)?;
    let known = secrets(&contract, args.secret.env.as_deref())?;
    let captured = capture(&args.captured, &contract)?;
    let diagnosis =
        diagnosed(&contract, &known, captured, &shipped_contracts(), (args.url.as_deref(), args.at.map(UnixMicros::from_secs)))?;
    match args.format {
        ListFormat::Human if diagnosis.is_right() => console.print(&format!("right: {}\n", diagnosis.sentence)),
        ListFormat::Human => console.print(&format!("wrong ({}): {}\n", diagnosis.code, diagnosis.sentence)),
        ListFormat::Json => {
            let said = json!({"right": diagnosis.is_right(), "code": diagnosis.code, "sentence": diagnosis.sentence, "contract": contract.contract});
            console.print(&format!("{said:#}\n"));
        }
    }
    Ok(if diagnosis.is_right() { Exit::Conforms } else { Exit::DoesNotConform })
}

/// Why the signature of a captured delivery does not hold, or that it does.
///
/// * `others`: contracts whose schemes may have been meant; * `url`, `at`: where it was sent, and when it came, as the user says.
fn diagnosed(
    contract: &Contract,
    (secrets, is_public): &Secrets,
    captured: Captured,
    others: &[Contract],
    (url, at): (Option<&str>, Option<UnixMicros>),
) -> Result<Diagnosis, Failure> {
    let mut delivery = captured.delivery;
    let mut origin = captured.origin.unwrap_or_default();
    if let Some(url) = url {
        let address = captured::from_headers(&format!("POST {url} HTTP/1.1"), Vec::new()).map_err(Failure::usage)?;
        origin = address.origin.ok_or_else(|| Failure::usage(format!("`{url}` is no address: it begins with http:// or https://")))?;
        delivery.path = address.delivery.path;
    }
    let scheme = &contract.signature;
    if origin.is_empty() && scheme.address.is_none() && (scheme.signs("url") || scheme.signs("authority")) {
        return Err(Failure::usage(format!(
            "{} signs the address, and this capture does not tell where the delivery was sent: give it with --url",
            contract.contract
        )));
    }
    if delivery.path.is_empty() {
        delivery.path = contract.endpoint.addressed(&contract.endpoint.path);
    }
    if delivery.method.is_empty() {
        delivery.method.clone_from(&contract.endpoint.method);
    }
    let id_by = |contract: &Contract| {
        let key = contract.key.read(&delivery).unwrap_or_default();
        contract.key.travelling(&delivery, &key).into_owned()
    };
    let id = id_by(contract);
    let others = others.iter().map(|other| Other { name: &other.contract, scheme: &other.signature, id: id_by(other) });
    let others: Vec<Other<'_>> = others.collect();
    let named: Vec<(&str, Vec<u8>)> =
        secrets.iter().map(|(what, secret)| (what.as_str(), secret.expose_secret().as_bytes().to_vec())).collect();
    Ok(diagnose(&Case {
        scheme,
        secrets: &named,
        is_public: *is_public,
        delivery: &delivery,
        id: &id,
        id_place: &contract.key.place(),
        origin: &origin,
        at: at.or(captured.at).unwrap_or_else(|| SystemClock.now()),
        others: &others,
    }))
}

/// All shipped contracts whose deliveries are signed.
fn shipped_contracts() -> Vec<Contract> {
    let all = files::shipped_contracts().into_iter().filter_map(|name| load_suite::contract(&name).ok());
    all.filter(|one| one.signature.by != Proof::None).collect()
}

/// Every secret that is known, each with what it is, the shared one first; whether that is a public key.
type Secrets = (Vec<(String, SecretString)>, bool);

fn secrets(contract: &Contract, secret_env: Option<&str>) -> Result<Secrets, Failure> {
    let variable = secret_env.unwrap_or(&contract.secret.env);
    let mut all: Vec<(String, SecretString)> = Vec::new();
    let public = contract.secret.public.as_ref();
    all.extend(secret_from(variable)?.map(|secret| (format!("that of {variable}"), secret)));
    let is_public = all.is_empty() && public.is_some();
    if let Some(public) = public.filter(|_| is_public) {
        all.extend(secret_from(&public.env)?.map(|key| (format!("that of {}", public.env), key)));
    }
    if all.is_empty() && contract.signature.by != Proof::None {
        let or = public.map_or_else(String::new, |public| format!(" (or {}, the public key)", public.env));
        return Err(Failure::usage(format!("the environment variable {variable}{or} is not set: it holds the secret to verify with")));
    }
    for (what, other) in [("the previous one", &contract.secret.previous), ("a retired one", &contract.secret.retired)] {
        if let Some(other) = other {
            all.extend(secret_from(&other.env)?.map(|secret| (format!("{what} ({})", other.env), secret)));
        }
    }
    all.push(("the published one of the contract's tests".to_owned(), contract.secret.for_tests.clone().into()));
    Ok((all, is_public))
}

fn capture(args: &CapturedArgs, contract: &Contract) -> Result<Captured, Failure> {
    let text = |file: &Path| {
        let bytes = read_body(file)?;
        String::from_utf8(bytes).map_err(|_| Failure::usage(format!("{} is not UTF-8", file.display())))
    };
    let named = |file: &Path, wrong: String| Failure::usage(format!("{}: {wrong}", file.display()));
    match (&args.headers, &args.har, &args.curl) {
        (Some(headers), None, None) => {
            let Some(body) = args.body.as_deref() else {
                // A whole request has its body behind a blank line; a file of header lines alone has none.
                return captured::from_request(&read_body(headers)?).map_err(|wrong| named(headers, wrong));
            };
            captured::from_headers(&text(headers)?, read_body(body)?).map_err(|wrong| named(headers, wrong))
        }
        (None, Some(har), None) => {
            let names: Vec<String> = contract.signature.headers.iter().map(|header| header.name.clone()).collect();
            captured::from_har(&text(har)?, args.entry, &names).map_err(|wrong| named(har, wrong))
        }
        (None, None, Some(curl)) => {
            let beside = |path: &Path| read_body(path).map_err(|failure| failure.message);
            captured::from_curl(&text(curl)?, &beside).map_err(|wrong| named(curl, wrong))
        }
        (_, _, _) => Err(Failure::usage("give the captured delivery: --headers FILE --body FILE, --har FILE, or --curl FILE")),
    }
}

#[cfg(test)]
mod tests;
