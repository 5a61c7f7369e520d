//! What ranks did during some steps of a run, as their traces say.

use serde::Serialize;

/// Some steps of a run on one clock.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Gantt {
    /// The number of ranks of the run.
    pub size: u32,
    /// The first and the last step that are shown, from 0.
    pub steps: [u64; 2],
    /// How long they took together, in seconds.
    pub seconds: f64,
    /// The ranks that are shown.
    pub ranks: Vec<Row>,
    /// The messages between them.
    pub messages: Vec<Message>,
}

/// One rank.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The rank.
    pub rank: u32,
    /// The part of its time that it waited for others, from 0 to 1, over all steps of its trace.
    pub waiting: f64,
    /// When its steps began, in seconds since the beginning of the chart.
    pub begins: Vec<f64>,
    /// What it did; a later bar lies within an earlier one, or beside it.
    pub bars: Vec<Bar>,
}

/// Something that took a while.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bar {
    /// What.
    pub activity: Activity,
    /// Whether it was done by the thread that exchanges beside the program.
    pub beside: bool,
    /// Seconds from the beginning of the chart.
    pub start: f64,
    /// As above.
    pub end: f64,
}

/// What a rank does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Activity {
    /// Its trainer computes.
    Trainer,
    /// It sends and receives.
    Exchange,
    /// It adds up what it received.
    Sum,
    /// It waits for another rank.
    Wait,
}

/// From where the sender begins its round to where the receiver has added it up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Message {
    /// The sender.
    pub from: u32,
    /// The receiver.
    pub to: u32,
    /// Seconds from the beginning of the chart.
    pub sent: f64,
    /// As above.
    pub received: f64,
}

impl Activity {
    /// All, with their names.
    pub const ALL: [(&'static str, Self); 4] = [
        ("trainer", Self::Trainer),
        ("exchange", Self::Exchange),
        ("adding up", Self::Sum),
        ("waiting", Self::Wait),
    ];
}
