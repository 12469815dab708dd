# What reports say around the facts. ja.ftl has the same keys.

## Verdicts
verdict-pass = pass
verdict-warn = warn
verdict-fail = fail
verdict-undecided = undecided
verdict-not-applicable = not applicable
verdict-known = known
overall-conforms = conforms
overall-does-not-conform = does not conform
overall-undecided = undecided
overall-interrupted = interrupted
overall-incomplete = incomplete
level-must = must
level-should = should
level-free = free

## Terminal
head-against = { $contract } against { $url }
head-built-in = (the built-in reference)
head-made = clock { $clock }, seed { $seed }, { $deliveries ->
    [one] { $deliveries } delivery
   *[other] { $deliveries } deliveries
  }
head-database = database { $path }
head-effects = effects by { $place }
head-rests-on = verdicts rest on { $kinds }
rests-on-answers = answers
rests-on-streams = event streams
rests-on-effects = effects
rests-on-pages = pages
rests-on-rows = rows
history-explained = history of { $keys ->
    [one] { $keys } key
   *[other] { $keys } keys
  }, every answer explained
history-broken = history of { $keys ->
    [one] { $keys } key
   *[other] { $keys } keys
  }, { $broken } that no order explains, { $undecided } undecided
table-requirements = requirements
table-all = all
column-pass = pass
column-warn = warn
column-fail = fail
column-undecided = undecided
column-not-applicable = n/a
column-known = known
title-pass = PASS
title-warn = WARN
title-fail = FAIL
title-undecided = UNDECIDED
title-not-applicable = N/A
title-known = KNOWN
label-requirement = requirement
label-expected = expected
label-reference = reference
label-observed = observed
label-at = at
label-curl = curl
label-reason = reason
label-again = again
label-note = note
label-stale = stale
label-differs = differs
label-required = required
required-told = { $id } was not judged ({ $verdict }): { $reason }; give { $give }
label-early = ended early
the-reference = the built-in reference
place-step = { $place }, step { $step }{ $name }
curl-too-long = too long for a terminal; it is in report.json
findings-more = and { $count ->
    [one] { $count } more finding
   *[other] { $count } more findings
  }, in report.json
findings-brief = (a line each from here on; report.json has all of them)
reason-none = no reason was given
not-applicable-heading = Not applicable
reasons-more = and { $count ->
    [one] { $count } more reason
   *[other] { $count } more reasons
  }, in report.json
snapshot-changed = changed snapshot { $name }
snapshot-new = new snapshot { $name }
snapshot-unreferenced = unreferenced snapshot { $name }
snapshots-label = snapshots
snapshots-told = { $matched } as reviewed in { $folder }, { $changed } changed, { $new } new, { $unreferenced } unreferenced
snapshots-review = `hookgate snapshots review` shows and takes them
differs-times = { $count } times { $verdict }
count-pass = { $count } passed
count-warn = { $count } warned
count-fail = { $count } failed
count-known = { $count } known
count-undecided = { $count } undecided
count-not-applicable = { $count } not applicable
count-scenarios = { $count ->
    [one] { $count } scenario
   *[other] { $count } scenarios
  }
last-line = { $counts }, in { $took }{ $bursts }
last-bursts = , bursts released within { $took }

## Causes: what explains a number of findings
causes-more = and { $count } more causes, in report.json
md-causes = What explains it
page-causes = What explains it
page-example = An example, to be tried again
cause-none = none
cause-explains = explains { $findings } of { $of ->
    [one] { $of } failure
   *[other] { $of } failures
  } ({ $requirements ->
    [one] { $requirements } requirement
   *[other] { $requirements } requirements
  })
cause-table-keys = the key table
cause-table-audit = the audit table
cause-honest-refused = Honest deliveries{ $when } are answered { $status } where the contract says { $due }
cause-honest-refused-bare = Honest deliveries{ $when } are not accepted
cause-honest-failed = Honest deliveries{ $when } get a failure ({ $status })
cause-accepted-otherwise = First deliveries are answered { $status } where the contract says { $due }
cause-new-told-as-duplicate = New deliveries{ $when } are told as duplicates
cause-repeat-taken-as-new = Duplicates{ $when } are answered as new
cause-repeat-refused = Duplicates{ $when } are answered { $status } where the contract says { $due }
cause-repeat-refused-bare = Duplicates{ $when } are turned away
cause-repeat-failed = Duplicates{ $when } get a failure ({ $status })
cause-duplicate-otherwise = Duplicates are answered { $status } where the contract says { $due }
cause-duplicate-otherwise-bare = Answers to duplicates are not as the contract says
cause-accepted-otherwise-bare = Answers to first deliveries are not as the contract says
cause-refusal-taken = { $what } are accepted
cause-refusal-taken-duplicate = { $what } are answered as duplicates
cause-refusal-taken-either = { $what } are not refused
cause-refusal-told-as-duplicate = Forgeries with a used key are answered as duplicates
cause-refused-otherwise = { $what } are answered { $status } where the contract says { $due }
cause-refused-otherwise-bare = { $what } are answered { $status }, which the contract does not say
cause-refusal-failed = { $what } get a failure ({ $status })
cause-now-and-then = Deliveries of every kind get a failure ({ $status }) now and then
cause-odd-failed = Deliveries{ $when } get a failure ({ $status })
cause-odd-otherwise = Deliveries{ $when } are neither accepted nor refused as the contract says ({ $status })
cause-still-in-flight = Keys stay in flight{ $when } ({ $status })
cause-no-failure = A provoked failure does not come
cause-no-failure-again = A failure is not given again to a delivery that got it: it is answered { $status }
cause-media-type = Answers do not say that they are what the contract says
cause-header = The header { $name } is not as the contract says
cause-no-json = Answers are no JSON
cause-member = `{ $name }` in answers is not as the contract says
cause-body = Bodies of answers are not as they should be
cause-secret-told = Answers reveal the secret, or the signature that was expected
cause-first-told = Refusals tell something of the first delivery
cause-references = Duplicates refer to something else than their first delivery
cause-row-missing = Rows are missing in { $table }{ $when }
cause-row-surplus = There are more rows in { $table } than there should be{ $when }
cause-effect-missing = Work{ $when } that was accepted is not done
cause-effect-surplus = Work{ $when } is done more often than once
cause-effect-undue = Work is done for what is refused
cause-cell = The column `{ $name }` of { $table } is not as the contract says
cause-rows-changed = Rows of { $table } change that should stay as they were{ $when }
cause-schema = The table of { $table } is not declared as the contract says
cause-no-evidence = Key rows stand without an audit row
cause-no-life = Key rows have a life that cannot be told
cause-instants-go-back = Times of audit rows go back
cause-page = The page of the audit trail does not show the rows
cause-counter = Counters do not rise
cause-late = Answers come too late
cause-silent = Deliveries get no answer
cause-unwell = The health check fails
cause-unexplained = No order of events explains what keys were answered
cause-stream-answer = Streams are not answered as streams
cause-stream-place = Clients of a stream find no place
cause-stream-utf-8 = A stream is not UTF-8
cause-stream-blank-line = An event is not ended by a blank line
cause-stream-id = Events have no id of their own
cause-stream-unknown = Ids that are not kept are not answered as the contract says
cause-stream-data = The data of events is not as the contract says
cause-stream-rising = Ids of events do not rise
cause-stream-changed = Events change when they come again
cause-stream-retry = `retry` is not as it should be
cause-stream-finished = A finished stream is not over
cause-stream-comment = Something else than an event of a delivery bears an id
cause-stream-silence = Streams are silent for longer than promised
cause-stream-held-back = Streams are held back
cause-stream-caching = Caches are not told to keep nothing of a stream
cause-stream-foreign = Streams tell of what is not theirs
cause-stream-order = Events come in another order
cause-stream-stuck = Nothing comes on a stream that is open
cause-stream-lost = Accepted deliveries are not told
cause-stream-missed = A subscriber is not told what its stream tells
cause-stream-gap = Clients that come back miss events
cause-stream-twice = Events are told again on a stream that has told them
cause-stream-retold = Clients that come back are told again what they have been told
cause-stream-reset = Clients that come back with an id are told that it is not kept
cause-stream-cut-short = A stream ends before it has told all
cause-stream-again = Events do not come again as they were
cause-stream-end = A stream does not end
cause-other = { $id } is not kept
when-plain = {""}
when-restarted = { " " }after a restart
when-at-once = { " " }that come at once
when-under-way = { " " }while another is under way
when-resigned = { " " }that were signed anew
when-aged = { " " }after some time
when-other-body = { " " }with another body
when-after-refusal = { " " }whose key was refused before
when-odd-key = { " " }with an unusual key
when-odd-body = { " " }with an unusual body
when-slow-reader = { " " }while a client of a stream does not read
when-odd-way = { " " }that come in an unusual way
refused-signature = Refused signatures
refused-missing-signature = Deliveries without a signature
refused-malformed-signature = Signatures that cannot be read
refused-stale-signature = Stale signatures
refused-missing-key = Deliveries without a key
refused-empty-key = Empty keys
refused-unusable-key = Keys that cannot be used
refused-other-body = Used keys with another body
refused-method = Other methods
refused-body = Bodies that cannot be used
refused-too-large = Bodies over the limit
wrong-signature = Forged signatures
wrong-missing-signature = Deliveries without a signature
wrong-malformed-signature = Signatures that cannot be read
wrong-stale-signature = Stale signatures
wrong-missing-key = Deliveries without a key
wrong-empty-key = Empty keys
wrong-unusable-key = Keys that cannot be used
wrong-other-body = Used keys with another body
wrong-method = Other methods
wrong-body = Bodies that cannot be used
wrong-too-large = Bodies over the limit

## Markdown
md-title = { $contract }: report of a conformance run
md-overview = Overview
md-contract = Contract
md-target = Target
md-database = Database
md-baseline = Baseline
md-snapshots = Snapshots
md-required = Required, and not judged
md-differs = Differs from run to run
md-history = History
md-history-told = { $keys } keys, { $broken } that no order of events explains, { $undecided } undecided
md-run-at = Run at
md-run-told = { $at } UTC, in { $took }, { $deliveries ->
    [one] { $deliveries } delivery
   *[other] { $deliveries } deliveries
  }
md-clock = Clock
md-seed = Seed
md-project = Project file
md-made-by = Made by
md-state = State
md-early = Ended early
md-structure = Database structure as found
md-no-table = No table was read.
md-results = Results
md-as-promised = as promised
md-undecided = undecided, { $reason }
md-not-applicable = not applicable, { $reason }
md-expected-short = expected
md-broken = What was not as promised
md-again = Step { $step }{ $name }, { $place }; again with { $again }
md-expected = Expected:
md-reference = The reference answered:
md-observed = Observed:
md-same-again = The same delivery again:
md-verdicts = Verdict per requirement
md-what = what is required
md-verdict = verdict
md-level = level

## Page
page-skip = Skip to the content
page-passed = Passed
page-failed = Failed
page-warned = Warned
page-undecided = Undecided
page-known = Known
page-not-applicable = Not applicable
page-started = Started at (UTC)
page-took = Took
page-deliveries = Deliveries
page-clock = Clock
page-seed = Seed
page-explained = Keys whose answers some order explains
page-explained-of = { $consistent } of { $keys }
page-scenarios = Scenarios
page-search = Search
page-verdict = Verdict
page-topic = Topic
page-level = Level
page-all = all
page-expected = Expected
page-reference = Reference
page-observed = Observed
page-step = step { $step }{ $name }
page-again = Deliver it again
page-copy = Copy
page-copied = Copied
page-burst = step { $step }: { $deliveries } deliveries released within { $spread }, { $most } at once
page-overlap = Step { $step }: who overlapped whom
page-overlap-key = Key { $key }: { $why }
page-streams = Event streams beside deliveries: { $streams } opened, { $events } events came
page-stream = event stream
page-event = event of a delivery
page-other = another event, or a comment
page-accepted = accepted as new
page-duplicate = duplicate
page-else = anything else
page-numbers = In numbers
page-sent-answered = Sent after the first one, and answered
page-key = Key
page-sent-after = Sent after
page-got = Got
page-passed-caption = Scenarios that passed
page-scenario = Scenario
page-shows = What it shows
page-requirements = Requirements
page-requirement = Requirement
page-every = Every requirement, and what the run says of it
page-sentence = Sentence
page-database = Database
page-table = Table { $name } as the database declares it
page-column = Column
page-type = Type
page-default = Default
page-primary = Primary key
page-yes = yes
page-lanes = { $deliveries } deliveries over { $took }, { $accepted } of them accepted as new
page-lanes-streams = { $deliveries } deliveries, { $accepted } of them accepted as new, and { $streams } event streams with { $events } events over { $took }
got-open = open
got-ended = ended
got-cut = cut by us
got-broken = broken off
got-accepted = accepted
got-duplicate = duplicate
got-no-answer = no answer
page-table-of = { $name } (table)

## Comparison
change-newly-broken = newly broken
change-no-longer-judged = no longer judged
change-still-broken = still broken
change-newly-kept = newly kept
change-newly-shown = newly shown
change-still-kept = still kept
change-never-judged = not judged in either
part-tables = tables
part-numbers = numbers
part-answers = answers
part-environment = made differently
part-worse = worse
compare-side = { $path } ({ $kind } of { $contract }: { $verdict })
compare-not-worse = the second report is not worse, by the rules of --fail-on
compare-too-short = of { $names } nothing can be said: loads that are so short, or a few seconds of longer ones, differ by as much (make both 5 s or longer, or repeat them)
compare-worse-one = the second report is worse: { $why }
compare-worse-many = the second report is worse, for { $count } reasons
compare-before = Before
compare-after = After
compare-change = Change
compare-noise = Noise
compare-what = What
compare-numbers-caption = Called a change only where it exceeds the noise
compare-requirements-caption = What became of each requirement, the worst first
compare-few-seconds = too few loads and seconds to tell the noise
compare-with-noise = noise { $noise }
number-better = better
number-worse = worse
number-same = same
number-unknown = unknown
compare-not-there = the second report does not have it
compare-kind-of = { $kind } of { $contract }
compare-numbers = Numbers
kind-run = run
kind-load = load
worse-requirement = { $id } is { $change }
worse-verdict = what conformed does not conform any more
worse-number = { $name } went from { $before } to { $after } ({ $percent })
table-added = table { $table } added
table-removed = table { $table } removed
column-added = { $table }: column added: { $column }
column-changed = { $table }: column changed: { $was } → { $column }
column-removed = { $table }: column removed: { $column }
answers-in-many = { $count } snapshots, as { $name }
answers-more = and { $count } kinds of change more
answers-only-first = { $count ->
    [one] { $count } snapshot is
   *[other] { $count } snapshots are
  } only in the first
answers-only-second = { $count ->
    [one] { $count } snapshot is
   *[other] { $count } snapshots are
  } only in the second
answers-added = added: { $lines }
answers-more-in-row = more in a row: { $words }
answers-gone = gone: { $lines }
answers-statuses = statuses: { $change } ({ $count ->
    [one] { $name }
   *[other] { $count } scenarios, as { $name }
  })
made-version = version of hookgate
made-contract = contract
made-contract-file = contract's file
made-scenarios = scenarios
made-clock = clock
made-target = target
made-arguments = arguments
made-project = project file
made-project-text = text of the project file
made-model = model
made-arrivals = arrivals
made-users = users
made-mix = mix
made-repeats = loads
made-unknown = not told
made-none = none

## Claims
worth-shown = shown
worth-not-shown = not shown
worth-contradicted = contradicted
claims-inconsistent = inconsistent
claims-line = line { $lines }
claims-beside = beside { $evidence }
claims-damage = broken encoding: { $damage }
claims-itself = { $count ->
    [0] the report agrees with itself
    [one] in one place the report does not agree with itself
   *[other] in { $count } places the report does not agree with itself
  }
claims-summary = { $all } claims: { $shown } shown, { $contradicted } contradicted, { $not_shown } not shown; { $itself }
claims-title = Claims of { $report }
claims-claim = claim
claims-evidence = evidence
claims-inconsistent-heading = Inconsistent in itself
claims-unread = not read
claims-unread-heading = Looks like a claim, and was not read
claims-unread-count = { $count ->
    [one] 1 line looks like a claim and was not read
   *[other] { $count } lines look like claims and were not read
  }
claims-denied = the report says that it does not hold
claims-untested = none of the report's own tests touches it
claims-by = by { $scenarios }
claims-more = { $scenarios } and { $count } more
claims-run = { $path } (run of { $contract } against { $target }, { $at }: { $verdict })
claims-line-head = line
claims-damage-told = its UTF-8 was read as { $encoding } and saved so: { $mended } characters had lost a byte and are mended, { $lost } cannot be told any more (`{ $sign }`)
claim-no-rule = no rule of the form says what would show it
claim-its-answers = the answers that it lists
claim-every-answer = every answer above is shown
claim-no-answers = the report lists no answers
claim-answered = answered { $status }
claim-answered-otherwise = answered { $status }, where the report says { $said }
claim-no-such-answer = the evidence has no such answer
claim-no-history = what each delivery was answered, history.jsonl alone tells, and none is beside the report
claim-denies = the rule is for `{ $said }`, and `{ $word }` makes another statement of it
claim-says-more = the rule is for `{ $said }`, and not for `{ $more }`
claim-status = the status { $status }
claim-not-in-run = { $id } is not in the run
claim-broken-by = { $id } in { $scenario }: expected { $expected }, got { $observed }
claim-is-broken = { $id } is broken
claim-no-table = the run has read no table { $table }
claim-no-table-before = the run before has read no table { $table }
claim-no-column = there is no such column
claim-as-declared = as the database declares it
claim-new-column = the phase before has no such column
claim-old-column = the phase before has it already
claim-new-in-phase = new in this phase
claim-dates-before = { $first } on { $earlier }, and { $second } on { $later }: { $days } days before it
claim-dates-after = { $first } on { $earlier }, and { $second } on { $later }: { $days } days after it
claim-counts = { $said } checks are said to have been made, and { $listed } are listed
claim-marked-wrong = `{ $claim }` is marked as wrong, and is as expected
claim-marked-right = `{ $claim }` is marked as right, and is not
claim-listed = declared as `{ $declared }`, and listed as `{ $listed }`
fact-phase = phase
fact-subject = subject
fact-implemented = implemented
fact-tested = tested
fact-state = state

## Load
load-head = load of { $target } ({ $contract }), { $model }, { $users ->
    [one] { $users } user
   *[other] { $users } users
  }, seed { $seed }
load-title = Load of { $target }
load-amount = { $deliveries } deliveries in { $took }, { $rate }
between = {", "}
load-of-wanted = { $rate } of { $wanted } wanted
load-dropped = { $count } dropped
load-of-contract = { $name }: { $contract } at { $path }, { $deliveries } deliveries, { $rate }: { $verdict }
load-not-kept = The wanted rate was not kept: { $rate } of { $wanted } were answered, and { $count } deliveries that were due were never sent.
load-wanted = Wanted
load-achieved = Achieved
load-dropped-label = Dropped
load-kept = Rate kept
load-yes = yes
load-no = no
load-answers = answers
knee-good = the highest rate that was kept: { $rate } ({ $seen } of { $tries } tries)
knee-bad = the first that was not: { $rate } ({ $seen } of { $tries } tries)
knee-no-good = no rate was kept
knee-no-bad = no rate was too high
knee-at-least = at least { $rate } was asked for
knee-late = the generator itself was late there: the receiver may take more
knee-kept = kept
knee-broken = not kept
knee-title = The highest rate
knee-latency-chart = Latency by rate
knee-dropped-chart = Deliveries dropped by rate
knee-steps = Step by step
knee-why = Why not
knee-between = p99, 99 times in 100
load-heat-chart = Latencies over time, darker where there are more
load-streams = Event streams
load-subscribers = subscribers
load-streams-read = streams
load-events = events
load-events-due = due
load-events-lost = lost
load-events-doubled = doubled
load-events-disordered = out of order
load-events-strange = of no accepted delivery
load-ids-forgotten = ids forgotten
load-events-evicted = evicted, and told so
load-events-open = not come yet
load-resumed = resumed
load-not-opened = not opened
load-to-event-p50 = p50 to the event
load-to-event-p99 = p99 to the event
load-to-event-max = longest to the event
load-to-event-chart = From acceptance to event over time
load-effort = What it took
load-own-cpu = Generator, of a core
load-own-memory = Generator, most memory
load-late-label = Sent late by the generator
load-latest = The latest of them by
load-receiver-cpu = Receiver, of a core
load-receiver-memory = Receiver, most memory
load-effort-chart = Processor time over time
load-generator = generator
load-receiver = receiver
load-lost = { $count } without an answer
load-violations = { $violations ->
    [one] { $violations } violation
   *[other] { $violations } violations
  } in { $checked }
load-checked-keys = { $count ->
    [one] { $count } key
   *[other] { $count } keys
  }
load-checked-answers = { $count ->
    [one] { $count } answer
   *[other] { $count } answers
  }
load-checked-rows = { $count ->
    [one] { $count } row
   *[other] { $count } rows
  }
load-checked-events = { $count ->
    [one] { $count } event
   *[other] { $count } events
  }
load-checked-looks = { $count ->
    [one] { $count } look
   *[other] { $count } looks
  }
load-warned = { $violations } of what only should be so
load-wrong = { $count ->
    [one] { $count } unexpected answer
   *[other] { $count } unexpected answers
  }
load-resent = { $count } sent twice
load-not-judged = not judged
load-was-not-judged = Not judged.
load-violation-of = { $requirement } key { $key }
load-wrong-answer = { $kind }: { $count } times an answer (status { $status }) that it should not get
load-example = { $kind } key { $key }, sent { $sent }: { $expected } was due, and { $observed } came
load-no-answer = no answer: { $count } times { $error }
load-users = { $users ->
    [one] { $users } user
   *[other] { $users } users
  }
load-users-label = Users
load-model = Model
model-closed = closed model
model-open = open model
arrivals-constant = constant
arrivals-poisson = poisson
load-measured-for = Measured for
load-kind = kind
load-sent = sent
load-unexpected = unexpected
load-max = max
load-keys = checked
load-broken = violations
load-notes = What a reader should know
load-still-right = Is it still right?
load-judged-from = What was judged from answers
load-judged-from-rows = What was judged from answers and rows
load-how-much = How much, how fast
load-latency-chart = Latency over time
load-rate-chart = Rate over time
load-curve-chart = Latency by share of deliveries
load-a-second = deliveries a second
load-not-as = not as they should be
load-all = all deliveries
load-by-kind = By kind
load-by-kind-caption = What was sent, what came back, how long it took
load-as-should = as it should be
load-not = not
load-should-not = What should not have come
load-series = Second by second
load-series-caption = What the charts show, in numbers
load-seconds = { $count ->
    [one] { $count } second
   *[other] { $count } seconds
  }
load-second = second
gate = gate
gates = Gates
gates-caption = What the load had to keep to
gate-measured = measured
gate-holds = holds
gate-broken = BROKEN
gate-nothing = nothing was measured

## What a report says of itself: sentences that stand in report.json as they are here, and are told in the reader's language.
told-without-force = answers alike, and no evidence of effects: a receiver that remembers nothing would pass, too; give --db with the tables that the contract names under `state`, or `effects` in the contract
told-without-memory = nothing of it hangs on memory under this contract: a receiver that remembers nothing passes it, too
told-without-idempotency = the contract promises no idempotency (`idempotency: none`): only signatures, HTTP and health are judged
told-answers-alike = Answers to first deliveries and to duplicates are alike, and no effects were seen: signatures, keys, HTTP and health were judged, duplicates and concurrency were not. Give --db with the tables that the contract names under `state`, `effects` in the contract, or a contract whose duplicates can be told.
told-no-promise = Judged on signatures, HTTP and health alone: the contract promises no idempotency, so duplicates, concurrency, lives of keys and what is stored were not judged. That would take `idempotency: by-key` and a `key` in the contract.
told-no-database = it looks at the database, and no --db was given
told-no-effects = effects cannot be counted: give `effects` in the contract, or --evidence-cmd
told-no-clock = it moves time, and no --clock was given
told-no-restart = it starts the receiver again, and hookgate has not started it (--exec)
told-only-should = it shows only what a receiver should do (--level must)
told-no-state = the contract does not say where state can be seen
told-no-scenario = no scenario that shows it was played
told-excluded = excluded
told-not-promised = not promised by the contract
told-failed-elsewhere = every scenario that shows it failed at something else
told-by-answers-alone = No database was given: whether receivers did the work once was judged by their answers alone (--db).
told-load-by-answers-alone = No database was given: whether the work was done once was judged by answers alone (--db).
told-time-not-moved = Time was not moved: whether keys expire was not judged (--clock).
told-zone = The receiver was started in a time zone of its own (--tz)
told-not-played = not played
told-accepted-twice = accepted as new again while the key must still live
told-duplicate-of-nothing = answered as a duplicate although nothing can have been accepted before
told-duplicate-outside-life = answered as a duplicate before the acceptance began, or after the key's life
told-reference-elsewhere = a duplicate refers to an instant at which no delivery of the key was under way
told-references-differ = duplicates refer to more instants than there can be acceptances
told-trace-of-refused = refused every time, and its key is there

# The visit before a suite: what is sent, and how it went.
visit-heading = Visit
visit-sent = what was sent
visit-caption = What a few deliveries showed before the suite
visit-probe-honest = honest delivery
visit-probe-repeat = its repeat
visit-probe-effect = effects of both
visit-probe-forgery = forgery
visit-probe-no-key = without a key
visit-probe-no-signature = without a signature
visit-probe-get = GET on the endpoint
visit-probe-health = health check
visit-found-right = ✓ right
visit-found-wrong = ✗ wrong
visit-found-not-judged = · not judged
visit-due = { $observed } (the contract says { $due })
visit-try = try
visit-nothing-else = nothing else can be judged

# Why honest deliveries are turned away, most likely; what to try.
visit-cause-wrong-secret = Honest deliveries are refused for their signature ({ $status }): most likely the receiver has another secret than the one in { $variable }
visit-try-wrong-secret = Compare the secret in { $variable } with the receiver's, to the last character; if it is the same, the receiver checks signatures otherwise than the contract says
visit-cause-signed-otherwise = Honest deliveries are refused for their signature ({ $status }): the receiver checks signatures otherwise than the contract says. { $slip ->
    [secret-as-text] By the text of the secret, where the bytes are the key that it stands for (decoded)
    [text-behind-prefix] By the text behind the secret's prefix, where the bytes are the key that it stands for (decoded)
    [encoding] Written in { $written }, where the contract says { $contracts }
    [digest] By { $written }, where the contract says { $contracts }
    [message] Over `{ $written }`, where the contract says `{ $contracts }`
    [no-mark] As `{ $written }`, where the contract says `{ $contracts }`
    [unit] With its time in { $written }, where the contract says { $contracts }
   *[other] Over JSON that it has written anew, where the contract says the bytes that came
  }: signed so, the same delivery is accepted
visit-try-signed-otherwise = Mend how the receiver makes the key, the message or the text of the signature; or say in the contract (signature) what its sender really does
visit-cause-wrong-address = Honest deliveries are refused for their signature ({ $status }), which covers the address { $url }{ $found ->
    [none] : most likely the receiver holds it against another address than the one that it is called by, or has another secret than the one in { $variable }
   *[other] : signed for { $found }, the same delivery is accepted
  }
visit-try-wrong-address = Say the address that the receiver is configured with (--signed-url { $found ->
    [none] https://its.name/path
   *[other] { $found }
  }, or signature.address in the contract), or the name alone, where it reads that from Host (--host NAME)
visit-cause-space-in-secret = The secret in { $variable } has white space at its beginning or end that the receiver's has not: signed without it, the same delivery is accepted
visit-try-space-in-secret = Take the white space away, as `export { $variable }="$(printf %s "${ $variable }" | xargs)"` does, or read the file without its last line end
visit-cause-space-in-theirs = The receiver's secret has { $space ->
    [line] a line end (\n)
    [windows-line] a line end (\r\n)
   *[other] a blank
  } at its end that the one in { $variable } has not: signed with it, the same delivery is accepted
visit-try-space-in-theirs = Give the receiver its secret without white space at the end: a file that was written by `echo` has a line end
visit-cause-clock-ahead = The receiver's clock is ahead by { $seconds } s: a delivery that is signed so much later is accepted, and the contract lets { $tolerance } pass
visit-try-clock-ahead = Set both clocks by the same server (NTP), or mend how the receiver reads the signed time
visit-cause-clock-behind = The receiver's clock is behind by { $seconds } s: a delivery that is signed so much earlier is accepted, and the contract lets { $tolerance } pass
visit-try-clock-behind = Set both clocks by the same server (NTP), or mend how the receiver reads the signed time
visit-cause-wrong-path = Deliveries to { $method } { $path } are answered { $status }: the path is most likely another{ $found ->
    [none] {""}
   *[other]  (they are accepted at { $found })
  }; seen: { $seen }
visit-try-wrong-path = Give what stands before the path in the address (--target URL/prefix), or the path in the contract (endpoint.path)
visit-cause-redirect = { $method } { $path } redirects ({ $status }) to { $location }, and a signed delivery is not sent on; seen: { $seen }
visit-try-redirect = Give that address (--target), or its path in the contract (endpoint.path): senders do not follow redirects
visit-cause-wrong-method = The method { $method } is refused at { $path } ({ $status }): it is most likely another{ $found ->
    [none] {""}
   *[other]  ({ $found } is accepted)
  }; Allow: { $allow }; seen: { $seen }
visit-try-wrong-method = Say the method in the contract (endpoint.method), or see that the path is the receiver's (endpoint.path)
visit-cause-too-many = Deliveries are turned away because there are too many ({ $status }): something limits how often this machine may ask
visit-try-too-many = Wait a while, send less often (--max-rate 5/s), wait longer for Retry-After (--max-wait), or take this machine out of the limit
visit-cause-page = A page for people (HTML, { $status }{ $title ->
    [none] {""}
   *[other] , titled "{ $title }"
  }) came where the contract has an answer for machines: something stands before the receiver, a proxy or a login, or the address is another's
visit-try-page = Ask the receiver itself (--target), or give what lets deliveries through (-H, --header-env); is the receiver behind the proxy up?
visit-cause-credentials = Somebody asks for credentials ({ $status }) before deliveries get to the receiver
visit-try-credentials = Give them with --header-env Name=VARIABLE, or ask the receiver itself (--target)
visit-cause-no-key-seen = Honest deliveries are refused as if they had no key ({ $status }): the contract puts it into { $place }
visit-try-no-key-seen = See where the receiver looks for the key, and say it in the contract (key)
visit-cause-body = Honest deliveries are refused for their body or their content type ({ $status })
visit-try-body = Its answer says what it wants: give it bodies of its own with --scenarios, or its content type in the contract (endpoint.content_type)
visit-cause-failure = Honest deliveries end in a failure ({ $status }): the receiver does not work
visit-try-failure = Look into its output for the time of this delivery: its database, its configuration, what it depends on
visit-cause-unknown = Honest deliveries are answered { $status }, where the contract says { $due }
visit-try-unknown = Send the same delivery again with the command, and look at what the receiver says of it
told-visit-refused = an honestly signed delivery is refused, and nothing else can be judged
told-visit-refused-note = An honestly signed delivery is refused, and nothing else was judged

# hookgate doctor.
doctor-head = A visit to { $url }, by { $contract }
doctor-database = { $database }: { $tables }
doctor-effects = effects are counted by { $place }
doctor-ready = ready: it can be judged with hookgate run
doctor-differs = it can be judged, and { $count ->
    [one] one thing is
   *[other] { $count } things are
  } not as the contract says: hookgate run says more
doctor-refused = it cannot be judged: no honest delivery was accepted
doctor-not-well = it cannot be judged yet
doctor-not-reached = it was not reached

# hookgate trend.
trend-title = Reports over time
trend-count = { $count ->
    [one] 1 report
   *[other] { $count } reports
  }
trend-contract = Contract { $name }
trend-last = The last one: { $words }
trend-passed-over = Passed over
trend-broke = What broke when
trend-nothing-broke = Nothing was broken in any of them.
trend-turn-broke = { $id } broke at { $when } (#{ $number } { $path })
trend-turn-kept = { $id } is kept again since { $when } (#{ $number } { $path })
trend-broken-from-the-first = { $id } is broken from the first report on, { $when } (#{ $number } { $path })
trend-matrix = Requirements by report
trend-signs = ✓ kept, ✗ broken, ! warned, k known, ? undecided, · not applicable; framed where it changed
trend-reports = Reports
trend-reports-caption = Each report, the earliest first
trend-report = report
trend-when = began (UTC)
trend-broken = broken requirements
trend-took = took
trend-rate = answers a second
trend-latency = latency
trend-p50 = median
trend-p99 = 99 in 100
trend-of-run = (run)
trend-of-load = (load)
trend-kept = Requirements that were never broken: { $count }

# Output of the target beside a finding.
cause-exception = { $sentence }; the target then writes { $exception }
output-shared = other deliveries were under way: some of it may be about them
label-output = output
page-output = what the target wrote meanwhile
