//! Printing the settings that hold, in the order and sections of `defaults.toml`.

use super::layers::{DEFAULTS, Origin, Settings};

/// Every setting with its value, and where it comes from unless that is the defaults. The text is a
/// configuration file itself.
pub(crate) fn show(settings: &Settings) -> String {
    let mut text = String::new();
    let mut section = "";
    for line in DEFAULTS.lines() {
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            section = name;
            let gap = if text.is_empty() { "" } else { "\n" };
            text += &format!("{gap}[{section}]\n");
        } else if let Some((key, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            let (value, origin) = settings.value(&format!("{section}.{key}"));
            text += &match origin {
                Origin::Default => format!("{key} = {value}\n"),
                _ => format!("{key} = {value} # from {origin}\n"),
            };
        }
    }
    text
}
