//! What a client's `ClientCapabilities` say it can be asked for.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::tools::{Abilities, InputMethod};

/// Reads `capabilities`; whatever is not as it should be is no ability.
pub(crate) fn abilities(capabilities: &RawValue) -> Abilities {
    // What most clients send.
    if capabilities.get() == "{}" {
        return Abilities::NONE;
    }
    let Ok(declared) = serde_json::from_str::<Declared>(capabilities.get()) else {
        return Abilities::NONE;
    };
    let forms = declared
        .elicitation
        .is_some_and(|modes| modes.form.is_some() || modes.url.is_none());
    [
        (InputMethod::Elicitation, forms),
        (InputMethod::Sampling, declared.sampling.is_some()),
        (InputMethod::Roots, declared.roots.is_some()),
    ]
    .into_iter()
    .filter(|(_, declared)| *declared)
    .fold(Abilities::NONE, |all, (method, _)| all.with(method))
}

#[derive(Deserialize)]
struct Declared {
    elicitation: Option<Modes>,
    sampling: Option<IgnoredAny>,
    roots: Option<IgnoredAny>,
}

/// An object without either means forms (2025-11-25, client/elicitation
/// §Capabilities).
#[derive(Deserialize)]
struct Modes {
    form: Option<IgnoredAny>,
    url: Option<IgnoredAny>,
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
            (r#"{"elicitation":7}"#, [false, false, false]),
            ("[]", [false, false, false]),
        ] {
            let raw = RawValue::from_string(capabilities.to_owned()).unwrap();
            let found = abilities(&raw);
            let found = InputMethod::ALL.map(|method| found.has(method));
            assert_eq!(found, expected, "{capabilities}");
        }
    }
}
