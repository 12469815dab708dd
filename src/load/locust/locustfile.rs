//! The locustfile for a master whose workers are hookgate: a class for each kind of the mix, so that its page shows them.
//!
//! The master runs no user of its own: it counts them. A word for the keys of all workers goes out with its orders.

use std::fmt::Write as _;

use crate::load::mix::Mix;

/// The locustfile of a mix.
#[must_use]
pub fn locustfile(mix: &Mix) -> String {
    let mut text = concat!(
        "\"\"\"For the master: locust -f THIS --master. Its workers are `hookgate load --locust-master HOST:5557`.\"\"\"\n",
        "import time\n",
        "from locust import User, events\n",
        "def deliver(user): raise RuntimeError(\"the workers of this master are hookgate's: it delivers nothing itself\")\n",
        "@events.init_command_line_parser.add_listener\n",
        "def _(parser): parser.add_argument(\"--run-word\", default=f\"hg{int(time.time()):x}\", help=\"what every key begins with\")\n",
    )
    .to_owned();
    for (name, weight) in mix.in_order() {
        let _ = writeln!(text, "class {}(User): weight, tasks = {weight}, [deliver]", class(&name));
    }
    text
}

/// `bad-signature` as the name of a class.
fn class(kind: &str) -> String {
    let word = |word: &str| word.chars().take(1).flat_map(char::to_uppercase).chain(word.chars().skip(1)).collect::<String>();
    kind.split(['-', '@', '_']).map(word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_class() {
        let mix = Mix::read("fresh=80,duplicate=15,bad-signature=5").expect("a mix");
        let text = locustfile(&mix);
        assert!(text.ends_with(
            "class Fresh(User): weight, tasks = 80, [deliver]\nclass Duplicate(User): weight, tasks = 15, [deliver]\nclass BadSignature(User): weight, tasks = 5, [deliver]\n"
        ));
        assert!(text.lines().count() <= 10, "{text}");
    }
}
