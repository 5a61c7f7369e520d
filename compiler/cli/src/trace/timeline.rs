//! Recordings become one timeline in the trace event format, which Perfetto and Chrome show
//! (<https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU>).

use bfc_report::gantt::Activity;
use bfc_runtime::TraceError;
use bfc_runtime::trace::{Event, Recording, Round, Track, What};
use bfc_schedule::Rank;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::time::Duration;

// Categories of slices.
const STEP: &str = "step";
const TRAINER: &str = "trainer";
const EXCHANGE: &str = "exchange";
const KERNEL: &str = "kernel";
const WAIT: &str = "wait";

/// How a timeline begins.
pub const HEAD: &[u8] = b"{\n  \"displayTimeUnit\": \"ns\"";

/// A timeline, and what is known of it.
pub struct Timeline {
    /// The document.
    pub document: Document,
    /// The ranks that have left recordings.
    pub ranks: usize,
    /// The number of ranks.
    pub size: u32,
    /// Events that are there.
    pub events: usize,
    /// Older events, which were written over.
    pub lost: u64,
    /// Messages of which both ends are there.
    pub messages: usize,
    /// By how much two clocks may differ from each other.
    pub uncertainty: Duration,
    /// The most by which a message arrives before it was sent, beyond that.
    pub backwards: Duration,
}

/// A document of the trace event format.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    display_time_unit: &'static str,
    pub(super) trace_events: Vec<Entry>,
}

/// An event of that format.
#[derive(Serialize)]
pub struct Entry {
    name: String,
    #[serde(rename = "cat")]
    category: &'static str,
    #[serde(rename = "ph")]
    phase: &'static str,
    /// Microseconds.
    #[serde(rename = "ts")]
    time: f64,
    #[serde(rename = "dur", skip_serializing_if = "Option::is_none")]
    duration: Option<f64>,
    /// The rank plus 1: viewers take process 0 and thread 0 for an idle machine.
    #[serde(rename = "pid")]
    process: u64,
    /// A number that no other track of any rank has.
    #[serde(rename = "tid")]
    thread: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<usize>,
    /// An arrow ends at the slice around it.
    #[serde(rename = "bp", skip_serializing_if = "Option::is_none")]
    binding: Option<&'static str>,
    /// An instant is of its track.
    #[serde(rename = "s", skip_serializing_if = "Option::is_none")]
    scope: Option<&'static str>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    args: Map<String, Value>,
}

/// A message: from, to, exchange, round.
type Message = (Rank, Rank, u64, u32);

/// A moment of a track.
#[derive(Clone, Copy)]
struct Moment {
    /// Nanoseconds since the beginning of the timeline.
    time: i64,
    rank: Rank,
    track: Track,
    uncertainty: Duration,
}

impl Timeline {
    /// Of recordings whose clocks have been compared.
    ///
    /// # Errors
    /// [`TraceError::Uncalibrated`].
    pub fn new(recordings: &[Recording]) -> Result<Self, TraceError> {
        let clocks = recordings.iter().map(Recording::calibrated).collect::<Result<Vec<_>, _>>()?;
        let clocked = || recordings.iter().zip(&clocks);
        let on_one_clock = |event: &Event, offset: i64| event.time.as_nanos() as i64 + offset;
        let first = clocked().flat_map(|(recording, clock)| {
            recording.tracks.iter().flatten().map(move |event| on_one_clock(event, clock.offset))
        });
        let start = first.min().unwrap_or(0);
        let mut trace_events = vec![];
        let (mut sent, mut received) = (BTreeMap::new(), BTreeMap::new());
        for (recording, clock) in clocked() {
            trace_events.extend(names(recording.rank));
            for track in &recording.tracks {
                let moment = |event: &Event| Moment {
                    time: on_one_clock(event, clock.offset) - start,
                    rank: recording.rank,
                    track: event.track,
                    uncertainty: clock.uncertainty,
                };
                let mut slices = Slices::default();
                for event in track {
                    slices.add(event, moment(event));
                    match ends(recording.rank, event) {
                        Some(End::Sent(message)) => drop(sent.insert(message, moment(event))),
                        Some(End::Received(message)) => drop(received.insert(message, moment(event))),
                        None => {}
                    }
                }
                trace_events.extend(slices.into_entries());
            }
        }
        let arrows: Vec<(&Message, Moment, Moment)> =
            received.iter().filter_map(|(message, to)| Some((message, *sent.get(message)?, *to))).collect();
        let backwards = arrows.iter().map(|(_, from, to)| {
            let early = Duration::from_nanos(u64::try_from(from.time - to.time).unwrap_or(0));
            early.saturating_sub(from.uncertainty + to.uncertainty)
        });
        let backwards = backwards.max().unwrap_or_default();
        let messages = arrows.len();
        trace_events.extend(arrows.into_iter().enumerate().flat_map(|(id, arrow)| self::arrow(id, arrow)));
        let mut uncertainties: Vec<Duration> = clocks.iter().map(|clock| clock.uncertainty).collect();
        uncertainties.sort_unstable();
        Ok(Self {
            document: Document { display_time_unit: "ns", trace_events },
            ranks: recordings.len(),
            size: recordings.first().map_or(0, |recording| recording.size),
            events: recordings.iter().flat_map(|recording| &recording.tracks).map(Vec::len).sum(),
            lost: recordings.iter().flat_map(|recording| recording.lost).sum(),
            messages,
            uncertainty: uncertainties.iter().rev().take(2).sum(),
            backwards,
        })
    }
}

fn microseconds(nanoseconds: i64) -> f64 {
    nanoseconds as f64 / 1e3
}

impl Entry {
    fn new(name: impl Into<String>, category: &'static str, phase: &'static str, at: Moment) -> Self {
        Self {
            name: name.into(),
            category,
            phase,
            time: microseconds(at.time),
            duration: None,
            process: u64::from(at.rank.0) + 1,
            thread: 2 * u64::from(at.rank.0) + 1 + at.track as u64,
            id: None,
            binding: None,
            scope: None,
            args: Map::new(),
        }
    }

    /// The rank that it is of.
    pub(super) fn rank(&self) -> u64 {
        self.process - 1
    }

    /// Whether it is of the thread that exchanges beside the program.
    pub(super) fn is_beside(&self) -> bool {
        self.thread == 2 * self.rank() + 1 + Track::Worker as u64
    }

    /// Whether it is a whole step.
    pub(super) fn is_step(&self) -> bool {
        self.category == STEP && self.is_whole()
    }

    /// Whether it is the beginning of an arrow.
    pub(super) fn is_sent(&self) -> bool {
        self.phase == "s"
    }

    /// The step that it belongs to.
    pub(super) fn step(&self) -> Option<u64> {
        self.args.get("step").and_then(Value::as_u64)
    }

    /// When it begins, in seconds.
    pub(super) fn start(&self) -> f64 {
        self.time / 1e6
    }

    /// When it ends, in seconds.
    pub(super) fn end(&self) -> f64 {
        (self.time + self.duration.unwrap_or_default()) / 1e6
    }

    /// What is done, where it lasts and is part of a step.
    pub(super) fn activity(&self) -> Option<Activity> {
        let activity = match self.category {
            TRAINER => Activity::Trainer,
            EXCHANGE => Activity::Exchange,
            KERNEL => Activity::Sum,
            WAIT => Activity::Wait,
            _ => return None,
        };
        self.is_whole().then_some(activity)
    }

    fn is_whole(&self) -> bool {
        self.phase == "X" && !self.args.contains_key("unfinished")
    }

    fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.args.insert(key.into(), value.into());
        self
    }
}

/// What a rank and its tracks are called.
fn names(rank: Rank) -> [Entry; 4] {
    let entry = |what: &str, track| {
        let at = Moment { time: 0, rank, track, uncertainty: Duration::ZERO };
        Entry::new(what, "__metadata", "M", at)
    };
    [
        entry("process_name", Track::Caller).with("name", format!("rank {rank}")),
        entry("process_sort_index", Track::Caller).with("sort_index", rank.0),
        entry("thread_name", Track::Caller).with("name", "program"),
        entry("thread_name", Track::Worker).with("name", "exchanges beside it"),
    ]
}

enum End {
    Sent(Message),
    Received(Message),
}

/// Which end of a message an event is.
fn ends(rank: Rank, event: &Event) -> Option<End> {
    let Round { exchange, round, .. } = event.round?;
    match event.what {
        // Where two ranks do not average in place after all, a round follows that begins anew.
        What::Began { to: Some(to), .. } | What::Offered(to) => Some(End::Sent((rank, to, exchange, round))),
        What::Received { from, .. } | What::Paired { with: from, .. } => {
            Some(End::Received((from, rank, exchange, round)))
        }
        _ => None,
    }
}

fn arrow(id: usize, (message, from, to): (&Message, Moment, Moment)) -> [Entry; 2] {
    let (_, _, exchange, round) = message;
    let end = |phase, at| {
        let entry = Entry::new("message", "message", phase, at);
        Entry { id: Some(id), ..entry }.with("exchange", *exchange).with("round", *round)
    };
    [end("s", from), Entry { binding: Some("e"), ..end("f", to) }]
}

/// What lasts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Span {
    Step,
    Question,
    Exchange,
    Wait,
    Sum,
    Sending,
    Worker,
}

/// What has begun, and when.
struct Slice {
    span: Span,
    start: i64,
    entry: Entry,
}

/// The slices of a track, which lie in each other.
#[derive(Default)]
struct Slices {
    open: Vec<Slice>,
    closed: Vec<Entry>,
    last: i64,
}

impl Slices {
    fn add(&mut self, event: &Event, at: Moment) {
        self.last = at.time;
        let step = |entry: Entry| match event.step {
            Some(step) => entry.with("step", step),
            None => entry,
        };
        let entry = |name: String, category| step(Entry::new(name, category, "X", at));
        let instant =
            |name: String, category| step(Entry { scope: Some("t"), ..Entry::new(name, category, "i", at) });
        match event.what {
            What::StepBegan => {
                let name = event.step.map_or("step".into(), |step| format!("step {step}"));
                self.open(Span::Step, entry(name, STEP));
            }
            What::StepEnded => self.close(Span::Step, None),
            What::Asked(asked) => self.open(Span::Question, entry(format!("trainer: {asked}"), TRAINER)),
            What::Answered => self.close(Span::Question, None),
            What::ExchangeBegan => self.open(Span::Exchange, exchange(entry, event.round)),
            What::ExchangeEnded => self.close(Span::Exchange, None),
            What::Offered(peer) | What::Waiting(peer) => {
                self.open(Span::Wait, entry(format!("wait for rank {peer}"), WAIT));
            }
            What::Began { to, bytes, .. } => {
                // An offer to average in place that came to nothing.
                self.open.retain(|slice| slice.span != Span::Wait);
                let name = to.map_or("round".into(), |to| format!("send to rank {to}"));
                self.closed.push(instant(name, "message").with("bytes", bytes));
            }
            What::Arrived(peer) => {
                self.close(Span::Wait, None);
                self.open(Span::Sum, entry(format!("add up rank {peer}"), KERNEL));
            }
            What::Received { bytes, .. } | What::Paired { bytes, .. } => {
                self.close(Span::Wait, None);
                self.close(Span::Sum, Some(bytes));
            }
            What::WaitingSent => self.open(Span::Sending, entry("wait until sent".into(), WAIT)),
            What::Sent => self.close(Span::Sending, None),
            What::WaitingWorker => self.open(Span::Worker, entry("wait for exchanges".into(), WAIT)),
            What::WorkerDone => self.close(Span::Worker, None),
            What::Ready(bucket) => self.closed.push(instant(format!("bucket {bucket} is ready"), "trainer")),
            What::Mark(label) => self.closed.push(instant(label.to_string(), "mark")),
            What::Failed(cause) => self.closed.push(instant(format!("failed: {cause}"), "failure")),
            What::Ended => self.closed.push(instant("ended".into(), "end")),
        }
    }

    fn open(&mut self, span: Span, entry: Entry) {
        self.open.push(Slice { span, start: self.last, entry });
    }

    /// Closes the newest slice of its kind, and what has not been closed within; none where its beginning was written over.
    fn close(&mut self, span: Span, bytes: Option<u64>) {
        let Some(index) = self.open.iter().rposition(|slice| slice.span == span) else { return };
        for slice in self.open.drain(index..).rev() {
            let is_it = slice.span == span;
            let entry = slice.until(self.last);
            self.closed.push(match bytes {
                Some(bytes) if is_it => entry.with("bytes", bytes),
                _ => entry,
            });
        }
    }

    /// What is still open lasts until the end of its track.
    fn into_entries(self) -> impl Iterator<Item = Entry> {
        let unfinished =
            self.open.into_iter().map(move |slice| slice.until(self.last).with("unfinished", true));
        self.closed.into_iter().chain(unfinished)
    }
}

impl Slice {
    fn until(self, end: i64) -> Entry {
        Entry { duration: Some(microseconds(end - self.start)), ..self.entry }
    }
}

fn exchange(entry: impl Fn(String, &'static str) -> Entry, round: Option<Round>) -> Entry {
    let Some(Round { exchange, kind, bucket, .. }) = round else {
        return entry("exchange".into(), EXCHANGE);
    };
    let bucket_name = bucket.map_or(String::new(), |bucket| format!(", bucket {bucket}"));
    entry(format!("{kind}{bucket_name}"), EXCHANGE).with("exchange", exchange)
}
