//! How the specification's names are written in Rust.

/// `meterStart` as `meter_start`; `type` is a word of Rust and becomes `kind`.
pub(crate) fn field(property: &str) -> String {
    if property == "type" {
        return "kind".to_owned();
    }
    // Capitals that are one word and would be cut after the first.
    let mut text = property.to_owned();
    for (from, to) in [("EMAIDs", "Emaids"), ("SoC", "Soc"), ("SoH", "Soh")] {
        text = text.replace(from, to);
    }
    snake(&text)
}

/// Words begin at a capital after a small letter or digit, and at the last capital of a run.
fn snake(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::new();
    for (index, &c) in chars.iter().enumerate() {
        let before = index.checked_sub(1).map(|i| chars[i]);
        let after = chars.get(index + 1).copied();
        let begins = match before {
            Some(before) if c.is_ascii_uppercase() => {
                before.is_ascii_lowercase()
                    || before.is_ascii_digit() && after.is_some_and(|c| c.is_ascii_lowercase())
                    || before.is_ascii_uppercase() && after.is_some_and(|c| c.is_ascii_lowercase())
            }
            _ => false,
        };
        if begins && !out.ends_with('_') {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// A word of an enumeration as a variant: `L1-N` as `L1N`, `SHA256` as `Sha256`, `eMAID` as `EMAID`.
pub(crate) fn variant(word: &str) -> String {
    let mut out = String::new();
    let mut parts: Vec<char> = Vec::new();
    for c in word.chars().chain(['.']) {
        if c.is_ascii_alphanumeric() {
            parts.push(c);
            continue;
        }
        let digits_meet = out.ends_with(|c: char| c.is_ascii_digit())
            && parts.first().is_some_and(char::is_ascii_digit);
        if digits_meet {
            out.push('_');
        }
        let letters = parts.iter().take_while(|c| c.is_ascii_uppercase()).count();
        let acronym = letters >= 3 && parts[letters..].iter().all(char::is_ascii_digit);
        for (index, c) in parts.drain(..).enumerate() {
            out.push(match (index, acronym) {
                (0, _) => c.to_ascii_uppercase(),
                (_, true) => c.to_ascii_lowercase(),
                (_, false) => c,
            });
        }
    }
    out
}

/// The name of a definition without `Type`, `EnumType`: `OCSPRequestDataType` as `OcspRequestData`.
pub(crate) fn datatype(definition: &str) -> String {
    let base = definition
        .strip_suffix("EnumType")
        .or_else(|| definition.strip_suffix("Type"))
        .unwrap_or(definition);
    lower_acronyms(base)
}

/// Three or more capitals in a row, not counting the one that begins the next word, become one word.
pub(crate) fn lower_acronyms(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::new();
    let mut at = 0;
    while at < chars.len() {
        let mut end = at;
        while end < chars.len() && chars[end].is_ascii_uppercase() {
            end += 1;
        }
        let run = match chars.get(end) {
            Some(c) if c.is_ascii_lowercase() => (end - at).saturating_sub(1),
            _ => end - at,
        };
        if run >= 3 {
            out.push(chars[at]);
            out.extend(chars[at + 1..at + run].iter().map(char::to_ascii_lowercase));
            at += run;
        } else {
            out.push(chars[at]);
            at += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_fields() {
        for (property, expected) in [
            ("meterStart", "meter_start"),
            ("type", "kind"),
            ("responderURL", "responder_url"),
            ("numEPriceLevels", "num_e_price_levels"),
            (
                "iso15118CertificateHashData",
                "iso15118_certificate_hash_data",
            ),
            ("setpoint_L2", "setpoint_l2"),
            ("evMinV2XEnergyRequest", "ev_min_v2x_energy_request"),
            ("fullSoC", "full_soc"),
            ("limitAtSoC", "limit_at_soc"),
            ("taxRuleID", "tax_rule_id"),
            ("fixedPFAbsorb", "fixed_pf_absorb"),
            ("v2xBaseline", "v2x_baseline"),
        ] {
            assert_eq!(field(property), expected);
        }
    }

    #[test]
    fn names_of_words() {
        for (word, expected) in [
            ("EVConnected", "EVConnected"),
            ("Energy.Active.Net", "EnergyActiveNet"),
            ("L1-N", "L1N"),
            ("SHA256", "Sha256"),
            ("eMAID", "EMAID"),
            ("dateTime", "DateTime"),
            ("s309-1P-16A", "S309_1P16A"),
            ("AC_BPT_DER", "ACBptDer"),
            ("Not_Applicable", "NotApplicable"),
        ] {
            assert_eq!(variant(word), expected);
        }
    }

    #[test]
    fn names_of_datatypes() {
        for (definition, expected) in [
            ("OCSPRequestDataType", "OcspRequestData"),
            ("EVSEType", "Evse"),
            ("IdTokenEnumType", "IdToken"),
            ("ACChargingParametersType", "ACChargingParameters"),
            ("V2XSignalWattPointType", "V2XSignalWattPoint"),
            ("VPNType", "Vpn"),
        ] {
            assert_eq!(datatype(definition), expected);
        }
    }
}
