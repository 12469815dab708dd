//! Redis and Valkey: keys that expire, and counters of effects.
//!
//! The name of a table is the template of its keys (`idem:{key}`). What stands
//! under one may be a string, a hash, or JSON with members; its expiry is the
//! life. One script reads them all at one moment. Audit rows are not kept here.

mod script;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ConnectionAddr, ErrorKind, IntoConnectionInfo as _, RedisConnectionInfo, RedisError, Value};
use rustls::pki_types::ServerName;
use secrecy::{ExposeSecret as _, SecretString};

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use self::script::{Kept, MOVE, READ, TALLY, kept_in, row};
use super::place::{Server, Tls};
use super::reach;
use super::{Asked, Can, EffectsTable, EvidenceError, Question, Role, Seen, Source, TlsSettings, Told, Which, cells};
use crate::clock::UnixMicros;
use crate::contract::tables::{StateTables, Table};
use crate::state::{Cell, Counts, ReceiverState, Row};
use crate::template::Template;

/// So many keys are read by one script.
const READ_AT_ONCE: usize = 500;
/// So many keys a look through all of them may give at once.
const SCANNED_AT_ONCE: usize = 1_000;
/// Ends of lives are told for the hour that comes.
const SOON: Duration = Duration::from_secs(3_600);

/// A Redis or Valkey database.
pub struct RedisSource {
    server: Server,
    tables: StateTables,
    effects: Option<EffectsTable>,
    password: Option<SecretString>,
    tls: Option<TlsSettings>,
    patience: Duration,
}

impl RedisSource {
    /// The database at `server`; nothing is asked of it yet.
    #[must_use]
    pub fn new(
        server: Server,
        tables: StateTables,
        effects: Option<EffectsTable>,
        (password, tls): (Option<SecretString>, Option<TlsSettings>),
        patience: Duration,
    ) -> Self {
        Self { server, tables, effects, password, tls, patience }
    }

    async fn connection(&self) -> Result<MultiplexedConnection, EvidenceError> {
        let config = AsyncConnectionConfig::new().set_connection_timeout(Some(self.patience)).set_response_timeout(Some(self.patience));
        let settings = self.settings()?;
        if self.server.tls == Tls::Require {
            return self.secured(&settings, config).await;
        }
        let address = if self.server.host.starts_with('/') {
            ConnectionAddr::Unix(self.server.host.clone().into())
        } else {
            ConnectionAddr::Tcp(self.server.host.clone(), self.server.port)
        };
        let info = address.into_connection_info().map_err(|wrong| self.why(&wrong, true))?.set_redis_settings(settings);
        let client = Client::open(info).map_err(|wrong| self.why(&wrong, true))?;
        client.get_multiplexed_async_connection_with_config(&config).await.map_err(|wrong| self.why(&wrong, true))
    }

    /// Which database, and as whom.
    fn settings(&self) -> Result<RedisConnectionInfo, EvidenceError> {
        let name = self.name();
        let number = self.server.database.as_deref().unwrap_or("0");
        let number = number
            .parse::<i64>()
            .map_err(|_| EvidenceError::NoDatabase { name: name.clone(), cause: format!("`{number}` is not the number of one") })?;
        let mut settings = RedisConnectionInfo::default().set_db(number).set_skip_set_lib_name();
        if let Some(user) = &self.server.user {
            settings = settings.set_username(user);
        }
        if let Some(password) = &self.password {
            settings = settings.set_password(password.expose_secret());
        }
        Ok(settings)
    }

    /// The same by TLS, with the handshake that all sources have.
    async fn secured(&self, settings: &RedisConnectionInfo, config: AsyncConnectionConfig) -> Result<MultiplexedConnection, EvidenceError> {
        let tls = self.tls.as_ref().ok_or_else(|| EvidenceError::NoTls { name: self.name() })?;
        let unreachable = |cause: String| EvidenceError::Unreachable { name: self.name(), cause: reach::with_way_out(cause) };
        let server = ServerName::try_from(self.server.host.clone());
        let server = server.map_err(|_| unreachable(format!("`{}` is no name that a certificate can have", self.server.host)))?;
        let connecting = async {
            let stream = TcpStream::connect((self.server.host.as_str(), self.server.port)).await?;
            TlsConnector::from(tls.for_database()).connect(server, stream).await
        };
        let connected = tokio::time::timeout(self.patience, connecting).await;
        let connected = connected.map_err(|_| EvidenceError::Silent { name: self.name(), after: self.patience })?;
        let stream = connected.map_err(|cause| unreachable(cause.to_string()))?;
        let made = MultiplexedConnection::new_with_config(settings, stream, config).await;
        let (connection, driver) = made.map_err(|wrong| self.why(&wrong, true))?;
        tokio::spawn(driver);
        Ok(connection)
    }

    /// What a driver's error means, in a sentence.
    fn why(&self, wrong: &RedisError, connecting: bool) -> EvidenceError {
        let name = self.name();
        let cause = wrong.detail().map_or_else(|| wrong.to_string(), str::to_owned);
        let said = wrong.to_string();
        let user = self.server.user.clone().unwrap_or_else(|| "the default user".to_owned());
        let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
        if wrong.kind() == ErrorKind::AuthenticationFailed || says(&["NOAUTH", "WRONGPASS", "invalid password", "AUTH failed"]) {
            EvidenceError::NotLetIn { name, user, cause, variable: "REDISCLI_AUTH" }
        } else if says(&["NOPERM"]) {
            EvidenceError::Denied { name, cause, right: "read keys by EVAL and SCAN" }
        } else if says(&["out of range", "invalid DB index"]) {
            EvidenceError::NoDatabase { name, cause }
        } else if wrong.is_timeout() {
            EvidenceError::Silent { name, after: self.patience }
        } else if connecting && (wrong.is_io_error() || wrong.is_connection_refusal()) {
            EvidenceError::Unreachable { name, cause: said }
        } else if wrong.is_io_error() || wrong.is_connection_dropped() || wrong.is_unrecoverable_error() {
            EvidenceError::Gone { name, cause: said }
        } else if says(&["LOADING", "BUSY", "MASTERDOWN"]) {
            EvidenceError::Busy { name, after: self.patience, cause }
        } else {
            EvidenceError::CannotRead { name, cause: said }
        }
    }

    /// The table of keys, and the template of their names.
    fn keys(&self) -> Result<Option<(&Table, Template)>, EvidenceError> {
        let Some(table) = &self.tables.keys else { return Ok(None) };
        Ok(Some((table, self.template(&table.table, "state.keys.table")?)))
    }

    fn template(&self, text: &str, member: &str) -> Result<Template, EvidenceError> {
        let wrong = || EvidenceError::NotAsNamed {
            name: self.name(),
            what: format!("has keys and no tables, and `{text}` has no {{key}} in it"),
            way_out: format!("write {member} as the template of the keys in Redis (`idem:{{key}}`)"),
        };
        Template::read(text).ok().filter(|template| template.placeholders().any(|name| name == "key")).ok_or_else(wrong)
    }

    /// The name under which a key is kept.
    fn named(template: &Template, key: &str) -> String {
        template.fill(&|_| Some(key.to_owned())).unwrap_or_default()
    }

    async fn asked<T: redis::FromRedisValue>(&self, at: &mut MultiplexedConnection, command: &redis::Cmd) -> Result<T, EvidenceError> {
        command.query_async(at).await.map_err(|wrong| self.why(&wrong, false))
    }

    /// What stands under some names, as it is at one moment each few hundred.
    async fn kept(&self, at: &mut MultiplexedConnection, names: &[String]) -> Result<Vec<Option<Kept>>, EvidenceError> {
        let mut all = Vec::with_capacity(names.len());
        for some in names.chunks(READ_AT_ONCE) {
            let mut command = redis::cmd("EVAL");
            command.arg(READ).arg(some.len()).arg(some);
            let found: Vec<Value> = self.asked(at, &command).await?;
            all.extend(found.into_iter().map(kept_in));
        }
        Ok(all)
    }

    /// Every name that fits a template, with the key in it; `begins` is what the key begins with.
    async fn scanned(
        &self,
        at: &mut MultiplexedConnection,
        template: &Template,
        begins: &str,
    ) -> Result<Vec<(String, String)>, EvidenceError> {
        let escaped = |text: &str| text.replace('\\', "\\\\").replace(['*', '?', '[', ']'], "?");
        let pattern = template.to_string().split("{key}").map(escaped).collect::<Vec<_>>().join(&format!("{}*", escaped(begins)));
        let (mut cursor, mut seen, mut all) = (0_u64, HashSet::new(), Vec::new());
        loop {
            let mut command = redis::cmd("SCAN");
            command.arg(cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(SCANNED_AT_ONCE);
            let (next, names): (u64, Vec<Vec<u8>>) = self.asked(at, &command).await?;
            for name in names {
                let name = String::from_utf8_lossy(&name).into_owned();
                // A look may give a name twice.
                let key = template
                    .matches(name.as_bytes())
                    .and_then(|found| found.first().map(|(_, key)| String::from_utf8_lossy(key).into_owned()));
                if let Some(key) = key.filter(|key| key.starts_with(begins) && seen.insert(key.clone())) {
                    all.push((name, key));
                }
            }
            cursor = next;
            if cursor == 0 {
                return Ok(all);
            }
        }
    }

    async fn seen(&self, question: &Question) -> Result<Seen, EvidenceError> {
        let mut at = self.connection().await?;
        let mut seen = Seen::default();
        let Some((table, template)) = self.keys()? else { return Ok(seen) };
        let wanted: Vec<(String, String)> = match &question.rows {
            Which::Nothing => Vec::new(),
            Which::Of(keys, _) => keys.iter().map(|key| (Self::named(&template, key), key.clone())).collect(),
            Which::All => self.scanned(&mut at, &template, "").await?,
        };
        let names: Vec<String> = wanted.iter().map(|(name, _)| name.clone()).collect();
        let kept = self.kept(&mut at, &names).await?;
        let rows = wanted.iter().zip(kept).filter_map(|((_, key), kept)| Some(row(table, key, &kept?)));
        let rows: Vec<Row> = rows.collect();
        seen.state = ReceiverState { keys: rows, audit: Vec::new() };
        if question.counts_at.is_some() {
            seen.counts = self.counts(&mut at, &template).await?;
        }
        Ok(seen)
    }

    /// The server lets keys go by its own clock, to the millisecond, and also while they are looked through: so what counts is what lives
    /// at the server's moment after the look.
    async fn counts(&self, at: &mut MultiplexedConnection, template: &Template) -> Result<Counts, EvidenceError> {
        let mut found: Vec<Option<UnixMicros>> = Vec::new();
        let names: Vec<String> = self.scanned(at, template, "").await?.into_iter().map(|(name, _)| name).collect();
        for some in names.chunks(SCANNED_AT_ONCE) {
            found.extend(self.kept(at, some).await?.into_iter().flatten().map(|kept| kept.expires));
        }
        let (seconds, micros): (i64, i64) = self.asked(at, &redis::cmd("TIME")).await?;
        Ok(living(&found, UnixMicros(seconds.saturating_mul(1_000_000).saturating_add(micros))))
    }

    async fn effects_of(&self, keys: &[String]) -> Result<Vec<u64>, EvidenceError> {
        let Some(effects) = &self.effects else { return Err(EvidenceError::CannotShow { name: self.name(), what: "effects" }) };
        let template = self.template(&effects.table, "effects.table")?;
        let mut at = self.connection().await?;
        let mut counts = Vec::with_capacity(keys.len());
        for some in keys.chunks(READ_AT_ONCE) {
            let names: Vec<String> = some.iter().map(|key| Self::named(&template, key)).collect();
            let mut command = redis::cmd("EVAL");
            command.arg(TALLY).arg(names.len()).arg(&names);
            let found: Vec<i64> = self.asked(&mut at, &command).await?;
            counts.extend(found.into_iter().map(|count| u64::try_from(count).unwrap_or(0)));
        }
        Ok(counts)
    }

    async fn moved(&self, keys: &[String], by: Duration) -> Result<usize, EvidenceError> {
        let Some((table, template)) = self.keys()? else { return Err(EvidenceError::NothingToMove { name: self.name() }) };
        let mut at = self.connection().await?;
        let names: Vec<String> = keys.iter().map(|key| Self::named(&template, key)).collect();
        let mut moved = 0;
        for some in names.chunks(READ_AT_ONCE) {
            // A time that stands in a hash beside the expiry is moved with it.
            let mut instants: HashMap<&String, String> = HashMap::new();
            if let Some(instant) = table.instant() {
                for (name, kept) in some.iter().zip(self.kept(&mut at, some).await?) {
                    let Some(found) = kept.filter(|kept| kept.is_hash).and_then(|kept| kept.member(instant)) else { continue };
                    if let Some(Cell::Text(earlier)) = cells::moved_back(&Cell::Text(found), by) {
                        instants.insert(name, earlier);
                    }
                }
            }
            let mut command = redis::cmd("EVAL");
            command.arg(MOVE).arg(some.len()).arg(some).arg(u64::try_from(by.as_millis()).unwrap_or(u64::MAX));
            command.arg(table.instant().unwrap_or_default());
            for name in some {
                command.arg(instants.get(name).map_or("", String::as_str));
            }
            let count: usize = self.asked(&mut at, &command).await?;
            moved += count;
        }
        Ok(moved)
    }

    async fn in_time<T>(&self, asked: impl Future<Output = Result<T, EvidenceError>>) -> Result<T, EvidenceError> {
        let after = self.patience.saturating_mul(3);
        tokio::time::timeout(after, asked).await.unwrap_or_else(|_| Err(EvidenceError::Silent { name: self.name(), after }))
    }
}

impl Source for RedisSource {
    fn name(&self) -> String {
        self.server.named(if self.server.tls == Tls::Require { "rediss" } else { "redis" })
    }

    fn can(&self) -> Can {
        let keys = self.tables.keys.is_some();
        Can { keys, audit: false, effects: self.effects.is_some(), shape: false, rewind: keys }
    }

    fn check_available(&self) -> Asked<'_, ()> {
        let question = Question { rows: Which::Of(vec!["hookgate-asks-for-no-key".to_owned()], Vec::new()), ..Question::default() };
        Box::pin(async move {
            self.in_time(self.seen(&question)).await?;
            if self.effects.is_some() { self.in_time(self.effects_of(&[])).await.map(drop) } else { Ok(()) }
        })
    }

    fn rows(&self, question: Question) -> Asked<'_, Seen> {
        Box::pin(async move { self.in_time(self.seen(&question)).await })
    }

    fn count<'a>(&'a self, prefix: &'a str, told: &'a mut Told<'_>) -> Asked<'a, ()> {
        Box::pin(async move {
            let Some((_, template)) = self.keys()? else { return Ok(()) };
            let mut at = self.connection().await?;
            for (_, key) in self.scanned(&mut at, &template, prefix).await? {
                told(Role::Keys, &key, 1);
            }
            Ok(())
        })
    }

    fn effects<'a>(&'a self, keys: &'a [String]) -> Asked<'a, Vec<u64>> {
        Box::pin(async move { self.in_time(self.effects_of(keys)).await })
    }

    fn rewind<'a>(&'a self, keys: &'a [String], by: Duration) -> Asked<'a, usize> {
        Box::pin(async move { self.in_time(self.moved(keys, by)).await })
    }

    fn would_rewind(&self) -> Option<String> {
        let table = self.tables.keys.as_ref()?;
        Some(format!("PEXPIRE {} <so much less>, for each key of the scenario that expires", table.table))
    }
}
/// How many keys live at a moment, of those that were found with the moment at which they expire.
fn living(found: &[Option<UnixMicros>], at: UnixMicros) -> Counts {
    let live = found.iter().filter(|expires| expires.is_none_or(|end| end > at));
    let ends: Vec<UnixMicros> = live.clone().filter_map(|expires| expires.filter(|end| *end <= at.plus(SOON))).collect();
    Counts { at, keys: i64::try_from(live.count()).unwrap_or(i64::MAX), audit: 0, ends }
}

#[cfg(test)]
mod tests {
    use super::{Counts, UnixMicros, living};

    /// A key that expires between two looks, and one that expired while the first was made, make no difference to what has grown.
    #[test]
    fn expired_keys_are_not_missed() {
        let [gone, between, later] = [100_100_000, 100_300_000, 7_300_000_000].map(|end| Some(UnixMicros(end)));
        let before = living(&[gone, between, later, None], UnixMicros(100_200_000));
        assert_eq!((before.keys, before.ends.as_slice()), (3, &[UnixMicros(100_300_000)][..]));
        let grown = |found: &[Option<UnixMicros>], at| living(found, UnixMicros(at)).keys_grown_since(&before);
        assert_eq!(grown(&[later, None, later, later], 100_500_000), 2..=2);
        assert_eq!(grown(&[between, later, None, later, later], 100_500_000), 2..=2, "it was seen before it expired, too");
        assert_eq!(grown(&[between, later, None], 100_299_999), 0..=1, "it may be gone where time is counted otherwise");
        assert_eq!(living(&[], UnixMicros(0)), Counts::default());
    }
}
