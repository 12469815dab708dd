//! Places of evidence: what `--db` may say, a file or the URL of a server.
//!
//! In: text. Out: a [`Place`], or why it cannot be meant. Nothing is opened
//! here; a password in the text is refused, for command lines are seen by others.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::sqlite::SqliteSource;
use super::{Choice, EffectsTable, EvidenceError, Source};
use crate::contract::tables::StateTables;

/// Where a receiver keeps what it remembers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL server.
    Postgres(Server),
    /// A MySQL or MariaDB server.
    Mysql(Server),
    /// A Redis or Valkey server.
    Redis(Server),
}

/// A database server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Server {
    /// Its host; a path (of a folder, or of a socket) where it begins with a slash.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Who reads.
    pub user: Option<String>,
    /// The database.
    pub database: Option<String>,
    /// The schemas that tables are looked for in, in their order.
    pub schemas: Vec<String>,
    /// Whether it is spoken to over TLS.
    pub tls: Tls,
}

/// Whether a server is spoken to over TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tls {
    /// In the clear.
    #[default]
    Off,
    /// Over TLS, with a certificate that is believed.
    Require,
}

/// Text that is no place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPlace {
    /// Nothing here speaks so.
    #[error(
        "`{scheme}:` is no database that is known here; give a SQLite file, or a URL that begins with postgres://, mysql://, redis:// or sqlite:"
    )]
    Scheme {
        /// The scheme.
        scheme: String,
    },
    /// The driver is not in this build.
    #[error("this build of hookgate does not speak {scheme}://: build it with the cargo feature `{feature}`")]
    NotBuilt {
        /// The scheme.
        scheme: &'static str,
        /// The feature.
        feature: &'static str,
    },
    /// A password on the command line.
    #[error(
        "--db has a password in it, and a command line is seen by others: leave it out, and put it into the environment variable {variable} (or one that --db-password-env names)"
    )]
    Password {
        /// Where it belongs.
        variable: &'static str,
    },
    /// The port is none.
    #[error("`{found}` is not a port in --db; write a number from 1 to 65535")]
    Port {
        /// What stands there.
        found: String,
    },
    /// A parameter that is not known.
    #[error("--db has a parameter `{name}` that is not known here; {known}")]
    Parameter {
        /// The parameter.
        name: String,
        /// What is.
        known: &'static str,
    },
    /// A value that a parameter cannot have.
    #[error("--db has {name}={found}, which is not known here; {known}")]
    Value {
        /// The parameter.
        name: &'static str,
        /// Its value.
        found: String,
        /// What could stand there.
        known: &'static str,
    },
}

/// The environment variables in which clients of each kind find a password.
const PASSWORDS: [(&str, &str); 3] = [("postgres", "PGPASSWORD"), ("mysql", "MYSQL_PWD"), ("redis", "REDISCLI_AUTH")];

impl Place {
    /// Reads a path, or a URL: `sqlite:PATH`, `postgres://user@host:port/database?schema=app`, `mysql://…`, `redis://host/0`.
    ///
    /// # Errors
    /// [`BadPlace`], which names what is wrong and the way out.
    pub fn read(text: &str) -> Result<Self, BadPlace> {
        if let Some(rest) = text.strip_prefix("sqlite:") {
            return Ok(Self::Sqlite(PathBuf::from(decoded(rest.strip_prefix("//").unwrap_or(rest)))));
        }
        let Some((scheme, rest)) = text.split_once("://") else { return Ok(Self::Sqlite(PathBuf::from(text))) };
        match scheme {
            "postgres" | "postgresql" => server(rest, 5432, "PGPASSWORD").map(Self::Postgres),
            "mysql" | "mariadb" => server(rest, 3306, "MYSQL_PWD").map(Self::Mysql),
            "redis" | "valkey" => server(rest, 6379, "REDISCLI_AUTH").map(Self::Redis),
            "rediss" | "valkeys" => {
                let server = server(rest, 6379, "REDISCLI_AUTH")?;
                Ok(Self::Redis(Server { tls: Tls::Require, ..server }))
            }
            other => Err(BadPlace::Scheme { scheme: other.to_owned() }),
        }
    }

    /// Whether it is spoken to by TLS.
    #[must_use]
    pub fn is_secured(&self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            Self::Postgres(server) | Self::Mysql(server) | Self::Redis(server) => server.tls == Tls::Require,
        }
    }

    /// The environment variable that holds the password; none where there is nobody to be let in.
    #[must_use]
    pub fn password_variable(&self) -> Option<&'static str> {
        let kind = match self {
            Self::Sqlite(_) => return None,
            Self::Postgres(_) => "postgres",
            Self::Mysql(_) => "mysql",
            Self::Redis(_) => "redis",
        };
        PASSWORDS.into_iter().find(|(name, _)| *name == kind).map(|(_, variable)| variable)
    }

    /// The source there; nothing is asked of it yet.
    ///
    /// # Errors
    /// When its driver is not in this build.
    pub fn open(self, tables: StateTables, effects: Option<EffectsTable>, choice: &Choice) -> Result<Arc<dyn Source>, EvidenceError> {
        #[cfg(any(feature = "postgres", feature = "mysql", feature = "redis"))]
        let (password, tls) = (choice.password.clone(), choice.tls.clone());
        let patience = choice.patience;
        match self {
            Self::Sqlite(path) => Ok(Arc::new(SqliteSource::new(path, tables, effects, patience))),
            #[cfg(feature = "postgres")]
            Self::Postgres(server) => {
                Ok(Arc::new(super::postgres::PostgresSource::new(server, tables, effects, (password, tls), patience)))
            }
            #[cfg(feature = "mysql")]
            Self::Mysql(server) => Ok(Arc::new(super::mysql::MysqlSource::new(server, tables, effects, (password, tls), patience))),
            #[cfg(feature = "redis")]
            Self::Redis(server) => Ok(Arc::new(super::redis::RedisSource::new(server, tables, effects, (password, tls), patience))),
            #[cfg(not(feature = "postgres"))]
            Self::Postgres(_) => Err(BadPlace::NotBuilt { scheme: "postgres", feature: "postgres" }.into()),
            #[cfg(not(feature = "mysql"))]
            Self::Mysql(_) => Err(BadPlace::NotBuilt { scheme: "mysql", feature: "mysql" }.into()),
            #[cfg(not(feature = "redis"))]
            Self::Redis(_) => Err(BadPlace::NotBuilt { scheme: "redis", feature: "redis" }.into()),
        }
    }
}

impl Server {
    /// Its address as reports name it: without a password, for there is none in it.
    #[must_use]
    pub fn named(&self, scheme: &str) -> String {
        let user = self.user.as_ref().map_or_else(String::new, |user| format!("{user}@"));
        let database = self.database.as_deref().unwrap_or_default();
        if self.host.starts_with('/') {
            return format!("{scheme}://{user}/{database}?host={}", self.host);
        }
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        format!("{scheme}://{user}{host}:{}/{database}", self.port)
    }
}

fn server(rest: &str, port: u16, variable: &'static str) -> Result<Server, BadPlace> {
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    if user.is_some_and(|user| user.contains(':')) {
        return Err(BadPlace::Password { variable });
    }
    let (host, given) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((inside, after)) => (inside, after.strip_prefix(':').unwrap_or(after)),
        None => host.rsplit_once(':').unwrap_or((host, "")),
    };
    let mut server = Server {
        host: if host.is_empty() { "localhost".to_owned() } else { decoded(host) },
        port: if given.is_empty() { port } else { port_in(given)? },
        user: user.filter(|user| !user.is_empty()).map(decoded),
        database: Some(decoded(database)).filter(|name| !name.is_empty()),
        ..Server::default()
    };
    for (name, value) in parameters(query) {
        match name.as_str() {
            "password" => return Err(BadPlace::Password { variable }),
            "host" | "socket" | "unix_socket" => server.host = value,
            "port" => server.port = port_in(&value)?,
            "user" => server.user = Some(value),
            "dbname" => server.database = Some(value),
            "schema" | "search_path" => server.schemas = value.split(',').map(|one| one.trim().to_owned()).collect(),
            "sslmode" => server.tls = tls(value)?,
            _ => {
                let known = "known: host, socket, port, user, dbname, schema, sslmode";
                return Err(BadPlace::Parameter { name, known });
            }
        }
    }
    Ok(server)
}

fn tls(value: String) -> Result<Tls, BadPlace> {
    match value.as_str() {
        "disable" | "allow" | "prefer" => Ok(Tls::Off),
        "require" | "verify-ca" | "verify-full" => Ok(Tls::Require),
        _ => Err(BadPlace::Value { name: "sslmode", found: value, known: "known: disable, require, verify-full" }),
    }
}

fn port_in(text: &str) -> Result<u16, BadPlace> {
    text.parse().ok().filter(|port| *port > 0).ok_or_else(|| BadPlace::Port { found: text.to_owned() })
}

fn parameters(query: &str) -> BTreeMap<String, String> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(name, value)| (decoded(name), decoded(value))).collect()
}

/// Percent-encoded text as it is meant.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).filter(|_| *first == b'%').and_then(|two| std::str::from_utf8(two).ok());
        match hex.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line of the table: what `--db` says, and what it means.
    #[test]
    fn places_are_read() {
        let told = |text: &str| match Place::read(text) {
            Ok(Place::Sqlite(path)) => format!("sqlite {}", path.display()),
            Ok(Place::Postgres(server)) => format!("{} {:?} {:?}", server.named("postgres"), server.schemas, server.tls),
            Ok(Place::Mysql(server)) => server.named("mysql"),
            Ok(Place::Redis(server)) => server.named("redis"),
            Err(wrong) => wrong.to_string(),
        };
        for (text, expected) in [
            ("data/orch.db", "sqlite data/orch.db"),
            ("sqlite:data/orch.db", "sqlite data/orch.db"),
            ("sqlite:///srv/a%20b.db", "sqlite /srv/a b.db"),
            ("postgres://ann@db/shop?schema=app,public&sslmode=require", r#"postgres://ann@db:5432/shop ["app", "public"] Require"#),
            ("postgresql://%2Ftmp%2Fpg/shop", "postgres:///shop?host=/tmp/pg [] Off"),
            ("postgres:///shop?host=/tmp/pg&user=ann", "postgres://ann@/shop?host=/tmp/pg [] Off"),
            ("mysql://root@[::1]:3307/shop", "mysql://root@[::1]:3307/shop"),
            ("mariadb:///shop?socket=/tmp/my.sock", "mysql:///shop?host=/tmp/my.sock"),
            ("valkey://cache/2", "redis://cache:6379/2"),
            ("rediss://cache", "redis://cache:6379/"),
            ("valkeys://cache:1/2", "redis://cache:1/2"),
            ("postgres://h:x/d", "`x` is not a port in --db; write a number from 1 to 65535"),
            (
                "mysql://h/d?charset=x",
                "--db has a parameter `charset` that is not known here; known: host, socket, port, user, dbname, schema, sslmode",
            ),
        ] {
            assert_eq!(told(text), expected, "{text}");
        }
        assert!(told("oracle://h").starts_with("`oracle:` is no database"));
        for secret in ["postgres://ann:hidden@h/d", "mysql://h/d?password=hidden"] {
            assert!(told(secret).starts_with("--db has a password in it") && !told(secret).contains("hidden"), "{}", told(secret));
        }
    }
}
