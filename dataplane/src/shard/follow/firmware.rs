//! The course of a firmware update: which status may come after which, and the boot that ends it.
//!
//! The newest course of a station that has heard of its station is found by the station alone, so that a status of
//! another `requestId`, and the next boot, are shown where an operator looks. What came out of order or under another
//! `requestId` is kept, flagged, and changes no state.

use fleet::record::{Booted, CommandFollowed, CourseState, FollowUp, is_failure};
use serde_json::{Value, json};

use super::{Now, Shard, StoreUnreadable, ends, is_final, push, summary};

/// What stands for an action in the key of a station's newest course.
pub(in crate::shard) const NEWEST: &str = "Firmware";

/// True for a status of an update.
pub(in crate::shard) fn is_firmware(action: &str) -> bool {
    matches!(
        action,
        "FirmwareStatusNotification" | "SignedFirmwareStatusNotification"
    )
}

/// Whether a status may come after another (2.0.1 Part 2, L01 and L02; 1.6 §4.5 and its whitepaper, §3.1). One that comes
/// again is no step, and `Idle` none of an update. Those between the two may have been lost on their way.
fn may_follow(last: Option<&str>, status: &str) -> bool {
    let Some(last) = last.filter(|last| *last != status && status != "Idle") else {
        return true;
    };
    match last {
        // Stations try again by themselves.
        "DownloadFailed" => true,
        "InstallVerificationFailed" | "InstallationFailed" | "Installed" | "InvalidSignature" => {
            false
        }
        _ => stage(last) <= stage(status),
    }
}

/// How far an update is that has this status.
fn stage(status: &str) -> u8 {
    match status {
        "Downloading" | "DownloadPaused" | "DownloadFailed" => 1,
        "Downloaded" => 2,
        "SignatureVerified" | "InvalidSignature" => 3,
        "InstallScheduled" => 4,
        "Installing" | "InstallRebooting" => 5,
        "InstallVerificationFailed" | "InstallationFailed" | "Installed" => 6,
        // `DownloadScheduled`, and what no version has.
        _ => 0,
    }
}

/// The status in the summary of a message that changed the course's state.
pub(super) fn status_that_counts(summary: &str) -> Option<String> {
    let told: Value = serde_json::from_str(summary).ok()?;
    let counts = told.get("flag").is_none();
    let status = told.get("status").filter(|_| counts)?;
    Some(status.as_str()?.to_owned())
}

/// The newest status that changed the course's state.
pub(super) fn last_status(course: &CommandFollowed) -> Option<String> {
    let told = course.follow_ups.iter().rev();
    told.filter_map(|told| status_that_counts(&told.summary))
        .find(|status| status != "Idle")
}

/// What a message says, with the reason why it changes no state, if there is one.
pub(super) fn step(course: &CommandFollowed, message: &Value) -> (String, bool) {
    let status = message.get("status").and_then(Value::as_str);
    let status = status.unwrap_or_default();
    let last = last_status(course);
    match may_follow(last.as_deref(), status) {
        true => (summary(message), true),
        false => (flagged(message, "out_of_order"), false),
    }
}

/// The same with what is odd about it.
fn flagged(message: &Value, flag: &str) -> String {
    let mut shown: Value = serde_json::from_str(&summary(message)).unwrap_or_default();
    if let Some(members) = shown.as_object_mut() {
        members.insert("flag".to_owned(), flag.into());
    }
    shown.to_string()
}

impl Shard {
    /// A status under a `requestId` that no command of ours has: shown with the newest update, if there is one.
    pub(super) fn note_unasked_firmware(
        &mut self,
        now: Now,
        station: u32,
        message: &Value,
    ) -> Result<(), StoreUnreadable> {
        // `Idle` belongs to no update, and says so by having no `requestId`.
        if message.get("status").and_then(Value::as_str) == Some("Idle") {
            return Ok(());
        }
        if let Some(mut course) = self.kept_course(station, NEWEST, None)? {
            push(&mut course, now, flagged(message, "unknown_request"));
            self.record(now, station, &course);
        }
        Ok(())
    }

    /// A station boots with another firmware than it had: that ends the update which was being installed. Nothing is
    /// looked up for a boot that changes nothing, and none is refused for a store that cannot be read.
    pub(in crate::shard) fn note_firmware_boot(&mut self, now: Now, station: u32, boot: &Booted) {
        let details = self.stations[station].state.details();
        let known = details.boot.as_ref().map(|known| known.texts()[3]);
        if known.is_none_or(|known| known == boot.firmware_version) {
            return;
        }
        let Ok(Some(mut course)) = self.kept_course(station, NEWEST, None) else {
            return;
        };
        let last = last_status(&course);
        // What it said of the installation may be lost.
        let is_installing = last.is_some_and(|last| {
            stage("Downloaded") <= stage(&last) && (last == "Installed" || !is_failure(&last))
        });
        let is_ended = |told: &FollowUp| told.summary.starts_with(BOOT_SUMMARY);
        if is_installing && !course.follow_ups.iter().any(is_ended) {
            let told = json!({ "firmwareVersion": boot.firmware_version });
            push(&mut course, now, told.to_string());
            if !course.complete {
                ends::end(&mut course, now, CourseState::Done);
            }
            self.record(now, station, &course);
            self.hand_on(now, station, &course);
        }
    }
}

/// How the summary of a boot begins.
const BOOT_SUMMARY: &str = "{\"firmwareVersion\"";

/// The action that a summary tells of.
pub(super) fn action_of<'a>(action: &'a str, summary: &str) -> &'a str {
    match summary.starts_with(BOOT_SUMMARY) {
        true => "BootNotification",
        false => action,
    }
}

/// Whether a step ends the course.
pub(super) fn ends(action: &str, message: &Value) -> bool {
    let status = message.get("status").and_then(Value::as_str);
    status.is_some_and(|status| is_final(action, status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_courses_of_the_specification_are_in_order() {
        for course in [
            "Downloading Downloaded SignatureVerified Installing InstallRebooting Installed",
            "DownloadScheduled Downloading DownloadPaused Downloading Downloaded InvalidSignature",
            "Downloading Downloaded Installing Installed",
            "Downloading Downloaded SignatureVerified InstallScheduled Installing InstallationFailed",
            "Downloading DownloadFailed Downloading Downloading Downloaded InstallRebooting Idle Installed",
            "Downloading Downloaded SignatureVerified InstallVerificationFailed",
            // Those between were lost on their way.
            "Downloading Installing Installed",
            "Installed",
            "DownloadScheduled Installed",
            "DownloadFailed Downloaded InstallationFailed",
        ] {
            let mut last = None;
            for status in course.split(' ') {
                assert!(
                    may_follow(last, status),
                    "{course}: {status} after {last:?}"
                );
                last = Some(status).filter(|status| *status != "Idle").or(last);
            }
        }
        for (last, status) in [
            ("Installed", "Downloading"),
            ("Installed", "InstallationFailed"),
            ("InvalidSignature", "Installing"),
            ("SignatureVerified", "Downloaded"),
            ("Installing", "Downloading"),
            ("Downloaded", "DownloadFailed"),
            ("Downloading", "DownloadScheduled"),
        ] {
            assert!(!may_follow(Some(last), status), "{status} after {last:?}");
        }
    }
}
