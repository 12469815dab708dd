//! Usage: how much processor and memory a process and its children take, as Linux tells it under `/proc`.
//!
//! In: a process id. Out: [`Usage`]; nothing where the system does not tell, or
//! the process is gone. Nothing is measured by hookgate itself.

use std::collections::BTreeMap;
use std::time::Duration;

/// Times under `/proc` are counted so often a second: `USER_HZ`, which is part of Linux's interface to programs (`man 5 proc`).
const TICKS_A_SECOND: u64 = 100;

/// What a process and its children have taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Processor time since each began, of those that still live.
    pub processor: Duration,
    /// Memory that is resident now, in bytes.
    pub resident: u64,
}

/// Whose usage is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// This process alone.
    Ourselves,
    /// A process and all its children.
    Tree(u32),
    /// The children of a process, without itself.
    Children(u32),
}

/// One process under `/proc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Process {
    parent: u32,
    ticks: u64,
}

impl Of {
    /// What they take now.
    #[must_use]
    pub fn now(self) -> Option<Usage> {
        match self {
            Self::Ourselves => of_one("self"),
            Self::Tree(root) => all_below(root, true),
            Self::Children(root) => all_below(root, false),
        }
    }
}

fn of_one(name: &str) -> Option<Usage> {
    let process = process(&std::fs::read_to_string(format!("/proc/{name}/stat")).ok()?)?;
    let status = std::fs::read_to_string(format!("/proc/{name}/status")).ok()?;
    Some(Usage { processor: Duration::from_millis(process.ticks * 1_000 / TICKS_A_SECOND), resident: resident(&status).unwrap_or(0) })
}

/// The parent and the processor time in a line of `/proc/PID/stat`; the name in it may hold blanks and brackets.
fn process(stat: &str) -> Option<Process> {
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    // Counted in the manual from 1, and two stand before the bracket: 4 is the parent, 14 and 15 are the times.
    let number = |place: usize| fields.get(place - 3)?.parse::<u64>().ok();
    Some(Process { parent: u32::try_from(number(4)?).ok()?, ticks: number(14)? + number(15)? })
}

/// The memory in the text of `/proc/PID/status`, in bytes.
fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? << 10)
}

fn all_below(root: u32, with_root: bool) -> Option<Usage> {
    let mut parents: BTreeMap<u32, u32> = BTreeMap::new();
    for entry in std::fs::read_dir("/proc").ok()?.flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // Whoever has ended meanwhile is not there.
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok();
        if let Some(found) = stat.as_deref().and_then(process) {
            parents.insert(id, found.parent);
        }
    }
    if !parents.contains_key(&root) {
        return None;
    }
    let is_below = |mut id: u32| {
        // No line of ancestors is longer than there are processes.
        for _ in 0..=parents.len() {
            match parents.get(&id) {
                Some(parent) if *parent == root => return true,
                Some(parent) => id = *parent,
                None => return false,
            }
        }
        false
    };
    let wanted = parents.keys().filter(|id| (with_root && **id == root) || is_below(**id));
    let mut all = Usage::default();
    for one in wanted.filter_map(|id| of_one(&id.to_string())) {
        all.processor += one.processor;
        all.resident += one.resident;
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line of a process whose name is hard to read.
    #[test]
    fn lines_of_the_system_are_read() {
        let line = "4242 (a) b (c) S 17 4242 4242 0 -1 4194304 9 0 0 0 250 50 0 0 20 0 1 0 100 200 300";
        assert_eq!(process(line), Some(Process { parent: 17, ticks: 300 }));
        assert_eq!(process("nonsense"), None);
        assert_eq!(resident("Name:\tx\nVmPeak:\t  9 kB\nVmRSS:\t  2048 kB\n"), Some(2 << 20));
        assert_eq!(resident("Name:\tx\n"), None);
    }

    #[test]
    fn own_usage_is_told_where_there_is_a_proc() {
        let Some(own) = Of::Ourselves.now() else { return };
        assert!(own.resident > 0);
        let tree = Of::Tree(std::process::id()).now().unwrap_or_default();
        assert!(tree.resident > 0 && tree.processor >= own.processor);
        assert_eq!(Of::Tree(u32::MAX).now(), None);
    }
}
