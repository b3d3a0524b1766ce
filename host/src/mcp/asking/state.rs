//! `requestState` (2026-07-28, basic/patterns/mrtr): what a call wants back with
//! the answers, in the hands of the client meanwhile. Sealed, bound to the caller
//! and the call, and good for a while.

use std::time::Duration;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::clock::{Clock, Timestamp};
use crate::json_value;
use crate::mcp::dispatch::Caller;
use crate::principal::Principal;
use crate::state::{SealError, SecretHash, Secrets};

/// Seals and opens the states of one scope.
pub(crate) struct RequestStates {
    secrets: Secrets,
    clock: Clock,
    scope: String,
}

/// The call that a state belongs to.
pub(crate) struct Bound<'a> {
    subject: &'a str,
    client: &'a str,
    method: &'a str,
    name: &'a str,
    arguments: String,
}

impl<'a> Bound<'a> {
    /// Arguments are compared by what they say, not by how it is spelled.
    pub(crate) fn to(
        caller: &'a Caller<'_>,
        method: &'a str,
        name: &'a str,
        arguments: Option<&RawValue>,
    ) -> Self {
        let (subject, client) = Principal::caller_of(caller.principal.as_deref());
        Self {
            subject,
            client,
            method,
            name,
            arguments: SecretHash::of(&said(arguments).to_string()).to_string(),
        }
    }

    fn parts<'b>(&'b self, scope: &'b str) -> [&'b str; 6] {
        [
            scope,
            self.subject,
            self.client,
            self.method,
            self.name,
            &self.arguments,
        ]
    }
}

/// What arguments say; an empty object is as good as none. Those that cannot be read are
/// their text, so that they equal no others.
fn said(arguments: Option<&RawValue>) -> Value {
    let said = arguments.map(|raw| {
        let said = json_value::read(raw.get());
        said.unwrap_or_else(|_| Value::String(raw.get().to_owned()))
    });
    let said = said.filter(|said| said.as_object().is_none_or(|said| !said.is_empty()));
    said.unwrap_or_default()
}

impl RequestStates {
    pub(crate) fn new(secrets: Secrets, clock: Clock, scope: &str) -> Self {
        Self {
            secrets,
            clock,
            scope: scope.to_owned(),
        }
    }

    /// URL-safe text.
    pub(crate) fn seal(&self, bound: &Bound<'_>, state: &[u8]) -> Result<String, SealError> {
        let mut plain = self.clock.now().0.to_be_bytes().to_vec();
        plain.extend_from_slice(state);
        self.secrets
            .enclose(PURPOSE, &bound.parts(&self.scope), plain)
    }

    /// What was sealed for this call, not too long ago.
    pub(crate) fn open(&self, bound: &Bound<'_>, sealed: &str) -> Option<Vec<u8>> {
        let plain = self
            .secrets
            .disclose(PURPOSE, &bound.parts(&self.scope), sealed)?;
        let (time, state) = plain.split_first_chunk()?;
        let age = self.clock.now().since(Timestamp(i64::from_be_bytes(*time)));
        (age < LIFE).then(|| state.to_vec())
    }
}

const PURPOSE: &str = "mcp-request-state";
/// As long as a person may think.
const LIFE: Duration = Duration::from_secs(3_600);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::Entropy;
    use crate::state::HostKey;

    fn bound<'a>(subject: &'a str, name: &'a str, arguments: &str) -> Bound<'a> {
        Bound {
            subject,
            client: "c",
            method: "tools/call",
            name,
            arguments: arguments.to_owned(),
        }
    }

    #[test]
    fn arguments_are_the_same_only_where_everybody_reads_the_same() {
        let said = |text: &str| said(Some(&RawValue::from_string(text.to_owned()).unwrap()));
        assert_eq!(
            said(r#"{"b":1, "a":[ 2 ]}"#),
            said(r#"{"a":[2],"\u0062":1}"#)
        );
        assert_eq!(said("{}"), super::said(None));
        for (one, other) in [
            (
                r#"{"$serde_json::private::RawValue":"{\"a\":1}"}"#,
                r#"{"a":1}"#,
            ),
            (r#"{"$serde_json::private::RawValue":"!"}"#, "{}"),
            (r#"{"a":2,"a":1}"#, r#"{"a":1}"#),
            (r#"{"a":2,"a":1}"#, r#"{"a":3,"a":1}"#),
        ] {
            assert_ne!(said(one), said(other), "{one}");
        }
    }

    #[test]
    fn a_state_is_good_for_its_caller_and_call_for_a_while() {
        let (clock, hand) = Clock::manual(Timestamp(1_800_000_000_000));
        let secrets = Secrets::new(&HostKey::random().unwrap(), Entropy::system());
        let states = |scope| RequestStates::new(secrets.clone(), clock.clone(), scope);
        let own = bound("ana", "t", "{}");
        let sealed = states("claude").seal(&own, b"step 1").unwrap();
        let open = |scope, bound: &Bound<'_>| states(scope).open(bound, &sealed);
        assert_eq!(open("claude", &own).unwrap(), b"step 1");
        for (scope, other) in [
            ("chatgpt", own),
            ("claude", bound("bob", "t", "{}")),
            ("claude", bound("ana", "u", "{}")),
            ("claude", bound("ana", "t", "{\"a\":1}")),
        ] {
            assert_eq!(open(scope, &other), None);
        }
        let own = bound("ana", "t", "{}");
        let tampered = states("claude").open(&own, &format!("{sealed}-TAMPERED"));
        assert_eq!(tampered, None);
        hand.advance(LIFE);
        assert_eq!(open("claude", &own), None);
    }
}
