//! Receivers behind TLS and on Unix sockets: judged and loaded like plain ones, and what is told where that cannot be.
#![expect(clippy::expect_used, reason = "a test ends where something is not as it should be")]

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair, date_time_ymd};

use crate::command_line::{Running, alone, command, hookgate_with};
use crate::surroundings::{Folder, tool};

pub(crate) const SECRET: (&str, &str) = ("ORCH_WEBHOOK_SECRET", "a secret of the tests");
/// A part of the suite with every way of sending: pooled, kept, bursts, faults, every framing.
const PART: [&str; 5] = ["duplicate/*", "http/*", "concurrency/*", "fault/*", "signature/*"];

/// A CA and what it has issued, as files.
pub(crate) struct Files {
    folder: Folder,
    pub(crate) ca: String,
    other_ca: String,
}

impl Files {
    pub(crate) fn new() -> Self {
        let folder = Folder::new();
        let issuer = |name: &str| {
            let mut params = CertificateParams::new(Vec::new()).expect("no names");
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.distinguished_name.push(rcgen::DnType::CommonName, name);
            CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a CA")
        };
        let (own, other) = (issuer("the CA of the tests"), issuer("another CA"));
        let ca = folder.write("ca.pem", &own.pem());
        let other_ca = folder.write("other-ca.pem", &other.pem());
        let issue = |file: &str, names: &[&str], has_expired: bool| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let mut params = CertificateParams::new(names).expect("names");
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
            if has_expired {
                (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
            }
            let key = KeyPair::generate().expect("a key");
            folder.write(&format!("{file}.key"), &key.serialize_pem());
            folder.write(&format!("{file}.pem"), &params.signed_by(&key, &own).expect("a certificate").pem());
        };
        issue("right", &["127.0.0.1", "localhost", "receiver.example"], false);
        issue("expired", &["127.0.0.1"], true);
        issue("named", &["receiver.example"], false);
        issue("client", &["a sender"], false);
        let key = KeyPair::generate().expect("a key");
        let alone = CertificateParams::new(vec!["127.0.0.1".to_owned()]).and_then(|params| params.self_signed(&key));
        // As `openssl req -x509` makes one.
        let own_key = KeyPair::generate().expect("a key");
        let mut of_its_own = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("a name");
        of_its_own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        folder.write("self-signed.key", &own_key.serialize_pem());
        folder.write("self-signed.pem", &of_its_own.self_signed(&own_key).expect("a certificate").pem());
        folder.write("alone.key", &key.serialize_pem());
        folder.write("alone.pem", &alone.expect("a certificate").pem());
        Self { folder, ca, other_ca }
    }

    pub(crate) fn file(&self, name: &str) -> String {
        self.folder.path(name).display().to_string()
    }

    /// The reference over TLS with this certificate.
    pub(crate) fn serve(&self, certificate: &str, more: &[&str]) -> Running {
        let (cert, key) = (self.file(&format!("{certificate}.pem")), self.file(&format!("{certificate}.key")));
        Running::serve(SECRET.1, &[&["--tls-cert", &cert, "--tls-key", &key], more].concat())
    }
}

/// The exit code of a command, and all that it said.
fn told(args: &[&str]) -> (String, String) {
    let text = hookgate_with(&[SECRET], args);
    let exit = text.lines().next().unwrap_or_default().to_owned();
    (exit, text)
}

/// The reference over TLS conforms, with a client's certificate and without, and is loaded without a mistake.
#[test]
fn receivers_behind_tls_are_judged_and_loaded() {
    let files = Files::new();
    let plain = files.serve("right", &[]);
    let mut run = command();
    run.env(SECRET.0, SECRET.1).arg("run").args(PART).args(["--target", &plain.url, "--ca-cert", &files.ca, "--seed", "1"]);
    let output = alone(&mut run);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
    #[cfg(feature = "load")]
    {
        let load = ["load", "--target", &plain.url, "--ca-cert", &files.ca, "--deliveries", "500", "--users", "4", "--mix", "ordinary"];
        let (exit, text) = told(&[&load[..], &["--gate", "violations==0", "--gate", "errors<0.1%"]].concat());
        assert_eq!(exit, "exit 0", "{text}");
    }
    let asks = files.serve("right", &["--tls-client-ca", &files.ca]);
    let (cert, key) = (files.file("client.pem"), files.file("client.key"));
    let known = ["run", "duplicate/*", "--target", &asks.url, "--ca-cert", &files.ca, "--client-cert", &cert, "--client-key", &key];
    let (exit, text) = told(&known);
    assert_eq!(exit, "exit 0", "{text}");
    // By another name, which stands in SNI and in `Host`.
    let named = files.serve("named", &[]);
    let (exit, text) = told(&["run", "duplicate/*", "--target", &named.url, "--ca-cert", &files.ca, "--host", "receiver.example"]);
    assert_eq!(exit, "exit 0", "{text}");
    // A certificate that signs itself is believed by name.
    let own = files.serve("alone", &[]);
    let (exit, text) = told(&["run", "duplicate/*", "--target", &own.url, "--ca-cert", &files.file("alone.pem")]);
    assert_eq!(exit, "exit 0", "{text}");
}

/// Lets who comes to a socket speak with a receiver that listens elsewhere, as long as the test runs.
fn relay(socket: &str, address: &str) {
    use std::net::{Shutdown, TcpStream};
    use std::os::unix::net::UnixListener;
    let (listener, address) = (UnixListener::bind(socket).expect("a socket"), address.to_owned());
    std::thread::spawn(move || {
        for near in listener.incoming().flatten() {
            let Ok(far) = TcpStream::connect(&address) else { continue };
            let (Ok(mut near_in), Ok(mut far_in)) = (near.try_clone(), far.try_clone()) else { continue };
            let (mut near, mut far) = (near, far);
            std::thread::spawn(move || {
                drop(std::io::copy(&mut near_in, &mut far));
                drop(far.shutdown(Shutdown::Write));
            });
            std::thread::spawn(move || {
                drop(std::io::copy(&mut far_in, &mut near));
                drop(near.shutdown(Shutdown::Both));
            });
        }
    });
}

/// A page of effects is reached as the receiver is: by TLS, by another name, at its socket.
#[test]
fn effects_are_counted_where_the_receiver_is() {
    let files = Files::new();
    let text = std::fs::read_to_string(crate::surroundings::project("fixtures/contracts/orch-phase3.yaml")).expect("the contract");
    let page = "\neffects: {path: \"/__effects?key={key}\", count: \"/by_key/{key}\", keys_a_page: 100}\n";
    let contract = files.folder.write("counted.yaml", &(text + page));
    let named = files.serve("named", &["--contract", &contract]);
    let plain = Running::serve(SECRET.1, &["--contract", &contract]);
    let socket = files.file("receiver.sock");
    relay(&socket, plain.url.trim_start_matches("http://"));
    let at_socket = format!("unix:{socket}");
    let reached = [vec!["--target", &named.url, "--ca-cert", &files.ca, "--host", "receiver.example"], vec!["--target", &at_socket]];
    for one in &reached {
        let (exit, text) = told(&[&["run", "effect/*", "--contract", &contract, "--format", "json"][..], one].concat());
        assert_eq!(exit, "exit 0", "{text}");
        assert!(text.contains("\"EFF-1\""), "{text}");
        let json = text.find('{').map(|at| &text[at..]).expect("JSON");
        let report = serde_json::Deserializer::from_str(json).into_iter::<serde_json::Value>().next();
        let report = report.expect("a report").expect("JSON");
        let counted = report["requirements"].as_array().into_iter().flatten().find(|one| one["id"] == "EFF-1").expect("EFF-1");
        assert_eq!(counted["verdict"], "pass", "{counted}");
    }
}

/// Whoever does not look at certificates reads so in every report.
#[test]
fn insecure_is_told_in_every_report() {
    let files = Files::new();
    let expired = files.serve("expired", &[]);
    for format in ["human", "json", "markdown", "html"] {
        let (exit, text) = told(&["run", "duplicate/*", "--target", &expired.url, "--insecure", "--format", format]);
        assert_eq!(exit, "exit 0", "{text}");
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains("was not looked at (--insecure)"), "{format}: {text}");
    }
    #[cfg(feature = "load")]
    for format in ["human", "json", "markdown"] {
        let load = ["load", "--target", &expired.url, "--insecure", "--deliveries", "20", "--users", "1", "--format", format];
        let (exit, text) = told(&load);
        assert_eq!(exit, "exit 0", "{text}");
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains("was not looked at (--insecure)"), "{format}: {text}");
    }
}

/// Where TLS does not come about, one sentence has the reason, and the exit code is 3; for a run and a load alike.
#[test]
fn what_keeps_tls_from_coming_about_is_one_sentence() {
    let files = Files::new();
    let (right, expired, named) = (files.serve("right", &[]), files.serve("expired", &[]), files.serve("named", &[]));
    let asks = files.serve("right", &["--tls-client-ca", &files.ca]);
    let alone = files.serve("self-signed", &[]);
    let plain = Running::serve(SECRET.1, &[]);
    let (as_plain, as_tls) = (right.url.replace("https://", "http://"), plain.url.replace("http://", "https://"));
    let (ca, other) = (files.ca.as_str(), files.other_ca.as_str());
    let (cert, key) = (files.file("alone.pem"), files.file("alone.key"));
    let commands = if cfg!(feature = "load") { &["run", "load"][..] } else { &["run"][..] };
    for (url, args, reason) in [
        (&right.url, &["--ca-cert", other][..], "the receiver's certificate was issued by nobody who is believed"),
        (&alone.url, &["--ca-cert", other], "is self-signed (it says that it is a CA's); give it with --ca-cert FILE"),
        (&expired.url, &["--ca-cert", ca], "the receiver's certificate has expired"),
        (&named.url, &["--ca-cert", ca], "the receiver's certificate is not for `127.0.0.1` (it names receiver.example)"),
        (&asks.url, &["--ca-cert", ca], "the receiver wants to see a client certificate"),
        (
            &asks.url,
            &["--ca-cert", ca, "--client-cert", &cert, "--client-key", &key],
            "the receiver does not accept the client certificate",
        ),
        (&as_tls, &["--ca-cert", ca], "what came is not TLS"),
        (&as_plain, &[], "give its address as https://"),
    ] {
        for command in commands {
            let (exit, text) = told(&[&[*command, "--target", url], args].concat());
            assert_eq!(exit, "exit 3", "{text}");
            let error = text.split("--- stderr\n").nth(1).unwrap_or_default();
            assert!(error.contains(reason) && error.trim_end().lines().count() == 1, "{command} {args:?}: {text}");
            assert!(!(reason.contains("; ") && error.contains("start it")), "it is there: {text}");
        }
    }
}

/// Files that cannot be used, and flags without TLS, are mistakes of the command line.
#[test]
fn files_of_tls_that_cannot_be_used_are_usage_errors() {
    let files = Files::new();
    let empty = files.folder.write("empty.pem", "no certificate");
    let (ca, key) = (files.ca.as_str(), files.file("right.key"));
    for (args, reason) in [
        (&["run", "--target", "https://h", "--ca-cert", "/nowhere.pem"][..], "the CA certificate /nowhere.pem cannot be read"),
        (&["run", "--target", "https://h", "--ca-cert", &empty], "it holds no certificate in PEM form"),
        (&["run", "--target", "https://h", "--client-cert", &empty, "--client-key", &key], "it holds no certificate in PEM form"),
        (&["run", "--target", "https://h", "--client-cert", ca, "--client-key", &key], "cannot be used with the key"),
        (&["run", "--target", "http://h", "--ca-cert", ca], "http://h is no https:// address"),
        (&["run", "--target", "https://h", "--host", "a b"], "`a b` is not a host"),
        (&["run", "--insecure"], "--target"),
        (&["serve", "--tls-cert", &empty, "--tls-key", &key], "it holds no certificate in PEM form"),
        (&["serve", "--tls-cert", ca], "--tls-key"),
    ] {
        let (exit, text) = told(args);
        assert_eq!(exit, "exit 2", "{text}");
        assert!(text.contains(reason), "{text}");
    }
}

/// nginx in front of a Python receiver, with TLS and over a Unix socket: as if it were not there.
#[test]
fn nginx_before_a_receiver_is_judged_and_loaded() {
    if tool("python3").is_none() || tool("nginx").is_none() {
        return;
    }
    let files = Files::new();
    let behind = std::net::TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr()).expect("a free port").port();
    let (cert, key) = (files.file("right.pem"), files.file("right.key"));
    let settings = format!(
        "daemon off; worker_processes 1; pid DIR/nginx.pid; error_log DIR/error.log;
events {{ worker_connections 512; }}
http {{
  access_log off; client_max_body_size 0; client_body_temp_path DIR/body; proxy_temp_path DIR/proxy;
  fastcgi_temp_path DIR/f; uwsgi_temp_path DIR/u; scgi_temp_path DIR/s; large_client_header_buffers 8 32k;
  keepalive_requests 100000; ignore_invalid_headers off; underscores_in_headers on;
  upstream receiver {{ server 127.0.0.1:{behind}; }}
  server {{
    listen 127.0.0.1:PORT ssl; listen unix:DIR/nginx.sock;
    ssl_certificate {cert}; ssl_certificate_key {key};
    location / {{ proxy_pass http://receiver; proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_request_buffering off; }}
  }}
}}
"
    );
    let template = files.folder.write("nginx.conf", &settings);
    let exec = format!(
        "sed 's#DIR#{{dir}}#g; s#PORT#{{port}}#g' '{template}' > {{dir}}/nginx.conf; python3 tests/receivers/orch_phase3.py --port {behind} --db {{dir}}/orch.db & exec nginx -e {{dir}}/error.log -c {{dir}}/nginx.conf"
    );
    for (target, ca) in [("https://127.0.0.1:{port}", Some(files.ca.as_str())), ("unix:{dir}/nginx.sock", None)] {
        let mut run = command();
        run.env(SECRET.0, SECRET.1).arg("run").args([
            "duplicate/*",
            "concurrency/*",
            "http/one-connection*",
            "fault/answer-that-was-lost-is*",
        ]);
        run.args(["--exec", &exec, "--target", target, "--db", "{dir}/orch.db", "--seed", "1", "--jobs", "2"]);
        run.args(ca.into_iter().flat_map(|ca| ["--ca-cert", ca]));
        let output = alone(&mut run);
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(0), "{target}: {text}");
    }
}
