//! Commands with a list that is longer than the station takes in one message: one command, and several calls.
//!
//! A station says how many items of a list it takes (`ItemsPerMessage` of 2.x, `GetConfigurationMaxKeys` of 1.6) and how
//! many bytes (`BytesPerMessage`), and must not be sent more (OCPP 2.0.1 Part 2, B05.FR.11, B06.FR.05, B08.FR.06, N02.FR.07,
//! N04.FR.09, N06.FR.04). Where it has said so, the list is cut between items, and all around it stays as the operator wrote
//! it. The calls go out one after the other; others of the station's may come between them. The command ends with the lists
//! of all answers, or with the first call that brings none, and what is left then is not sent.
//!
//! What a report is asked for in parts is reported in as many reports, each numbered from 0: every part but the first has a
//! `requestId` of its own ([`part_request_id`]), or nobody could tell them apart, and the command's course is those of all.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Range;

use fleet::record::CommandState;
use net::driver::ConnId;
use ocpp::Call;
use serde_json::value::RawValue;

use crate::CommandId;
use crate::id::uuid_v7;
use crate::shard::{Now, Shard, StoreUnreadable};
use crate::variables::row::Name;
use crate::variables::{COMPONENT_16, Named};

/// A list, and the variables that limit it.
struct Limited {
    action: &'static str,
    list: &'static str,
    answered: Answered,
    component: &'static str,
    /// Instance of the variables; empty for none.
    instance: &'static str,
    items: &'static str,
    bytes: &'static str,
}

/// What the parts of a command are answered.
#[derive(Clone, Copy)]
enum Answered {
    /// These lists.
    Lists(&'static [&'static str]),
    /// Whether a report follows.
    Report,
}

const LIMITED: [Limited; 7] = [
    Limited {
        action: "GetVariables",
        list: "getVariableData",
        answered: Answered::Lists(&["getVariableResult"]),
        component: "DeviceDataCtrlr",
        instance: "GetVariables",
        items: "ItemsPerMessage",
        bytes: "BytesPerMessage",
    },
    Limited {
        action: "SetVariables",
        list: "setVariableData",
        answered: Answered::Lists(&["setVariableResult"]),
        component: "DeviceDataCtrlr",
        instance: "SetVariables",
        items: "ItemsPerMessage",
        bytes: "BytesPerMessage",
    },
    Limited {
        action: "SetVariableMonitoring",
        list: "setMonitoringData",
        answered: Answered::Lists(&["setMonitoringResult"]),
        component: "MonitoringCtrlr",
        instance: "SetVariableMonitoring",
        items: "ItemsPerMessage",
        bytes: "BytesPerMessage",
    },
    Limited {
        action: "ClearVariableMonitoring",
        list: "id",
        answered: Answered::Lists(&["clearMonitoringResult"]),
        component: "MonitoringCtrlr",
        instance: "ClearVariableMonitoring",
        items: "ItemsPerMessage",
        bytes: "BytesPerMessage",
    },
    Limited {
        action: "GetReport",
        list: "componentVariable",
        answered: Answered::Report,
        component: "DeviceDataCtrlr",
        instance: "GetReport",
        items: "ItemsPerMessage",
        bytes: "BytesPerMessage",
    },
    // It has no variables of its own.
    Limited {
        action: "GetMonitoringReport",
        list: "componentVariable",
        answered: Answered::Report,
        component: "DeviceDataCtrlr",
        instance: "GetReport",
        items: "ItemsPerMessage",
        bytes: "BytesPerMessage",
    },
    Limited {
        action: "GetConfiguration",
        list: "key",
        answered: Answered::Lists(&["configurationKey", "unknownKey"]),
        component: COMPONENT_16,
        instance: "",
        items: "GetConfigurationMaxKeys",
        bytes: "",
    },
];

/// Most parts of a report whose courses are looked for.
pub(in crate::shard) const CALLS_MAX: u32 = 1_024;

/// Commands that go out in several calls.
#[derive(Default)]
pub(in crate::shard) struct Split {
    open: HashMap<CommandId, Parts>,
    /// Ids of the calls that are out and do not bear their command's.
    calls: HashMap<CommandId, CommandId>,
}

/// What a station takes of a list in one message.
pub(in crate::shard) struct Limits {
    limited: &'static Limited,
    items_max: usize,
    /// Of the whole message.
    bytes_max: usize,
}

struct Parts {
    answered: Answered,
    /// Payloads of the calls to come.
    to_send: VecDeque<String>,
    /// Answers so far, without secrets.
    answers: Vec<String>,
    /// The call that is out, if it does not bear the command's id.
    call: Option<CommandId>,
}

impl Shard {
    /// What the station has said it takes of such a command; `None` where it has said nothing.
    pub(in crate::shard) fn limits_of(
        &mut self,
        station: u32,
        action: &str,
    ) -> Result<Option<Limits>, StoreUnreadable> {
        let Some(limited) = LIMITED.iter().find(|limited| limited.action == action) else {
            return Ok(None);
        };
        let items_max = self.limit(station, limited, limited.items)?;
        let bytes_max = match limited.bytes {
            "" => None,
            variable => self.limit(station, limited, variable)?,
        };
        Ok(
            (items_max.is_some() || bytes_max.is_some()).then(|| Limits {
                limited,
                items_max: items_max.unwrap_or(usize::MAX),
                bytes_max: bytes_max.unwrap_or(usize::MAX),
            }),
        )
    }

    /// A limit as the station reported it; one that is no number above zero is none.
    fn limit(
        &mut self,
        station: u32,
        limited: &Limited,
        variable: &str,
    ) -> Result<Option<usize>, StoreUnreadable> {
        let named = |name: &str, instance: &str| Named {
            name: name.to_owned(),
            instance: instance.to_owned(),
        };
        let name = Name {
            component: named(limited.component, ""),
            variable: named(variable, limited.instance),
            ..Name::default()
        };
        let value = self.variable(station, &name)?;
        let limit = value.and_then(|value| value.parse().ok());
        Ok(limit.filter(|limit| 0 < *limit))
    }

    /// A command that waits to be sent is sent in as many parts as the limits make of it.
    pub(in crate::shard) fn cut_to(&mut self, id: CommandId, limits: &Limits) {
        let Some((action, payload)) = self.outgoing.get_mut(&id) else {
            return;
        };
        let limited = limits.limited;
        // Message ids of parts are as long as the command's.
        let mut frame = Vec::new();
        ocpp::write_call(&mut frame, &id.to_string(), action, "");
        let limits = Limits {
            bytes_max: limits.bytes_max.saturating_sub(frame.len()),
            ..*limits
        };
        let parts = cut(payload, &limits, |part| match limited.answered {
            Answered::Lists(_) => None,
            Answered::Report => part_request_id(id, part),
        });
        let mut to_send = VecDeque::from(parts);
        let Some(first) = to_send.pop_front() else {
            return;
        };
        *payload = first;
        if to_send.is_empty() {
            return;
        }
        let parts = Parts {
            answered: limited.answered,
            to_send,
            answers: Vec::new(),
            call: None,
        };
        self.split.open.insert(id, parts);
    }

    /// The command that a message id stands for; `None` for an id that is none of ours.
    pub(super) fn command_of(&self, message_id: &str) -> Option<CommandId> {
        let id = message_id.parse().ok()?;
        Some(self.split.calls.get(&id).copied().unwrap_or(id))
    }

    /// A part of a command was answered: the next one goes out. `false` where that was the last.
    pub(super) fn send_next_part(
        &mut self,
        now: Now,
        conn: ConnId,
        id: CommandId,
        action: &str,
        answer: &str,
    ) -> bool {
        let Some(command) = self.commands.get(&id) else {
            return false;
        };
        let answer_timeout = command.answer_timeout;
        let partition = self.stations[command.station].state.key.partition();
        let Some(parts) = self.split.open.get_mut(&id) else {
            return false;
        };
        // What would not fit into the record of the command's end is not asked for either.
        let len: usize = parts.answers.iter().map(String::len).sum();
        if self.config.message_len_max < len + answer.len() {
            return false;
        }
        let (answered, report) = (parts.answered, status_of(answer));
        if let Answered::Report = answered
            && !matches!(report.as_deref(), Some("Accepted" | EMPTY))
        {
            return false;
        }
        let Some(payload) = parts.to_send.pop_front() else {
            return false;
        };
        parts.answers.push(answer.to_owned());
        let call_id = CommandId(uuid_v7(now.utc, partition, self.random.bytes()));
        let before = parts.call.replace(call_id);
        if let Some(before) = before {
            self.split.calls.remove(&before);
        }
        self.split.calls.insert(call_id, id);
        let call = Call {
            id: call_id.to_string(),
            action: Cow::Owned(action.to_owned()),
            payload,
            answer_timeout,
        };
        let payload = call.payload.clone();
        let live = self.conns.live_mut(conn);
        let sent = live.is_some_and(|live| live.rpc.call(now.mono, call).is_ok());
        if sent && let Answered::Report = answered {
            self.begin_part(now, id, &payload);
        } else if !sent {
            self.end_command(now, id, CommandState::QueueFull, String::new(), None);
        }
        true
    }

    /// A command is over: its result with those of the parts before.
    pub(super) fn whole_result(&mut self, id: CommandId, last: String) -> String {
        let Some(parts) = self.split.open.remove(&id) else {
            return last;
        };
        if let Some(call) = parts.call {
            self.split.calls.remove(&call);
        }
        let mut answers = parts.answers;
        let len: usize = answers.iter().map(String::len).sum();
        // One that is too much stands among the station's messages.
        if len + last.len() <= self.config.message_len_max {
            answers.push(last);
        }
        match parts.answered {
            Answered::Lists(lists) => joined(lists, &answers),
            // A part of which there is nothing to report says nothing of the others.
            Answered::Report => {
                let says = |answer: &&String| status_of(answer).is_some_and(|s| s != EMPTY);
                let said = answers.iter().rev().find(says).or(answers.last());
                said.cloned().unwrap_or_default()
            }
        }
    }
}

/// `GenericDeviceModelStatusEnumType` for nothing to report.
pub(in crate::shard) const EMPTY: &str = "EmptyResultSet";

/// `status` of an answer.
pub(in crate::shard) fn status_of(answer: &str) -> Option<String> {
    let answer: serde_json::Value = serde_json::from_str(answer).ok()?;
    Some(answer.get("status")?.as_str()?.to_owned())
}

/// The `requestId` of a part of a command that is sent in several: `None` for the first, which has the operator's.
pub(in crate::shard) fn part_request_id(command: CommandId, part: u32) -> Option<i64> {
    let part = part.checked_sub(1)?;
    let [.., a, b, c, d] = command.0;
    // The end of a command's id is random. A `requestId` is an integer of 32 bits, and none is below 0.
    let id = u32::from_be_bytes([a, b, c, d]).wrapping_add(part);
    Some(i64::from(id & 0x7fff_ffff))
}

/// Where the value of a member stands in an object.
fn member(object: &str, name: &str) -> Option<Range<usize>> {
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(object).ok()?;
    let found = members.get(name)?.get();
    // It is a piece of the object.
    let start = found.as_ptr() as usize - object.as_ptr() as usize;
    Some(start..start + found.len())
}

/// The payload with another `requestId`, all around it as it was.
fn with_request_id(payload: &str, id: Option<i64>) -> String {
    let (Some(found), Some(id)) = (member(payload, "requestId"), id) else {
        return payload.to_owned();
    };
    let (before, after) = (&payload[..found.start], &payload[found.end..]);
    format!("{before}{id}{after}")
}

/// Cuts a list of a payload so that no part has more items or bytes than the limits allow, but for one whose only item has
/// more; a part has the `requestId` that `request_id` gives it by its number, or else the payload's. A payload without
/// that list stays whole.
fn cut(payload: &str, limits: &Limits, request_id: impl Fn(u32) -> Option<i64>) -> Vec<String> {
    let list = limits.limited.list;
    let whole = || vec![payload.to_owned()];
    let Some(found) = member(payload, list) else {
        return whole();
    };
    let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(&payload[found.clone()]) else {
        return whole();
    };
    let around = format!("{}[]{}", &payload[..found.start], &payload[found.end..]);
    // Items, the text up to their end, and what stands behind it.
    let mut parts: Vec<(usize, String, String)> = Vec::new();
    for item in items.iter().map(|item| item.get()) {
        match parts.last_mut() {
            Some((count, text, after))
                if *count < limits.items_max
                    && text.len() + ",".len() + item.len() + after.len() <= limits.bytes_max =>
            {
                *count += 1;
                text.push(',');
                text.push_str(item);
            }
            Some(_) | None => {
                let mut text = with_request_id(&around, request_id(parts.len() as u32));
                let Some(found) = member(&text, list) else {
                    return whole();
                };
                let after = text.split_off(found.start + "[".len());
                text.push_str(item);
                parts.push((1, text, after));
            }
        }
    }
    // White space in the list is the only thing that a single part may lack.
    if parts.len() < 2 && payload.len() <= limits.bytes_max || parts.is_empty() {
        return whole();
    }
    let parts = parts.into_iter();
    parts.map(|(_, text, after)| text + &after).collect()
}

/// The lists of several answers as one answer.
fn joined(lists: &[&str], answers: &[String]) -> String {
    let answers = answers.iter();
    let read = |answer: &'_ String| serde_json::from_str(answer).ok();
    let answers: Vec<BTreeMap<String, Box<RawValue>>> = answers.filter_map(read).collect();
    let mut whole = Vec::new();
    for list in lists {
        let found = answers.iter().filter_map(|answer| answer.get(*list));
        let items: Vec<&str> = found
            .filter_map(|items| items.get().strip_prefix('[')?.strip_suffix(']'))
            .map(str::trim)
            .collect();
        if !items.is_empty() {
            let items: Vec<&str> = items
                .into_iter()
                .filter(|items| !items.is_empty())
                .collect();
            whole.push(format!("\"{list}\":[{}]", items.join(",")));
        }
    }
    if whole.is_empty() {
        return String::new();
    }
    format!("{{{}}}", whole.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parts of a list of numbers, a line each.
    fn check(payload: &str, items_max: Option<usize>, bytes_max: Option<usize>, parts: &[&str]) {
        let limits = Limits {
            limited: LIMITED.iter().find(|limited| limited.list == "id").unwrap(),
            items_max: items_max.unwrap_or(usize::MAX),
            bytes_max: bytes_max.unwrap_or(usize::MAX),
        };
        assert_eq!(cut(payload, &limits, |_| None), parts, "{payload}");
    }

    #[test]
    fn a_list_is_cut_between_items_and_all_else_stays() {
        let payload = r#"{"a":[1,2], "id" : [10, 20,30 ] ,"b":{"id":[7]}}"#;
        let part = |items: &str| payload.replacen("[10, 20,30 ]", &format!("[{items}]"), 1);
        let (two, one) = (part("10,20"), part("30"));
        check(payload, Some(2), None, &[&two, &one]);
        check(payload, Some(3), None, &[payload]);
        check(payload, None, None, &[payload]);
        let bytes_max = Some(two.len());
        check(payload, None, bytes_max, &[&two, &one]);
        let (first, second) = (part("10"), part("20"));
        check(payload, None, Some(two.len() - 1), &[&first, &second, &one]);
        // An item that is too long goes alone, for the station to refuse.
        check(payload, None, Some(1), &[&first, &second, &one]);
        check(r#"{"a":1}"#, Some(1), None, &[r#"{"a":1}"#]);
        check(r#"{"id":[]}"#, Some(1), None, &[r#"{"id":[]}"#]);
        // White space is no reason to send more than one message.
        let spaced = r#"{"id":[10, 20]}"#;
        check(spaced, None, Some(spaced.len()), &[spaced]);
        check(spaced, None, Some(spaced.len() - 1), &[r#"{"id":[10,20]}"#]);
    }

    #[test]
    fn a_part_of_a_report_has_its_own_request_id() {
        let command = CommandId([0xff; 16]);
        let ids = [0, 1, 2].map(|part| part_request_id(command, part));
        assert_eq!(ids, [None, Some(0x7fff_ffff), Some(0)]);
        let payload = r#"{"a":{"requestId":1}, "requestId" : 7 ,"b":[]}"#;
        let other = r#"{"a":{"requestId":1}, "requestId" : 12 ,"b":[]}"#;
        assert_eq!(with_request_id(payload, Some(12)), other);
        assert_eq!(with_request_id(payload, None), payload);
        assert_eq!(with_request_id("{}", Some(12)), "{}");
    }

    #[test]
    fn answers_are_joined_list_by_list() {
        let answers = [
            r#"{"x":[{"a":[1]}],"y":["b"]}"#,
            r#"{"x":[],"z":[9]}"#,
            r#"{"x":[{"a":[2]},[3]]}"#,
            "",
        ];
        let answers = answers.map(str::to_owned);
        assert_eq!(
            joined(&["x", "y", "w"], &answers),
            r#"{"x":[{"a":[1]},{"a":[2]},[3]],"y":["b"]}"#
        );
        assert_eq!(joined(&["x"], &[String::new()]), "");
    }
}
