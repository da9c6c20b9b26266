//! Commands to stations, and what came after them.

use rkyv::{Archive, Deserialize, Serialize};

closed_set! {
    /// Where a command stands (design, section 5).
    CommandState {
        /// Durable, not yet on the socket.
        Queued = 1 "queued",
        /// On the socket, unanswered.
        Sent = 2 "sent",
        /// The station answered: result or error.
        Answered = 3 "answered",
        /// No answer within its deadline.
        Timeout = 4 "timeout",
        /// The station was not connected.
        Offline = 5 "offline",
        /// The station's queue of commands was full.
        QueueFull = 6 "queue_full",
        /// A crash or a disconnect caught it without an answer; never resent.
        Unknown = 7 "unknown",
    }
}

closed_set! {
    /// Where the course of a command stands: what comes after it, or how that ended.
    #[derive(Default)]
    CourseState {
        /// More may come.
        #[default]
        Running = 1 "running",
        /// Every part came, or the status of a good end.
        Done = 2 "done",
        /// The station said that it failed.
        Failed = 3 "failed",
        /// The station refused the command.
        Refused = 4 "refused",
        /// The station has nothing to send.
        Empty = 5 "empty",
        /// A newer command has what the station says from then on.
        Replaced = 6 "replaced",
        /// The station gave it up for a newer command.
        Canceled = 7 "canceled",
    }
}

impl CourseState {
    /// What stands among the messages of a course that did not end with its last message. No summary of a message is like it.
    pub fn mark(self) -> String {
        format!("{MARK}{self}\"}}")
    }

    /// The end that such a mark names; `None` for the summary of a message.
    pub fn of_mark(summary: &str) -> Option<Self> {
        Self::from_name(summary.strip_prefix(MARK)?.strip_suffix("\"}")?)
    }

    /// Where a course stands: `told` are the summaries in it, the newest first, and `status_of` reads the status in one that
    /// counts.
    pub fn of<'a>(
        is_complete: bool,
        told: impl Iterator<Item = &'a str> + Clone,
        status_of: impl Fn(&str) -> Option<String>,
    ) -> Self {
        if !is_complete {
            return Self::Running;
        }
        if let Some(ended) = told.clone().find_map(Self::of_mark) {
            return ended;
        }
        // Courses of older versions have no marks.
        if told.clone().next().is_none() {
            return Self::Refused;
        }
        let newest = told.filter_map(status_of).find(|status| status != "Idle");
        match newest.as_deref() {
            // Reports have none.
            None | Some("Installed" | "Published" | "Uploaded") => Self::Done,
            Some("AcceptedCanceled") => Self::Canceled,
            Some(status) if is_failure(status) => Self::Failed,
            Some(_) => Self::Replaced,
        }
    }
}

/// How a mark begins.
const MARK: &str = "{\"ended\":\"";

/// A status by which a station says that what it was told to do failed.
pub fn is_failure(status: &str) -> bool {
    matches!(
        status,
        "BadMessage"
            | "DownloadFailed"
            | "InstallVerificationFailed"
            | "InstallationFailed"
            | "InvalidChecksum"
            | "InvalidSignature"
            | "NotSupportedOperation"
            | "PermissionDenied"
            | "PublishFailed"
            | "UploadFailed"
            | "UploadFailure"
    )
}

/// A command to a station changed state; the whole resource each time, so that the newest record is enough.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[rkyv(derive(Debug))]
pub struct CommandChanged {
    /// UUIDv7.
    pub command_id: [u8; 16],
    /// OCPP action, in the words of the station's version.
    pub action: String,
    /// JSON object, secrets masked.
    pub payload: String,
    /// [`CommandState`].
    pub state: u8,
    /// The station's answer as JSON, secrets masked; empty until there is one.
    pub result: String,
    /// CALLERROR code, or empty.
    pub error_code: String,
    /// CALLERROR description.
    pub error_description: String,
    /// Name of the principal who asked.
    pub principal: String,
    /// When it was asked for.
    pub created_at: i64,
}

/// A notification that changes no state of ours: firmware, diagnostics or log status, NotifyEvent, NotifyReport, DataTransfer.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[rkyv(derive(Debug))]
pub struct Notified {
    /// OCPP action.
    pub action: String,
    /// Its payload as JSON.
    pub payload: String,
}

/// A [`Notified`] whose station is known to have a clock that is wrong, with what its dates are worth.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[rkyv(derive(Debug))]
pub struct NotifiedDated {
    /// As it came.
    pub notified: Notified,
    /// Those of its dates that do not say what they seem to.
    pub dates: Vec<DateRead>,
}

/// A date of a payload, by the clock of its station.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct DateRead {
    /// JSON pointer into the payload.
    pub pointer: String,
    /// UTC microseconds; `None` for one that tells nothing.
    pub at: Option<i64>,
}

/// What a station sent after a command, or of its own accord in parts: the whole course each time, so that the newest
/// record is enough.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[rkyv(derive(Debug))]
pub struct CommandFollowed {
    /// The command; absent for a report that none of ours asked for.
    pub command_id: Option<[u8; 16]>,
    /// Action of the messages: `NotifyReport`, `LogStatusNotification`, …
    pub action: String,
    /// Their `requestId`; absent where the action of this version has none.
    pub request_id: Option<i64>,
    /// When the command went out, or the first message came.
    pub began_at: i64,
    /// Log of the first record that belongs to it.
    pub began_log_id: i64,
    /// That record.
    pub began_seq: u64,
    /// True for a report that, once complete, names every variable of the station.
    pub is_inventory: bool,
    /// Messages so far, without those that came again.
    pub messages: u32,
    /// Parts that came again.
    pub duplicates: u32,
    /// Parts that came, by `seqNo`: ascending, neither touching nor overlapping.
    pub parts: Vec<PartRange>,
    /// `seqNo` of the part that said to be the last.
    pub last_part: Option<u32>,
    /// True when every part is there, or the final status, or nothing is to come.
    pub complete: bool,
    /// The newest messages, oldest first.
    pub follow_ups: Vec<FollowUp>,
}

/// Parts without a gap.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct PartRange {
    /// First `seqNo`.
    pub first: u32,
    /// Last `seqNo`; `first <= last`.
    pub last: u32,
}

/// One message of a [`CommandFollowed`].
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[rkyv(derive(Debug))]
pub struct FollowUp {
    /// When it came.
    pub received_at: i64,
    /// What of it is no list, as a JSON object, and how long its list is; or the mark of an end ([`CourseState::mark`]).
    pub summary: String,
}
