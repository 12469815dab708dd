//! Database servers of tests: each in a folder of its own, on a free port, as a user that is not root, stopped by its own handle.
#![expect(clippy::expect_used, reason = "a server that is there and does not start fails the test")]

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::surroundings::{Folder, tool};
use crate::tls::Files;

/// How long a server may take to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const PASSWORD: &str = "a password of the tests";

/// A server that is running.
pub(crate) struct Server {
    child: Child,
    folder: Folder,
    /// The signal that ends it at once, and gently.
    signal: &'static str,
    /// What `--db` says.
    pub(crate) db: String,
    /// What the receiver is told.
    pub(crate) store: String,
    /// Its password, where clients look for it.
    pub(crate) env: Vec<(&'static str, String)>,
    pub(crate) password: String,
    /// What `--db` says to reach it by TLS.
    pub(crate) secured: String,
    /// Who has issued its certificate.
    pub(crate) files: Files,
    /// A Python that has the driver.
    pub(crate) python: PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        let pid = self.child.id().to_string();
        let asked = Command::new("kill").args([self.signal, &pid]).status();
        if asked.is_err() {
            drop(self.child.kill());
        }
        drop(self.child.wait());
    }
}

/// A program as it is run by nobody: servers refuse to be root.
fn as_nobody(program: &std::path::Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"]).arg(program);
    command
}

fn is_root() -> bool {
    rustix::process::getuid().is_root()
}

/// A folder that nobody may write.
fn folder() -> Folder {
    let folder = Folder::new();
    let path = folder.path("");
    if is_root() {
        let given = Command::new("chown").arg("nobody:nogroup").arg(&path).status().expect("chown");
        assert!(given.success());
    }
    folder
}

/// The certificate of a server and its key, where nobody may read them and others may not.
fn certificate(files: &Files, folder: &Folder) -> (String, String) {
    let own = |name: &str| {
        let path = folder.path(name).display().to_string();
        std::fs::copy(files.file(name), &path).expect("a copy");
        if is_root() {
            made(Command::new("chown").args(["nobody:nogroup", &path]));
        }
        made(Command::new("chmod").args(["600", &path]));
        path
    };
    (own("right.pem"), own("right.key"))
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

fn quiet(command: &mut Command) -> &mut Command {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())
}

fn made(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().expect("it starts");
    assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
}

#[expect(clippy::disallowed_methods, reason = "a test waits for a server, and not for ever")]
fn listening(port: u16) {
    let until = Instant::now() + PATIENCE;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < until, "the server does not listen on {port}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Debian keeps the programs of PostgreSQL beside the path.
fn program_of_postgres(name: &str) -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    versions.map(|version| version.path().join("bin").join(name)).find(|path| path.is_file()).or_else(|| tool(name))
}

/// A Python that has a driver, or nothing after saying aloud that the test is skipped.
fn python_with(driver: &str) -> Option<PathBuf> {
    let has = |python: &PathBuf| {
        let asked = quiet(Command::new(python).args(["-c", &format!("import {driver}")])).status();
        asked.is_ok_and(|status| status.success())
    };
    let found = tool("python3").into_iter().chain([PathBuf::from("/usr/bin/python3")]).find(has);
    if found.is_none() {
        // The tool of that name is nowhere: so it is said, or the test fails where tools are required.
        return tool(&format!("python3 with {driver}"));
    }
    found
}

/// A PostgreSQL server, or nothing after saying aloud that the test is skipped.
pub(crate) fn postgres() -> Option<Server> {
    let python = python_with("psycopg2")?;
    let (initdb, postgres) = (program_of_postgres("initdb")?, program_of_postgres("postgres")?);
    let (folder, port) = (folder(), free_port());
    let files = Files::new();
    let (certificate, key) = certificate(&files, &folder);
    let (data, password) = (folder.path("data"), folder.path("password"));
    std::fs::write(&password, PASSWORD).expect("a file");
    let file = format!("--pwfile={}", password.display());
    made(as_nobody(&initdb).arg("-D").arg(&data).args([
        "-U",
        "owner",
        "-A",
        "scram-sha-256",
        &file,
        "--no-sync",
        "-E",
        "UTF8",
        "--locale=C",
    ]));
    let mut serve = as_nobody(&postgres);
    serve.arg("-D").arg(&data).arg("-k").arg(folder.path("")).args([
        "-p",
        &port.to_string(),
        "-c",
        "fsync=off",
        "-c",
        "listen_addresses=127.0.0.1",
    ]);
    for setting in ["ssl=on".to_owned(), format!("ssl_cert_file={certificate}"), format!("ssl_key_file={key}")] {
        serve.args(["-c", &setting]);
    }
    let child = quiet(&mut serve).spawn().expect("it starts");
    listening(port);
    let db = format!("postgres://owner@127.0.0.1:{port}/postgres?schema=app,public");
    let store = format!("postgres://owner@127.0.0.1:{port}/postgres");
    let env = vec![("PGPASSWORD", PASSWORD.to_owned())];
    let secured = format!("{db}&sslmode=require");
    Some(Server { secured, files, child, folder, signal: "-INT", db, store, env, password: PASSWORD.to_owned(), python })
}

/// A MariaDB server, or nothing after saying aloud that the test is skipped.
pub(crate) fn mysql() -> Option<Server> {
    let python = python_with("pymysql")?;
    let install = tool("mariadb-install-db")?;
    let server = ["/usr/sbin/mariadbd", "/usr/bin/mariadbd"].map(PathBuf::from).into_iter().find(|path| path.is_file());
    let server = server.or_else(|| tool("mariadbd"))?;
    let (folder, port) = (folder(), free_port());
    let files = Files::new();
    let (certificate, key) = certificate(&files, &folder);
    let (data, socket, start) = (folder.path("data"), folder.path("my.sock"), folder.path("start.sql"));
    let statements = format!("ALTER USER root@localhost IDENTIFIED BY '{PASSWORD}';\nCREATE DATABASE IF NOT EXISTS jobs;\n");
    std::fs::write(&start, statements).expect("a file");
    let at = format!("--datadir={}", data.display());
    made(as_nobody(&install).args(["--no-defaults", &at, "--auth-root-authentication-method=normal", "--skip-test-db"]));
    let mut serve = as_nobody(&server);
    serve.args(["--no-defaults", &at, "--bind-address=127.0.0.1", "--skip-name-resolve=0", "--innodb-flush-log-at-trx-commit=0"]);
    serve.arg(format!("--socket={}", socket.display())).arg(format!("--port={port}")).arg(format!("--init-file={}", start.display()));
    serve.arg(format!("--pid-file={}", folder.path("my.pid").display()));
    serve.arg(format!("--ssl-cert={certificate}")).arg(format!("--ssl-key={key}"));
    let child = quiet(&mut serve).spawn().expect("it starts");
    listening(port);
    let db = format!("mysql://root@localhost/jobs?socket={}", socket.display());
    let env = vec![("MYSQL_PWD", PASSWORD.to_owned())];
    let secured = format!("mysql://root@localhost:{port}/jobs?sslmode=require");
    Some(Server { secured, files, child, folder, signal: "-TERM", store: db.clone(), db, env, password: PASSWORD.to_owned(), python })
}

/// A Redis server, or nothing after saying aloud that the test is skipped.
pub(crate) fn redis() -> Option<Server> {
    let python = python_with("redis")?;
    let server = tool("redis-server")?;
    let (folder, port, by_tls) = (folder(), free_port(), free_port());
    let files = Files::new();
    let (certificate, key) = certificate(&files, &folder);
    let settings = format!("port {port}\nbind 127.0.0.1\ndir {}\nsave \"\"\nrequirepass \"{PASSWORD}\"\n", folder.path("").display());
    let secured = format!("tls-port {by_tls}\ntls-cert-file {certificate}\ntls-key-file {key}\ntls-auth-clients no\n");
    let settings = settings + &secured;
    let settings = folder.write("redis.conf", &settings);
    let child = quiet(as_nobody(&server).arg(&settings)).spawn().expect("it starts");
    listening(port);
    let db = format!("redis://127.0.0.1:{port}/0");
    let env = vec![("REDISCLI_AUTH", PASSWORD.to_owned())];
    let secured = format!("rediss://127.0.0.1:{by_tls}/0");
    Some(Server { secured, files, child, folder, signal: "-TERM", store: db.clone(), db, env, password: PASSWORD.to_owned(), python })
}

/// Holds a statement of PostgreSQL open until its input ends.
const HOLD: &str = "import sys, psycopg2
connection = psycopg2.connect(sys.argv[1])
connection.autocommit = sys.argv[3] == 'once'
connection.cursor().execute(sys.argv[2])
print('done', flush=True)
sys.stdin.read()";

impl Server {
    fn statement(&self, sql: &str, how: &str) -> Child {
        let address = self.store.clone();
        let mut python = Command::new(&self.python);
        python.args(["-c", HOLD, &address, sql, how]).envs(self.env.iter().cloned()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = python.spawn().expect("python starts");
        let mut said = String::new();
        let output = child.stdout.as_mut().expect("a pipe");
        std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut said).expect("a line");
        assert_eq!(said, "done\n", "{sql}");
        child
    }

    fn once(&self, sql: &str) {
        let mut child = self.statement(sql, "once");
        drop(child.stdin.take());
        drop(child.wait());
    }

    /// While another session has a table to itself.
    pub(crate) fn locked<T>(&self, meanwhile: impl FnOnce() -> T) -> T {
        let mut child = self.statement("LOCK TABLE app.remembered IN ACCESS EXCLUSIVE MODE", "open");
        let got = meanwhile();
        drop(child.stdin.take());
        drop(child.wait());
        got
    }

    /// With the address of a user who may read nothing.
    pub(crate) fn denied<T>(&self, with: impl FnOnce(&str) -> T) -> T {
        self.once(&format!("CREATE USER stranger PASSWORD '{}'; GRANT USAGE ON SCHEMA app TO stranger", self.password));
        with(&self.db.replace("owner@", "stranger@"))
    }

    /// With the name of a variable that holds another password.
    pub(crate) fn with_another_password<T>(&self, with: impl FnOnce(&str) -> T) -> T {
        assert!(self.folder.path("data").is_dir());
        with("ANOTHER_PASSWORD")
    }
}
