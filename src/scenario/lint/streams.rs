//! What a schema cannot say of event streams.

use super::{DELIVERIES, Lint, Named};
use crate::scenario::Snap;
use crate::scenario::deliver::Deliver;
use crate::scenario::stream::{StreamExpect, StreamStep};

/// More clients at once than this are a slip of the hand.
const MOST_CLIENTS: usize = 1_000;

impl Lint<'_> {
    pub(super) fn stream(&mut self, path: &str, stream: &StreamStep) {
        self.need("stream", "reads an event stream", path);
        let kinds = [
            ("open", stream.open.is_some()),
            ("of", stream.of.is_some()),
            ("reconnect", stream.reconnect.is_some()),
            ("close", stream.close.is_some()),
        ];
        self.at_most_one(path, "stream", &kinds);
        if kinds.iter().all(|(_, there)| !there) {
            let way_out = Some("give one of: open, of, reconnect, close".to_owned());
            self.say_if_whole(path, "this does not say what is done to a stream", way_out);
        }
        if let Some(name) = &stream.open {
            self.refers(format!("{path}.open"), name, DELIVERIES);
        }
        for (member, name) in [("of", &stream.of), ("reconnect", &stream.reconnect), ("close", &stream.close)] {
            if let Some(name) = name {
                self.refers(format!("{path}.{member}"), name, &[Named::Stream]);
            }
        }
        let (opens, open) = (stream.opens(), stream.open.is_some());
        for (member, there, fits, with) in [
            ("as", stream.name.is_some(), opens, "`open` and `reconnect`"),
            ("last_event_id", stream.last_event_id.is_some(), open, "`open`"),
            ("cut_after", stream.cut_after.is_some(), opens, "`open` and `reconnect`"),
            ("unread", stream.unread, opens, "`open` and `reconnect`"),
            ("gzip", stream.gzip, opens, "`open` and `reconnect`"),
            ("clients", stream.clients.is_some(), open, "`open`"),
            ("after_leaving", stream.after_leaving.is_some(), open, "`open`"),
            ("until", stream.until.is_some(), stream.close.is_none() && !stream.unread, "a stream that is read"),
            ("expect", !stream.expect.is_empty(), stream.close.is_none() && !stream.unread, "a stream that is read"),
        ] {
            if there && !fits {
                self.say_at_key(format!("{path}.{member}"), format!("`{member}` goes with {with}"), None);
            }
        }
        if stream.clients.is_some_and(|clients| !(1..=MOST_CLIENTS).contains(&clients)) {
            self.say(format!("{path}.clients"), format!("from 1 to {MOST_CLIENTS} clients come at once"), None);
        }
        if let Some(text) = &stream.last_event_id {
            self.ids_in(&format!("{path}.last_event_id"), text);
            if text.contains(['\r', '\n', '\0']) {
                self.say(format!("{path}.last_event_id"), "no header line has such a value", None);
            }
        }
        if let Some(until) = &stream.until {
            if let Some(text) = &until.id {
                self.ids_in(&format!("{path}.until.id"), text);
            }
            if let Some(name) = &until.told {
                self.refers(format!("{path}.until.told"), name, &[Named::Delivery]);
            }
            if until.heartbeat {
                self.need("stream-heartbeat", "waits for a heartbeat", &format!("{path}.until.heartbeat"));
            }
            let is_bounded = until.events.is_some()
                || until.id.is_some()
                || until.told.is_some()
                || until.quiet.is_some()
                || until.heartbeat
                || until.closed;
            if !is_bounded {
                let way_out = Some("give `events`, `id`, `told`, `quiet`, `heartbeat` or `closed`".to_owned());
                self.say_if_whole(format!("{path}.until"), "this does not say how far it is read", way_out);
            }
        }
        for (at, expect) in stream.expect.iter().enumerate() {
            self.stream_expect(&format!("{path}.expect[{at}]"), expect);
        }
        if let Some(name) = stream.name.as_deref() {
            self.name(&format!("{path}.as"), name, Named::Stream);
        }
    }

    /// What a snapshot shows; of streams one that was opened.
    pub(super) fn snapshot(&mut self, path: &str, snap: &Snap) {
        if !snap.answer && !snap.state && snap.stream.is_none() {
            let way_out = Some("say `answer: true`, `state: true`, or both; or which `stream`".to_owned());
            self.say_if_whole(path, "this snapshot shows nothing", way_out);
        }
        if let Some(name) = &snap.stream {
            self.refers(format!("{path}.stream"), name, &[Named::Stream]);
        }
    }

    /// What a delivery says of the stream that tells of it.
    pub(super) fn on_a_stream(&mut self, path: &str, deliver: &Deliver) {
        self.at_most_one(path, "stream", &[("stream", deliver.stream.is_some()), ("stream_of", deliver.stream_of.is_some())]);
        if let Some(name) = &deliver.stream {
            self.need("stream", "delivers on a stream of its own", &format!("{path}.stream"));
            if !name.contains("{unique}") {
                let way_out = Some(format!("write {{unique}} into it: \"{name}-{{unique}}\""));
                self.say(format!("{path}.stream"), "a stream must differ from run to run", way_out);
            }
        }
        if let Some(name) = &deliver.stream_of {
            self.refers(format!("{path}.stream_of"), name, &[Named::Delivery]);
        }
        let is_on_one = deliver.stream.is_some() || deliver.stream_of.is_some();
        let members = [
            ("ends_stream", deliver.ends_stream),
            ("event_bytes", deliver.event_bytes.is_some()),
            ("event_text", deliver.event_text.is_some()),
            ("event_lacks", deliver.event_lacks),
            ("row_when_told", deliver.row_when_told.is_some()),
        ];
        for (member, there) in members {
            if there && !is_on_one {
                let way_out = Some("say which: `stream` or `stream_of`".to_owned());
                self.say_at_key(format!("{path}.{member}"), format!("`{member}` goes with the stream of a delivery"), way_out);
            }
        }
        self.at_most_one(path, "event", &members[1..4]);
        if deliver.in_other_case && deliver.stream_of.is_none() {
            let way_out = Some("say which: `stream_of`".to_owned());
            self.say_at_key(format!("{path}.in_other_case"), "`in_other_case` goes with the stream of an earlier delivery", way_out);
        }
        if let Some(stream) = &deliver.row_when_told {
            self.need("audit", "looks for an audit row", &format!("{path}.row_when_told"));
            self.refers(format!("{path}.row_when_told"), stream, &[Named::Stream]);
        }
        if deliver.ends_stream {
            self.need("stream-end", "ends a stream", &format!("{path}.ends_stream"));
        }
    }

    fn stream_expect(&mut self, path: &str, expect: &StreamExpect) {
        match expect.members().as_slice() {
            [_] => {}
            [] => self.say_if_whole(path, "this expects nothing", None),
            [first, second, ..] => {
                let message = format!("one thing is expected at a time, this has `{first}` and `{second}`");
                self.say_at_key(format!("{path}.{second}"), message, Some("make an item of each".to_owned()));
            }
        }
        for (member, names) in [("tells", &expect.tells), ("tells_all", &expect.tells_all)] {
            for (at, name) in names.iter().flatten().enumerate() {
                self.refers(format!("{path}.{member}[{at}]"), name, DELIVERIES);
            }
        }
        if let Some(name) = &expect.again {
            self.refers(format!("{path}.again"), name, &[Named::Stream]);
        }
        if expect.finished || expect.ends {
            self.need("stream-end", "speaks of the end of a stream", path);
        }
        if expect.heartbeat {
            self.need("stream-heartbeat", "speaks of a heartbeat", path);
        }
    }

    /// References in text: `{id:NAME}`, `{id:NAME.DELIVERY}`.
    fn ids_in(&mut self, path: &str, text: &str) {
        for (at, mark) in text.match_indices("{id:") {
            if let Some((name, _)) = text[at + mark.len()..].split_once('}') {
                let (name, delivery) = name.split_once('.').map_or((name, None), |(name, delivery)| (name, Some(delivery)));
                self.refers(path, name, &[Named::Stream]);
                if let Some(delivery) = delivery {
                    self.refers(path, delivery, &[Named::Delivery]);
                }
            }
        }
    }
}
