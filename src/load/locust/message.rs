//! Messages between Locust's master and its workers: three values in MessagePack, `[type, data, worker]`.
//!
//! Bytes in, an [`Order`] out; and what we have to say as bytes. Maps of this
//! protocol have numbers for keys, so values are MessagePack's own, and not JSON's.

use std::collections::BTreeMap;

use rmpv::Value;
use rmpv::decode::read_value_with_max_depth;
use rmpv::encode::write_value;

/// No message of this protocol is nested deeper, and a deeper one would end a thread's stack.
const DEEPEST: usize = 64;

/// What a master says.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// We are known, under this number; a master before 2.10.2 gives none.
    Ack(Option<u32>),
    /// So many users of each class, from now on.
    Spawn(Spawn),
    /// Stop delivering, and be ready for another load.
    Stop,
    /// Stop, and end.
    Quit,
    /// Connect again.
    Reconnect,
    /// It lives.
    Heartbeat,
    /// Whatever does not concern us.
    Other(String),
}

/// Users that are called for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spawn {
    /// When it was said: an older one that comes later is passed over.
    pub timestamp: f64,
    /// How many of each class.
    pub classes: BTreeMap<String, u64>,
    /// The word that all workers of the run share, where the locustfile has one.
    pub run_word: Option<String>,
}

impl Spawn {
    /// How many users in all.
    #[must_use]
    pub fn users(&self) -> u64 {
        self.classes.values().fold(0, |all, one| all.saturating_add(*one))
    }
}

/// Reads what a master has sent; `None` when it is no message of this protocol.
#[must_use]
pub fn order(bytes: &[u8]) -> Option<Order> {
    let mut rest = bytes;
    let Value::Array(parts) = read_value_with_max_depth(&mut rest, DEEPEST).ok()? else { return None };
    let [kind, data, _] = parts.as_slice() else { return None };
    Some(match kind.as_str()? {
        "ack" => Order::Ack(member(data, "index").and_then(Value::as_u64).and_then(|index| u32::try_from(index).ok())),
        "spawn" => Order::Spawn(spawn(data)?),
        "stop" => Order::Stop,
        "quit" => Order::Quit,
        "reconnect" => Order::Reconnect,
        "heartbeat" => Order::Heartbeat,
        other => Order::Other(other.to_owned()),
    })
}

fn spawn(data: &Value) -> Option<Spawn> {
    let classes = member(data, "user_classes_count")?.as_map()?;
    let classes = classes.iter().map(|(name, count)| Some((name.as_str()?.to_owned(), count.as_u64()?)));
    let run_word = member(data, "parsed_options").and_then(|options| member(options, "run_word")).and_then(Value::as_str);
    Some(Spawn {
        timestamp: member(data, "timestamp").and_then(Value::as_f64).unwrap_or(0.0),
        classes: classes.collect::<Option<_>>()?,
        run_word: run_word.map(str::to_owned),
    })
}

fn member<'v>(map: &'v Value, name: &str) -> Option<&'v Value> {
    map.as_map()?.iter().find(|(key, _)| key.as_str() == Some(name)).map(|(_, value)| value)
}

/// A message of ours.
///
/// * `worker`: our name.
#[must_use]
pub fn written(kind: &str, data: Value, worker: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let message = Value::Array(vec![kind.into(), data, worker.into()]);
    // Memory takes whatever is written to it.
    drop(write_value(&mut bytes, &message));
    bytes
}

/// A map whose keys are words.
#[must_use]
pub fn map<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Map(members.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

/// How many users of each class there are.
#[must_use]
pub fn counts(classes: &BTreeMap<String, u64>) -> Value {
    Value::Map(classes.iter().map(|(name, count)| (name.as_str().into(), (*count).into())).collect())
}

/// As many users of each class as there is room for in all.
#[must_use]
pub fn within(classes: BTreeMap<String, u64>, most: u64) -> BTreeMap<String, u64> {
    let mut left = most;
    let take = |(name, count): (String, u64)| {
        let taken = count.min(left);
        left -= taken;
        (name, taken)
    };
    classes.into_iter().map(take).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
    }

    /// Written by Python: `Message(…).serialize().hex()` of Locust 2.47.0's `rpc/protocol.py`.
    #[test]
    fn messages_are_those_of_locust() {
        let spawn = bytes(SPAWN);
        let classes = BTreeMap::from([("Fresh".to_owned(), 3), ("Duplicate".to_owned(), 1)]);
        let read = Spawn { timestamp: 1_700_000_000.5, classes, run_word: Some("hg65".to_owned()) };
        assert_eq!((order(&spawn), read.users()), (Some(Order::Spawn(read)), 4));
        assert_eq!(order(&bytes("93a361636b81a5696e64657802a16d")), Some(Order::Ack(Some(2))));
        assert_eq!(order(&bytes("93a361636bc0a16d")), Some(Order::Ack(None)));
        assert_eq!(order(&bytes("93a471756974c0a16d")), Some(Order::Quit));
        assert_eq!((order(b"GET / HTTP/1.1"), order(&[])), (None, None));
        let ready = written("client_ready", Value::from(-1), "w");
        assert_eq!(ready, bytes("93ac636c69656e745f7265616479ffa177"));
    }

    /// What is nested deeper than any message is none, and costs no more stack than one.
    #[test]
    fn depth_of_messages_is_bounded() {
        let acknowledged = |depth: usize| {
            let mut message = bytes("93a361636b");
            message.extend(vec![0x91_u8; depth]);
            message.extend(bytes("c0a16d"));
            order(&message)
        };
        assert_eq!(acknowledged(DEEPEST / 4), Some(Order::Ack(None)));
        for deep in [DEEPEST + 1, 1 << 20] {
            assert_eq!(acknowledged(deep), None, "{deep}");
        }
    }

    const SPAWN: &str = "93a5737061776e85a974696d657374616d70cb41d954fc40200000b2757365725f636c61737365735f636f756e7482a5467265736803a94475706c696361746501a4686f7374c0ac73746f705f74696d656f7574cb0000000000000000ae7061727365645f6f7074696f6e7382a872756e5f776f7264a468673635a8686561646c657373c3a16d";
}
