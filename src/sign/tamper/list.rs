//! Tampers with a list of signatures: where the right one stands, and among what.

use super::making::Making;
use crate::delivery::{Delivery, HeaderLine};
use crate::sign::Scheme;
use crate::sign::signer::Entry;
use crate::template::{Part, Template};

/// So many wrong signatures stand beside the right one.
const WRONG_ONES: usize = 3;
/// So many entries must be refused in bounded time (requirement SIGL-2).
const VERY_MANY: usize = 1_000;

/// Where the right signature stands among wrong ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Right {
    First,
    Last,
    Nowhere,
}

/// Whether the header line of the signature is a list.
pub(super) fn is_list(scheme: &Scheme) -> bool {
    scheme.carrier().is_some_and(|carrier| scheme.separator_of(carrier).is_some())
}

/// Digits of versions that the scheme does not have; none where its entries bear no version.
pub(super) fn unknown_versions(scheme: &Scheme) -> Vec<char> {
    let Some(carrier) = scheme.carrier() else { return Vec::new() };
    let items = scheme.separator_of(carrier).map(|separator| carrier.value.split(separator)).unwrap_or_default();
    let Some(own) = items.iter().find(|item| item.placeholders().any(|name| name == "sig")) else { return Vec::new() };
    if !matches!(own.parts().first(), Some(Part::Literal(_))) {
        return Vec::new();
    }
    let is_known = |version: char| {
        let entry = Entry { signature: "00".to_owned(), version: Some(version) }.written(own, "1", b"1");
        items.iter().any(|item: &Template| item.matches(&entry).is_some())
    };
    ['0', '9', '2', '3', '4', '5', '6', '7', '8', '1'].into_iter().filter(|version| !is_known(*version)).collect()
}

impl Making<'_> {
    fn with_entries(self, entries: &[Entry]) -> Delivery {
        let lines = self.signer.lines_with_list(entries, &self.time, self.sending.id);
        self.with_lines(lines)
    }

    /// Several signatures of the right form, of which at most one is right.
    pub(super) fn with_list(self, right: Right) -> Delivery {
        let mut entries: Vec<Entry> = (0..WRONG_ONES).map(|at| Entry::known(self.flipped(at))).collect();
        let own = Entry::known(self.right.clone());
        match right {
            Right::First => entries.insert(0, own),
            Right::Last => entries.push(own),
            Right::Nowhere => entries.push(Entry::known(self.flipped(WRONG_ONES))),
        }
        self.with_entries(&entries)
    }

    /// A wrong signature and the right one; the last entry stands in a line of its own, without what a list has once.
    pub(super) fn with_list_on_two_lines(self, right: Right) -> Delivery {
        let (own, wrong) = (Entry::known(self.right.clone()), Entry::known(self.flipped(0)));
        let entries = match right {
            Right::First => [own, wrong],
            Right::Last => [wrong, own],
            Right::Nowhere => [wrong, Entry::known(self.flipped(1))],
        };
        let separator = self.carrier().and_then(|carrier| self.signer.scheme().separator_of(carrier)).unwrap_or(",").to_owned();
        let mut lines = self.signer.lines_with_list(&entries, &self.time, self.sending.id);
        if let Some(at) = lines.iter().position(|line| self.is_carrier(line)) {
            let whole = String::from_utf8_lossy(&lines[at].value).into_owned();
            let mut items: Vec<&str> = whole.split(separator.as_str()).collect();
            if let Some(further) = items.iter().rposition(|item| item.contains(&entries[1].signature)) {
                let further = items.remove(further).to_owned();
                let name = lines[at].name.clone();
                lines[at].value = items.join(&separator).into();
                lines.push(HeaderLine { name, value: further.into() });
            }
        }
        self.with_lines(lines)
    }

    /// A wrong signature, and an entry that holds none.
    pub(super) fn with_an_empty_entry(self) -> Delivery {
        let entries = [Entry::known(self.flipped(0)), Entry::known(String::new())];
        self.with_entries(&entries)
    }

    /// A wrong signature, and the beginning of the right one.
    pub(super) fn with_a_prefix_in_list(self) -> Delivery {
        let half = self.right[..self.right.len() / 2].to_owned();
        let entries = [Entry::known(self.flipped(0)), Entry::known(half)];
        self.with_entries(&entries)
    }

    /// The honest list with its items laid out by `how`.
    fn laid_out(self, how: impl Fn(Vec<String>, &str) -> String) -> Delivery {
        let whole = String::from_utf8_lossy(&self.carrier_value(&self.right)).into_owned();
        let separator = self.carrier().and_then(|carrier| self.signer.scheme().separator_of(carrier)).unwrap_or(",").to_owned();
        let items = whole.split(separator.as_str()).map(str::to_owned).collect();
        self.with_carrier_value(how(items, &separator).as_bytes())
    }

    /// The honest list, with a blank behind each separator.
    pub(super) fn with_blanks_in_list(self) -> Delivery {
        self.laid_out(|items, separator| items.join(&format!("{separator} ")))
    }

    /// The honest list from its end to its beginning.
    pub(super) fn with_items_turned(self) -> Delivery {
        self.laid_out(|items, separator| items.into_iter().rev().collect::<Vec<_>>().join(separator))
    }

    /// A thousand wrong signatures: short ones, so that they fit into the 8 KiB that many servers give to a header line.
    pub(super) fn with_a_thousand_wrong(self) -> Delivery {
        // Four digits are text of every encoding.
        let entries: Vec<Entry> = (0..VERY_MANY).map(|at| Entry::known(format!("{at:04}"))).collect();
        self.with_entries(&entries)
    }

    /// The right signature under an unknown version, and where `with_right` also in its own entry amid wrong ones of unknown versions.
    pub(super) fn with_unknown_versions(self, with_right: bool) -> Delivery {
        let mut entries: Vec<Entry> = unknown_versions(self.signer.scheme())
            .into_iter()
            .take(2)
            .map(|version| Entry { signature: if with_right { self.flipped(0) } else { self.right.clone() }, version: Some(version) })
            .collect();
        if with_right {
            entries.insert(entries.len().min(1), Entry::known(self.right.clone()));
        }
        self.with_entries(&entries)
    }
}
