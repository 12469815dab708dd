//! Spellings: odd bodies, odd keys, and pairs that are easily taken for each other.
//!
//! Texts alone. They are what publications about broken receivers are about,
//! and hold `{unique}`, `{number}` or `{key:base}` where a delivery's own word
//! stands.

/// Bodies that are no JSON, or JSON that few expect; a receiver may refuse them.
pub(super) const ODD_TEXTS: [&str; 14] = [
    "",
    "done",
    "  \n",
    "{}",
    "[1,2,3]",
    "\"done\"",
    "42",
    "null",
    "{}{}",
    "{\"status\":\"do",
    "{\"status\":NaN}",
    "task_id=7&status=done",
    "{\"task_id\":{\"a\":[1]},\"job_id\":{\"a\":[1]},\"status\":[null]}",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
];

/// Bodies that are no text, or not in UTF-8.
pub(super) const ODD_BYTES: [&str; 7] = [
    "ff fe fd 80 81 c0 af",
    LATIN,
    "7b 7d 00 00 7b 7d",
    "ef bb bf 7b 22 73 74 61 74 75 73 22 3a 22 64 6f 6e 65 22 7d",
    "7b 00 22 00 61 00 22 00 3a 00 31 00 7d 00",
    "22 ed a0 80 22",
    "0d 0a 0a 0d",
];

/// `{"status":"don?"}` with a byte that is no UTF-8.
pub(super) const LATIN: &str = "7b 22 73 74 61 74 75 73 22 3a 22 64 6f 6e e9 22 7d";
/// What [`LATIN`] is taken for by whoever decodes it first.
pub(super) const DECODED: [&str; 3] = ["{\"status\":\"don\u{fffd}\"}", "{\"status\":\"don\"}", "{\"status\":\"don\u{e9}\"}"];

/// A body, and another one for which the signature is right.
pub(super) const SIGNED_OTHERWISE: [(&str, &str); 10] = [
    ("{\"status\": \"done\",  \"exit_code\": 0}", "{\"status\":\"done\",\"exit_code\":0}"),
    ("{\"status\":\"done\",\"exit_code\":0}", "{\"status\": \"done\", \"exit_code\": 0}"),
    ("{\"status\":\"done\",\"exit_code\":0}", "{\"exit_code\":0,\"status\":\"done\"}"),
    (" {\"status\":\"done\"}\n", "{\"status\":\"done\"}"),
    ("{\"status\":\r\n\"done\"}", "{\"status\":\n\"done\"}"),
    ("{\"status\":\"d\\u006fne\"}", "{\"status\":\"done\"}"),
    ("{\"status\":\"fertig \u{2713}\"}", "{\"status\":\"fertig \\u2713\"}"),
    ("{\"status\":\"DONE\"}", "{\"status\":\"done\"}"),
    ("{\"status\":\"done\"}", ""),
    ("", "null"),
];

/// `gzip.compress` of [`UNPACKED`], at level 9 and without a time.
pub(super) const PACKED: &str = "1f8b0800000000000203ab562a492cce8ecf4c51b202b37493f3730b8a528b8b5353947494b2f293704915972496941603a552f2f35281fcd48acc92f8e4fc9454252b835a00d9f51f3356000000";
/// What [`PACKED`] is once it is inflated.
pub(super) const UNPACKED: &str = "{\"task_id\":\"task-compressed\",\"job_id\":\"task-compressed\",\"status\":\"done\",\"exit_code\":0}";

/// A body of a delivery's own.
pub(super) const OTHER: &str = "{\"task_id\":\"{unique}\",\"job_id\":\"{unique}\",\"status\":\"failed\",\"exit_code\":1}";
/// A body with members that are easily taken for the key.
pub(super) const KEY_BESIDE: &str = "{\"id\": \"{unique}\", \"event_id\": \"{unique}\", \"idempotency_key\": \"{unique}\", \"data\": {\"key\": \"{unique}\"}, \"status\": \"done\"}";

/// What follows a key, in hex digits, beyond visible ASCII.
pub(super) const ODD_KEY_BYTES: [&str; 6] = ["c3 a9", "e9", "ff fe", "f0 9f 98 80", "20 61", "09 61"];

/// Keys with marks in them that mean something elsewhere.
pub(super) const KEYS: [&str; 12] = [
    "{unique}'/**/OR/**/'1'='1",
    "{unique}'/**/OR/**/1=1--",
    "{unique}');SELECT/**/1;--",
    "{unique}'",
    "{unique}\"",
    "{unique}\\'--",
    "{unique}?1:key@key$1",
    "{unique}!#&'()*+,-./:;<=>?@[]^`|~",
    "{unique}%_%25*?",
    "\"{unique}\"''",
    "{unique}-ABCxyzABC",
    "urn:uuid:{unique}",
];

/// Two keys that are not the same, over a third, and easily taken for each other.
pub(super) const TWINS: [(&str, &str); 25] = [
    ("{key:base}-order", "{key:base}-ORDER"),
    ("{key:base}-1", "{key:base}-2"),
    ("{key:base}-1", "{key:base}-10"),
    ("{key:base}-7", "{key:base}-07"),
    ("{key:base}-a", "{key:base}_a"),
    ("{key:base}-a-b", "{key:base}-ab"),
    ("{key:base}-a", "{key:base}-a."),
    ("{key:base}-a", "{key:base}-a,b"),
    ("{key:base}-a", "{key:base}-a;b"),
    ("{key:base}-a", "\"{key:base}-a\""),
    ("{key:base}-a", "urn:uuid:{key:base}-a"),
    ("{key:base}-A", "{key:base}-%41"),
    ("{key:base}-abc", "{key:base}-%"),
    ("{key:base}-abc", "{key:base}-ab_"),
    ("{key:base}-a%b", "{key:base}-a_b"),
    ("{key:base}-a'--b", "{key:base}-a'--c"),
    ("{key:base}1", "0{key:base}1"),
    ("{key:base}1", "+{key:base}1"),
    ("{key:base}1", "{key:base}1.0"),
    ("{key:base}0", "{key:base}e1"),
    ("{key:base}10001", "{key:base}10002"),
    ("{key:base}-a", "{key:base}-a-0000000000111111111122222222223333333333"),
    ("{key:base}-00000000001111111111222222222233333333334444444444a", "{key:base}-00000000001111111111222222222233333333334444444444b"),
    ("{key:base}-a b", "{key:base}-ab"),
    ("{key:base}a", "{key:base}b"),
];
/// From which of [`TWINS`] on, and until which, the third key is a number.
pub(super) const NUMBERS: std::ops::Range<usize> = 16..21;
/// The last of [`TWINS`] is over a key of the longest usual length.
pub(super) const LONG: usize = 24;

/// What follows one key and another, in hex digits, that are easily taken for each other.
pub(super) const ODD_TWINS: [(&str, &str); 5] =
    [("ff fe", "fe ff"), ("c3 a9", "65 cc 81"), ("ff", "ef bf bd"), ("e9", "c3 a9"), ("ef bc a1", "41")];
