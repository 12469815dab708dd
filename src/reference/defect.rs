//! Defects: the ways in which the reference can be made wrong on purpose.
//!
//! A check that cannot fail proves nothing, so the suite is measured by the defects it catches. Most are what published receivers
//! get wrong. What each does is in `mutants` (answers, rows, the contract itself) and in `sqlite::mutants` (what is remembered).

/// One defect: what is wrong, in words, and what it breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Defect {
    /// Its name, as `--defect` takes it.
    pub name: &'static str,
    /// What the receiver does, as a sentence.
    pub sentence: &'static str,
    /// The requirements that are broken by it.
    pub breaks: &'static [&'static str],
    /// The shipped contract under which it is measured.
    pub under: &'static str,
}

const fn defect(name: &'static str, sentence: &'static str, breaks: &'static [&'static str]) -> Defect {
    Defect { name, sentence, breaks, under: "orch-phase3" }
}

const fn under(contract: &'static str, defect: Defect) -> Defect {
    Defect { under: contract, ..defect }
}

const fn ietf(name: &'static str, sentence: &'static str, breaks: &'static [&'static str]) -> Defect {
    under("ietf-idempotency-key", defect(name, sentence, breaks))
}

const fn stream(name: &'static str, sentence: &'static str, breaks: &'static [&'static str]) -> Defect {
    under("orch-phase4", defect(name, sentence, breaks))
}

const fn policies(name: &'static str, sentence: &'static str, breaks: &'static [&'static str]) -> Defect {
    under("every-policy", defect(name, sentence, breaks))
}

/// The catalogue, by what the defects break.
pub const CATALOGUE: &[Defect] = &[
    // Signatures.
    defect("any-signature-passes", "every signature passes", &["AUTH-2", "AUTH-5", "AUTH-6"]),
    defect("missing-signature-passes", "a delivery without a signature passes", &["AUTH-3"]),
    defect("empty-signature-passes", "an empty signature passes", &["AUTH-3"]),
    defect("signature-compared-as-far-as-it-goes", "a prefix of the signature passes", &["AUTH-5", "SIGL-2"]),
    defect("signature-compared-in-part", "only the first eight characters are compared", &["AUTH-5", "AUTH-2"]),
    defect("extra-characters-ignored", "what follows the signature is ignored", &["AUTH-5"]),
    defect("quotes-stripped-from-signature", "a signature in quotation marks passes", &["AUTH-5"]),
    defect("signature-prefix-stripped", "a signature after another scheme's prefix passes", &["AUTH-5"]),
    under("gitlab-webhook", defect("signature-compared-without-case", "a signature in another letter case passes", &["AUTH-5"])),
    defect("signature-list-read", "one right signature in a list is enough", &["AUTH-10"]),
    defect("other-digest-passes", "an HMAC with another hash function passes", &["AUTH-6"]),
    under("github-webhook", defect("header-chooses-the-digest", "the signature's header chooses the hash function", &["AUTH-6"])),
    under("rfc9421-hmac", defect("narrower-signature-passes", "a signature over less than the contract's message passes", &["AUTH-2"])),
    defect("plain-hash-passes", "a hash without the secret passes", &["AUTH-6"]),
    defect("secret-then-message-passes", "a hash of secret and message passes", &["AUTH-6"]),
    defect("empty-secret-passes", "a signature with an empty secret passes", &["AUTH-6"]),
    defect("signs-trimmed-body", "the signature is checked over the body without white space around it", &["AUTH-4"]),
    defect("signs-decoded-text", "the signature is checked over the body decoded as text", &["AUTH-4"]),
    defect("signs-reserialised-json", "the signature is checked over the JSON written anew", &["AUTH-4"]),
    defect("signs-first-64-kib", "only the first 64 KiB of the body are signed", &["AUTH-4"]),
    defect("signature-taken-from-query", "a signature in the query passes", &["AUTH-9"]),
    defect("signature-taken-from-body", "a signature in the body passes", &["AUTH-9"]),
    defect("signature-taken-from-other-header", "a signature in another header passes", &["AUTH-9"]),
    defect("looks-up-before-signature", "duplicates are looked up before the signature is checked", &["AUTH-7"]),
    defect("malformed-signature-gives-500", "a signature that cannot be read gives a 500", &["AUTH-5"]),
    defect("bad-signature-answered-403", "a wrong signature is answered 403", &["AUTH-2", "AUTH-3"]),
    defect("refusal-reveals-signature", "the refusal tells the signature that was expected", &["AUTH-8"]),
    defect("refusal-reveals-hash-of-secret", "the refusal tells a hash of the secret", &["AUTH-8"]),
    defect("first-signature-line-wins", "of two signature lines the first counts", &["AUTH-10"]),
    defect("last-signature-line-wins", "of two signature lines the last counts", &["AUTH-10"]),
    defect("right-signature-refused", "honest deliveries are refused", &["AUTH-1"]),
    defect("empty-body-is-not-signed", "an empty body needs no right signature", &["AUTH-4"]),
    defect("long-body-is-not-signed", "a body over 512 KiB needs no right signature", &["AUTH-4", "AUTH-2"]),
    defect("form-parser-eats-body", "a body that says it is a form is read as empty", &["HTTP-4", "AUTH-4"]),
    defect("only-json-is-verified", "what does not say that it is JSON needs no right signature", &["AUTH-2", "AUTH-3"]),
    defect("body-over-two-mebibytes-is-not-signed", "a body over 2 MiB needs no right signature", &["AUTH-2"]),
    defect(
        "other-spelling-of-path-is-not-verified",
        "at another spelling of the endpoint's path nothing is verified",
        &["DOOR-1", "AUTH-9"],
    ),
    defect("method-override-is-not-verified", "a method that stands for another one is not verified", &["DOOR-2"]),
    defect("compressed-body-is-inflated-before-the-check", "a compressed body is inflated before its signature is checked", &["DOOR-3"]),
    // Signed times, lists of signatures, secrets that are made of keys.
    under("orch-phase4", defect("stale-time-passes", "the signed time is not held against the clock", &["SIGT-1", "SIGT-2"])),
    under("orch-phase4", defect("future-time-passes", "a signed time may lie in the future as far as it likes", &["SIGT-2"])),
    under("orch-phase4", defect("tolerance-of-five-minutes", "a signed time may lie five minutes from now", &["SIGT-1", "SIGT-2"])),
    under("orch-phase4", defect("tolerance-of-a-minute", "a signed time may lie a minute from now, and no more", &["SIGT-1", "SIGT-2"])),
    under("orch-phase4", defect("stale-signature-answered-400", "a stale signature is answered 400", &["SIGT-1", "SIGT-2"])),
    under(
        "orch-phase4",
        defect("changed-time-passes", "a time that was changed on its way passes: the seconds around it are tried, too", &["SIGT-3"]),
    ),
    under("orch-phase4", defect("missing-time-passes", "a signature without a time passes", &["SIGT-4"])),
    under("orch-phase4", defect("empty-time-passes", "an empty time passes", &["SIGT-4"])),
    under("orch-phase4", defect("minus-before-time-passes", "a time with a minus in front passes", &["SIGT-4"])),
    under("orch-phase4", defect("plus-before-time-passes", "a time with a plus in front passes", &["SIGT-4"])),
    under("orch-phase4", defect("fractional-time-passes", "a time with a fraction passes", &["SIGT-4"])),
    under("orch-phase4", defect("long-time-is-cut-to-64-bits", "of a time of twenty digits only 64 bits are read", &["SIGT-4"])),
    under("orch-phase4", defect("hex-time-passes", "a time in hex digits passes", &["SIGT-4"])),
    under("orch-phase4", defect("time-in-milliseconds-passes", "a time in milliseconds passes", &["SIGT-4"])),
    under("orch-phase4", defect("first-of-two-times-counts", "of two times the first counts", &["SIGT-4"])),
    under("orch-phase4", defect("last-of-two-times-counts", "of two times the last counts", &["SIGT-4"])),
    under("orch-phase4", defect("odd-time-gives-500", "a time that is no number gives a 500", &["SIGT-4"])),
    under(
        "orch-phase4",
        defect("retry-is-known-by-its-signature", "a retry with a fresh time is taken as new", &["SIGT-5", "OTHER-1", "SIGL-3", "TTL-2"]),
    ),
    under(
        "orch-phase4",
        defect(
            "retry-with-another-signature-is-refused",
            "a retry with a fresh time is refused",
            &["SIGT-5", "OTHER-1", "TTL-3", "SIGL-3", "TTL-2"],
        ),
    ),
    under("orch-phase4", defect("stale-delivery-uses-key-up", "a stale first delivery uses its key up", &["SIGT-5", "KEY-7"])),
    under("orch-phase4", defect("only-first-signature-counts", "of several signatures only the first counts", &["SIGL-1"])),
    under("orch-phase4", defect("only-last-signature-counts", "of several signatures only the last counts", &["SIGL-1"])),
    under("orch-phase4", defect("every-signature-must-be-right", "one wrong signature among several spoils them all", &["SIGL-1"])),
    under("orch-phase4", defect("unknown-version-spoils-list", "an entry of an unknown version spoils the list", &["SIGL-1"])),
    under("orch-phase4", defect("unknown-version-passes", "the right signature under an unknown version passes", &["SIGL-2"])),
    under("orch-phase4", defect("empty-entry-passes", "an empty entry of a list passes", &["SIGL-2"])),
    under("orch-phase4", defect("long-list-gives-500", "more than a hundred signatures give a 500", &["SIGL-2"])),
    under("orch-phase4", defect("prefix-in-list-passes", "an entry of a list is compared as far as it goes", &["SIGL-2", "AUTH-5"])),
    under("orch-phase4", defect("blank-in-list-is-refused", "a blank behind a comma of the list makes it unreadable", &["SIGL-1"])),
    under("orch-phase4", defect("time-must-come-first", "a list is refused whose first item is not the time", &["SIGL-1"])),
    under("orch-phase4", defect("old-form-passes", "a signature in the older form passes, over the body alone", &["SIGT-3"])),
    under("orch-phase4", defect("previous-secret-is-refused", "the previous secret is refused while it is rotated", &["SIGL-3"])),
    under("orch-phase4", defect("retired-secret-passes", "a retired secret passes", &["SIGL-3"])),
    policies("refusal-reveals-decoded-key", "the refusal tells the key that the secret stands for, in hex", &["AUTH-11", "AUTH-8"]),
    policies("refusal-reveals-secret-without-prefix", "the refusal tells the secret without its prefix", &["AUTH-11", "AUTH-8"]),
    policies(
        "refusal-reveals-key-in-base64url",
        "the refusal tells the key that the secret stands for, in base64url",
        &["AUTH-11", "AUTH-8"],
    ),
    policies("acceptance-reveals-key", "a header of the acceptance tells the key that the secret stands for", &["AUTH-11"]),
    // Key pairs, and signatures in bodies.
    under("discord-interactions", defect("unreduced-signature-passes", "a signature whose number is not reduced passes", &["AUTH-5"])),
    under("discord-interactions", defect("small-order-passes", "a point of small order and nothing pass as a signature", &["AUTH-6"])),
    under("discord-interactions", defect("public-key-passes-as-secret", "an HMAC whose secret is the public key passes", &["AUTH-6"])),
    under("adyen", defect("signature-in-body-need-only-be-there", "a signature in the body need only be there", &["AUTH-2"])),
    under("gitlab-webhook", defect("token-need-only-begin-right", "the token is compared in its first half alone", &["AUTH-2", "AUTH-5"])),
    // Keys.
    defect("two-key-lines-are-joined", "two lines of the key's header are joined to one key", &["KEY-9", "DUP-1"]),
    defect("unlike-key-lines-make-a-new-key", "a delivery with two unlike lines of the key's header gets a new key each time", &["KEY-9"]),
    defect("odd-keys-are-read-with-replacement", "bytes of a key that are no text are all read as the same sign", &["KEY-10"]),
    under("every-other-policy", defect("number-is-its-text", "a number in the key's place is the same key as its text", &["KEY-10"])),
    defect("keys-are-numbers", "a key that is a number is compared as one", &["KEY-10"]),
    defect("missing-key-passes", "a delivery without a key passes", &["KEY-1"]),
    defect("empty-key-passes", "an empty key passes", &["KEY-2"]),
    defect("missing-key-answered-422", "a missing key is answered 422", &["KEY-1"]),
    ietf("bare-key-passes", "a key without its quotation marks passes", &["KEY-11"]),
    defect("key-case-folded", "keys are compared without regard to case", &["KEY-3"]),
    defect("key-cut-at-64", "keys are cut at 64 characters", &["KEY-3"]),
    defect("key-cut-at-255", "keys are cut at 255 bytes instead of being refused", &["KEY-6"]),
    defect("key-quotes-stripped", "quotation marks are taken out of keys", &["KEY-3"]),
    defect("key-blanks-removed", "blanks inside keys are removed", &["KEY-8", "KEY-9"]),
    defect("key-hyphens-removed", "hyphens are taken out of keys, as from a UUID", &["KEY-3"]),
    defect("key-wildcards-folded", "`%` and `_` in keys stand for any character", &["KEY-3", "KEY-4", "AUD-4"]),
    defect("sql-by-concatenation", "a quote in a key breaks a statement and gives a 500", &["KEY-4", "KEY-3"]),
    defect("sql-comment-ends-key", "a key ends where SQL would begin a comment", &["KEY-4", "KEY-3"]),
    defect("long-key-gives-500", "a key over 255 bytes gives a 500", &["KEY-6"]),
    defect("odd-key-gives-500", "a key with bytes outside visible ASCII gives a 500", &["KEY-8"]),
    defect("refused-signature-uses-key-up", "a delivery with a bad signature uses its key up", &["KEY-7"]),
    defect("missing-signature-uses-key-up", "a delivery without a signature uses its key up", &["KEY-7"]),
    defect("malformed-signature-uses-key-up", "a delivery whose signature cannot be read uses its key up", &["KEY-7"]),
    defect("cut-body-uses-key-up", "a delivery whose body breaks off uses its key up", &["KEY-7"]),
    defect("refusal-is-repeated", "a refusal is kept and given again to the honest delivery", &["KEY-7"]),
    defect("uuids-are-normalised", "keys that are UUIDs are one key in every spelling", &["KEY-3"]),
    defect("last-digit-of-a-uuid-is-ignored", "keys that are UUIDs are told apart by all but their last digit", &["KEY-3"]),
    under(
        "every-other-policy",
        defect(
            "key-is-found-anywhere",
            "the first member of the key's name is taken for it, wherever it is nested",
            &["KEY-3", "KEY-1", "KEY-2"],
        ),
    ),
    defect("longest-key-is-cut", "a key of the greatest length loses its last character", &["KEY-3"]),
    defect("forgets-among-many-others", "a key is forgotten when 500 others came after it", &["DUP-8"]),
    defect("newest-keys-are-loaded", "after a restart only the newest hundred keys are known", &["DUP-8"]),
    defect("forgets-on-restart", "keys are forgotten when the receiver is started again", &["DUP-8"]),
    // Duplicates.
    defect("body-alone-identifies", "the same body under another key is taken for a duplicate", &["DUP-6", "DUP-3", "OTHER-1", "KEY-9"]),
    defect("key-and-body-identify", "the same key with another body is taken as new", &["DUP-3", "ONCE-1", "ONCE-2", "OTHER-1"]),
    defect("duplicate-answered-200", "a duplicate is answered 200", &["DUP-1"]),
    defect("duplicate-answered-409", "a duplicate is answered 409", &["DUP-1"]),
    defect("duplicate-says-not-accepted", "a duplicate is told that it was not accepted", &["DUP-1"]),
    defect("duplicate-without-reference", "a duplicate's answer refers to nothing", &["DUP-2"]),
    defect("duplicate-refers-to-itself", "a duplicate's answer refers to its own time", &["DUP-2"]),
    defect("duplicate-names-another-type", "a duplicate's reference is of another type", &["DUP-2"]),
    defect("duplicate-bears-its-own-hash", "a duplicate's answer has the hash of its own body", &["DUP-3"]),
    defect("only-first-duplicate-is-known", "the second duplicate is taken as new", &["DUP-5", "DUP-1", "DUP-2"]),
    defect("tenth-duplicate-gives-429", "after ten duplicates the receiver has enough", &["DUP-5"]),
    defect("duplicate-writes-audit-row", "a duplicate writes an audit row", &["DUP-4", "DUP-2", "DUP-5", "DUP-7", "ONCE-2"]),
    defect("first-duplicate-is-slow", "the first duplicate of a key is answered after three seconds", &["HTTP-7"]),
    // Another body.
    ietf("other-body-is-a-duplicate", "another body gets the first's answer, where it is to be refused", &["OTHER-1"]),
    ietf("other-body-is-accepted", "another body is accepted, where it is to be refused", &["OTHER-1", "OTHER-2", "ONCE-1"]),
    ietf("other-body-overwrites-first", "another body is refused, and takes the first one's place", &["OTHER-2", "OTHER-1"]),
    ietf("compares-4-kib-of-a-body", "bodies are compared in their first 4 KiB alone", &["OTHER-1"]),
    ietf("other-body-writes-rows", "another body is refused, and written all the same", &["OTHER-2"]),
    ietf("bodies-are-compared-loosely", "bodies that differ in small things are taken for one", &["OTHER-1"]),
    ietf("other-body-prolongs-key", "a refusal for another body gives its key a longer life", &["OTHER-2"]),
    ietf("refusal-of-another-body-is-kept", "the refusal of another body is the key's answer from then on", &["OTHER-2", "OTHER-1"]),
    ietf("spelling-makes-another-body", "the same JSON in another spelling is taken for another body", &["OTHER-3"]),
    policies("key-alone-identifies", "another body is a duplicate, where it is to be a delivery of its own", &["OTHER-1", "OTHER-3"]),
    policies("spelling-makes-no-other-body", "another spelling is taken for the same body, where bytes are to count", &["OTHER-3"]),
    // Concurrency.
    defect(
        "checks-then-marks",
        "a key is looked up in one transaction and marked in another, 30 ms later",
        &["ONCE-1", "ONCE-2", "ONCE-3"],
    ),
    defect(
        "every-racer-audits",
        "duplicates that arrive together are told so, but each writes an audit row",
        &["ONCE-2", "ONCE-3", "DUP-2"],
    ),
    defect("loser-gets-500", "duplicates that arrive together get a 500", &["ONCE-1", "ONCE-2", "ONCE-3"]),
    defect("loser-gets-409", "duplicates that arrive together get a 409", &["ONCE-1", "ONCE-2", "ONCE-3"]),
    defect("loser-waits", "duplicates that arrive together wait for seconds", &["HTTP-7"]),
    defect("racer-refers-to-itself", "duplicates that arrive together refer to their own time", &["ONCE-2", "ONCE-3"]),
    // Deliveries under way, failures, scopes.
    ietf("rival-gets-500", "a rival of a delivery under way gets a 500", &["FLY-1"]),
    under("stripe-api", defect("rival-is-asked-to-wait", "a rival of a delivery under way gets a 503 with `Retry-After`", &["FLY-1"])),
    ietf("rival-is-accepted", "a rival of a delivery under way is accepted, too", &["FLY-1", "ONCE-1", "ONCE-3"]),
    ietf("expired-key-is-renewed-twice", "rivals with an expired key are all accepted", &["ONCE-1"]),
    ietf("key-stays-in-flight-after-its-answer", "a key stays in flight for a second after its answer", &["FLY-2"]),
    ietf("cut-request-keeps-its-key-in-flight", "a request that breaks off keeps its key in flight for ever", &["FLY-2"]),
    ietf("failure-keeps-its-key-in-flight", "a failure keeps its key in flight for ever", &["FLY-2", "ERR-1", "HTTP-7"]),
    ietf("failure-is-remembered-as-acceptance", "a delivery that failed is remembered as if it had been accepted", &["ERR-1", "FLY-2"]),
    ietf("lease-is-twice-as-long", "a key stays in flight for twice the lease after a cut request or a failure", &["FLY-2"]),
    ietf("failed-key-is-refused", "a key whose delivery failed is refused from then on", &["ERR-1", "FLY-2"]),
    ietf("failure-is-given-again", "a failure is given again, where the delivery is to be tried again", &["ERR-1", "FLY-2"]),
    ietf("key-counts-on-every-path", "a key counts in every scope", &["SCOPE-1"]),
    ietf("query-makes-no-scope", "the query makes no scope of its own, where it is to", &["SCOPE-1"]),
    under("every-policy", defect("failure-is-forgotten", "a delivery that failed is tried again, where it is to fail again", &["ERR-1"])),
    under("every-policy", defect("kept-refusal-is-forgotten", "a refusal is forgotten, where it is to be kept", &["ERR-2"])),
    under(
        "every-other-policy",
        defect("key-counts-for-every-caller", "a key that one caller has used is taken for every caller", &["SCOPE-1"]),
    ),
    under("every-policy", defect("query-makes-a-scope", "a key is new with another query, where it is to count everywhere", &["SCOPE-1"])),
    // Life of keys.
    defect("key-never-expires", "keys are never forgotten", &["TTL-3"]),
    defect("ttl-in-minutes", "the TTL is stored in minutes", &["TTL-1", "TTL-2"]),
    defect("ttl-of-an-hour", "keys are stored with a TTL of an hour", &["TTL-1", "TTL-2"]),
    defect("ttl-not-stored", "the TTL is stored as NULL", &["TTL-1", "DB-4"]),
    defect("key-forgotten-at-half-its-life", "keys are forgotten at half of their TTL", &["TTL-2"]),
    defect("duplicate-refers-to-oldest-row", "after re-acceptance duplicates refer to the older row", &["TTL-5"]),
    defect("renewed-key-keeps-old-time", "a key that is accepted anew keeps its old time", &["TTL-5", "TTL-2"]),
    defect("duplicate-prolongs-key", "a duplicate gives its key a new life", &["TTL-4", "DUP-4", "OTHER-2"]),
    defect("key-forgotten-ten-seconds-early", "keys are forgotten ten seconds before their time", &["TTL-2"]),
    defect("key-lives-ten-seconds-too-long", "keys live ten seconds over their time", &["TTL-3"]),
    defect("expires-on-cleanup-only", "a key ends when a cleanup happens to remove it", &["TTL-3"]),
    defect("cleanup-never-runs", "expired rows stay in the table", &["TTL-6", "TTL-8"]),
    defect("cleanup-removes-live-keys", "cleanup removes keys that have half of their life left", &["TTL-6", "TTL-2"]),
    defect("cleanup-removes-every-key", "once one key has expired, cleanup removes them all", &["TTL-6", "TTL-2"]),
    defect("cleanup-removes-audit", "cleanup removes the audit rows of expired keys", &["TTL-7", "TTL-5"]),
    defect("re-acceptance-overwrites-audit", "a key that is accepted anew loses its old audit row", &["TTL-5", "TTL-7"]),
    under("orch-phase3-ttl", defect("own-ttl-ignored", "the TTL that a delivery brings is ignored", &["TTL-9"])),
    under(
        "orch-phase3-ttl",
        defect("own-ttl-for-all", "the TTL of one delivery becomes that of all later ones", &["TTL-9", "TTL-1", "TTL-2"]),
    ),
    under("orch-phase3-ttl", defect("odd-ttl-stored-as-null", "a TTL that is no number is stored as NULL", &["DB-4"])),
    // Audit trail.
    defect("no-audit-row", "an accepted delivery writes no audit row", &["AUD-1", "DB-2", "DUP-2", "DUP-3"]),
    defect("audit-row-late", "the audit row is written half a second late", &["AUD-1", "DUP-2", "DUP-3"]),
    defect("audit-rows-twice", "an accepted delivery writes two audit rows", &["AUD-1"]),
    ietf("failure-leaves-an-audit-row", "a delivery that failed has an audit row, and another one when it is accepted", &["AUD-1"]),
    defect(
        "whole-second-instants",
        "instants are whole seconds, and rows of the same second are lost",
        &["AUD-6", "DUP-3", "AUD-1", "DUP-2"],
    ),
    defect("audit-with-approval", "the audit row names an approval", &["AUD-2"]),
    defect("audit-page-lacks-newest", "the audit page lacks the newest row", &["AUD-8"]),
    defect("audit-names-other-actor", "the audit row has another actor", &["AUD-2"]),
    defect("audit-names-other-role", "the audit row has another role", &["AUD-2"]),
    defect("audit-names-other-event", "the audit row has another event", &["AUD-1"]),
    defect("audit-without-task", "the audit row does not name the task", &["AUD-2"]),
    defect("audit-hash-in-upper-case", "the audit row's hash is in upper case", &["AUD-3", "DUP-3"]),
    defect("audit-hash-of-reserialised-json", "the audit row's hash is that of the JSON written anew", &["AUD-3", "DUP-3"]),
    defect("audit-hash-of-nothing", "the audit row's hash is that of the empty body", &["AUD-3", "DUP-3"]),
    defect("audit-without-key", "the audit row does not name its key", &["AUD-4", "DB-2", "DUP-2", "DUP-3", "AUD-1"]),
    defect("audit-key-altered", "the audit row names its key in upper case", &["AUD-4", "DB-2", "DUP-2", "DUP-3", "AUD-1"]),
    defect("audit-in-local-time", "instants are stored in local time", &["AUD-7", "DUP-2", "TTL-1", "TTL-3"]),
    defect("clock-goes-back", "every second instant lies before the one before", &["AUD-7", "TTL-2"]),
    defect("rows-for-refusals", "refused deliveries are written to the audit trail too", &["AUD-5", "KEY-7"]),
    // Event streams.
    stream("resume-leaves-a-gap", "a client that comes back misses an event", &["SSE-5", "SSE-3", "SSE-8"]),
    stream("resume-tells-an-event-twice", "a client that comes back gets its last event once more", &["SSE-5", "SSE-3", "SSE-8"]),
    stream("ids-do-not-rise", "ids of events fall", &["SSE-9", "SSE-5"]),
    stream("ids-start-anew", "ids of events begin anew when the receiver is started again", &["SSE-9", "SSE-5"]),
    stream("unknown-id-is-a-silent-gap", "a client whose id is not kept goes on with what comes next, and is not told so", &["SSE-6"]),
    stream("evicted-id-is-a-silent-gap", "a client whose id is kept no longer is not told of the gap", &["SSE-6"]),
    stream("id-has-a-line-end", "a line end in a job's name stands in the ids of its events", &["SSE-4"]),
    stream("no-heartbeat", "a stream is silent as long as nothing is published", &["SSE-12"]),
    stream("heartbeat-bears-an-id", "a heartbeat bears an id that no event has", &["SSE-12"]),
    stream("subscribers-share-one-queue", "an event is told to one subscriber only", &["SSE-15", "SSE-5", "SSE-3", "SSE-8"]),
    stream("events-of-other-jobs", "a stream tells of other jobs, too", &["SSE-15"]),
    stream("stream-is-buffered-to-its-end", "what a stream tells is held back until it ends", &["SSE-13"]),
    stream("gzip-is-buffered", "to clients that take gzip nothing is told before a stream ends", &["SSE-13"]),
    stream("place-is-never-free-again", "a client that has gone keeps its place", &["SSE-14"]),
    stream("slow-reader-blocks-answers", "one that does not read holds up all others, and the answers to deliveries", &["SSE-14"]),
    stream("slow-reader-blocks-all", "one that does not read holds up all others", &["SSE-14"]),
    stream("finished-stream-is-empty-for-ever", "a client of a finished stream gets one without anything and without end", &["SSE-11"]),
    stream("event-before-its-audit-row", "an event is told half a second before its audit row", &["SSE-16", "AUD-1", "DUP-2", "DUP-3"]),
    stream(
        "event-before-row-and-answer",
        "a job's second event is told before its audit row, and both before the answer",
        &["SSE-16", "TTL-5"],
    ),
    stream("jobs-in-another-case-share-a-stream", "jobs whose names differ in letter case only have one stream", &["SSE-15"]),
    stream("event-data-is-not-escaped", "what a delivery says stands in the data of its event as it is", &["SSE-7", "SSE-4"]),
    stream("what-lacks-is-told-empty", "a member that a delivery lacks is told as an empty text", &["SSE-7"]),
    stream("stream-may-be-cached", "a stream tells caches nothing", &["SSE-17"]),
    stream("acceptance-without-event", "every third acceptance is not told", &["SSE-7", "SSE-16", "SSE-5", "SSE-3", "SSE-8"]),
    stream("retry-is-not-a-number", "`retry` has a unit behind its number", &["SSE-10"]),
    // Effects.
    under("every-policy", defect("work-is-done-per-answer", "the work is done for duplicates, too", &["EFF-1", "EFF-2"])),
    policies("late-work-per-answer", "the work of duplicates is done late", &["EFF-1", "EFF-2"]),
    policies("losers-do-the-work-too", "duplicates that arrive together are told so, but each does the work", &["EFF-1", "EFF-2"]),
    policies("work-is-done-again-after-a-restart", "after a restart a known key's work is done again", &["EFF-1", "EFF-2"]),
    under("every-policy", defect("refusals-do-the-work", "the work of a refused delivery is done all the same", &["EFF-2", "EFF-1"])),
    // HTTP.
    defect("accepted-answered-200", "a first delivery is answered 200", &["AUTH-1"]),
    defect("answers-are-no-json", "answers are text that is no JSON", &["HTTP-1", "AUTH-1"]),
    defect("answers-do-not-say-json", "answers are JSON, but say that they are text", &["HTTP-1", "AUTH-1"]),
    defect("other-methods-accepted", "PUT and others are taken for POST", &["HTTP-2"]),
    defect("signed-question-is-taken", "a GET with a key and a signature is taken for a delivery", &["HTTP-2"]),
    defect("body-over-two-mebibytes-is-refused", "a body over 2 MiB is refused, where longer ones are to be taken", &["AUTH-1"]),
    defect("chunked-read-as-empty", "a chunked body is read as empty", &["HTTP-3"]),
    defect("body-that-is-no-json-gives-500", "a body that is no JSON gives a 500", &["HTTP-4"]),
    defect("long-body-gives-500", "a body over 512 KiB gives a 500", &["AUTH-1", "AUTH-4", "HTTP-6"]),
    defect("deep-json-gives-500", "JSON that is nested deeply gives a 500", &["HTTP-4"]),
    defect("expect-refused", "`Expect: 100-continue` is answered 417", &["HTTP-3"]),
    defect("too-large-body-gives-500", "a body over the limit gives a 500", &["HTTP-6", "AUTH-2"]),
    defect("unwell-after-a-refusal", "the health check fails once a signature was refused", &["LIVE-1"]),
    defect("unwell-after-a-cut-body", "the health check fails once a body broke off", &["LIVE-1"]),
    defect("slow-sender-holds-up-others", "bodies are read one after the other, so that a slow sender holds up all others", &["HTTP-7"]),
    defect("says-more-than-the-answer", "a byte follows every answer on its connection", &["HTTP-8"]),
    defect("every-hundredth-gives-503", "every hundredth delivery is answered 503", &["HTTP-5", "AUTH-1"]),
    defect("long-body-is-cut", "a body is cut at 512 KiB", &["AUTH-4"]),
    // Schema.
    defect("ttl-without-default", "the column `ttl` has no default", &["DB-1"]),
    defect("ttl-column-is-text", "the column `ttl` is text", &["DB-1", "TTL-1", "DB-4"]),
    defect("keys-without-primary-key", "the table of keys has no primary key", &["DB-1"]),
    defect("audit-without-primary-key", "the table of audit events has no primary key", &["DB-1"]),
    defect("column-missing", "the table of audit events lacks a column", &["DB-1", "AUD-2"]),
    // Earlier phases.
    under("orch-phase2", defect("duplicate-answered-as-accepted", "a duplicate is answered like a first delivery", &["DUP-1"])),
    under("orch-phase2", defect("marks-before-signature", "a refused delivery marks its key", &["KEY-7"])),
];

impl Defect {
    /// The defect called `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        CATALOGUE.iter().copied().find(|one| one.name == name)
    }
}
