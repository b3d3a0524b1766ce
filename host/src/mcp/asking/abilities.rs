//! What a client's `ClientCapabilities` say it can be asked for.

use std::collections::HashMap;

use serde_json::value::RawValue;

use crate::tools::{Abilities, InputMethod};

/// Reads `capabilities`; a member that is not an object is none.
pub(crate) fn abilities(capabilities: &RawValue) -> Abilities {
    // What most clients send.
    if capabilities.get() == "{}" {
        return Abilities::NONE;
    }
    let declared = Object::of(capabilities);
    let forms = declared.get("elicitation").is_some_and(|modes| {
        // An object without either means forms (2025-11-25, client/elicitation
        // §Capabilities).
        let modes = Object::of(modes);
        modes.get("form").is_some() || modes.get("url").is_none()
    });
    [
        (InputMethod::Elicitation, forms),
        (InputMethod::Sampling, declared.get("sampling").is_some()),
        (InputMethod::Roots, declared.get("roots").is_some()),
    ]
    .into_iter()
    .filter(|(_, declared)| *declared)
    .fold(Abilities::NONE, |all, (method, _)| all.with(method))
}

/// The members of an object that are objects.
struct Object<'a>(HashMap<String, &'a RawValue>);

impl<'a> Object<'a> {
    fn of(raw: &'a RawValue) -> Self {
        Self(serde_json::from_str(raw.get()).unwrap_or_default())
    }

    fn get(&self, name: &str) -> Option<&'a RawValue> {
        let member = self.0.get(name).copied();
        member.filter(|member| member.get().starts_with('{'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_say_what_can_be_asked() {
        for (capabilities, expected) in [
            ("{}", [false, false, false]),
            ("{ }", [false, false, false]),
            (r#"{"elicitation":{}}"#, [true, false, false]),
            (
                r#"{"elicitation":{"form":{},"url":{}}}"#,
                [true, false, false],
            ),
            (r#"{"elicitation":{"url":{}}}"#, [false, false, false]),
            (
                r#"{"roots":{"listChanged":true},"sampling":{}}"#,
                [false, true, true],
            ),
            (
                r#"{"elicitation":7,"sampling":false,"roots":{}}"#,
                [false, false, true],
            ),
            (
                r#"{"elicitation":{"form":false,"url":{}}}"#,
                [false, false, false],
            ),
            ("[]", [false, false, false]),
        ] {
            let raw = RawValue::from_string(capabilities.to_owned()).unwrap();
            let found = abilities(&raw);
            let found = InputMethod::ALL.map(|method| found.has(method));
            assert_eq!(found, expected, "{capabilities}");
        }
    }
}
