//! The params of every method that is served, read in the same pass as the
//! message around them.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::read::{is_id, string};

/// Members of `params`; a member that is `null` counts as absent.
#[derive(Debug, Default)]
pub(crate) struct Params<'a> {
    /// `_meta`
    pub(crate) meta: Option<&'a RawValue>,
    /// `tools/call`: arguments
    pub(crate) arguments: Option<&'a RawValue>,
    name: Option<&'a RawValue>,
    uri: Option<&'a RawValue>,
    cursor: Option<&'a RawValue>,
    protocol_version: Option<&'a RawValue>,
    /// `subscriptions/listen`: notifications
    pub(crate) notifications: Option<&'a RawValue>,
    /// `initialize`: capabilities
    pub(crate) capabilities: Option<&'a RawValue>,
    /// Of the repeat of a call: inputResponses
    pub(crate) input_responses: Option<&'a RawValue>,
    /// Of the repeat of a call: requestState
    pub(crate) request_state: Option<&'a RawValue>,
    /// `notifications/cancelled`: the id of the request, as it was spelled.
    pub(crate) request_id: Option<&'a RawValue>,
}

/// A member of params is missing, or is not a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotAString;

impl<'a> Params<'a> {
    /// `tools/call`, `prompts/get`: name
    pub(crate) fn name(&self) -> Result<Cow<'a, str>, NotAString> {
        self.name.and_then(string).ok_or(NotAString)
    }

    /// `resources/read`: uri
    pub(crate) fn uri(&self) -> Result<Cow<'a, str>, NotAString> {
        self.uri.and_then(string).ok_or(NotAString)
    }

    /// `initialize`: protocolVersion
    pub(crate) fn protocol_version(&self) -> Result<Cow<'a, str>, NotAString> {
        self.protocol_version.and_then(string).ok_or(NotAString)
    }

    /// `_meta.progressToken`, a string or a number (basic/utilities/progress).
    pub(crate) fn progress_token(&self) -> Option<Box<RawValue>> {
        #[derive(Deserialize)]
        struct Meta<'a> {
            #[serde(borrow, default, rename = "progressToken")]
            token: Option<&'a RawValue>,
        }
        let meta: Meta<'_> = serde_json::from_str(self.meta?.get()).ok()?;
        meta.token
            .filter(|token| is_id(token))
            .map(ToOwned::to_owned)
    }

    /// Whether the caller wants to see what the call cost.
    pub(crate) fn wants_bill(&self) -> bool {
        #[derive(Deserialize)]
        struct Meta {
            #[serde(default, rename = "mssql-mcp/bill")]
            bill: bool,
        }
        let meta = self.meta.map(|meta| serde_json::from_str(meta.get()));
        matches!(meta, Some(Ok(Meta { bill: true })))
    }

    /// Whether a list is asked for from its start. Go clients send the empty
    /// string for "no cursor".
    pub(crate) fn begins(&self) -> bool {
        self.cursor()
            .is_ok_and(|cursor| cursor.is_none_or(|cursor| cursor.is_empty()))
    }

    /// Of lists: cursor
    pub(crate) fn cursor(&self) -> Result<Option<Cow<'a, str>>, NotAString> {
        self.cursor
            .map(|cursor| string(cursor).ok_or(NotAString))
            .transpose()
    }
}

/// What stands in `params`. Never a parse error, so that a request with wrong
/// params is answered with its id.
#[derive(Debug)]
pub(super) enum ParamsField<'a> {
    Read(Params<'a>),
    NotAnObject,
    /// Two readers of one message must not disagree on what it says.
    Repeated,
}

impl Default for ParamsField<'_> {
    fn default() -> Self {
        Self::Read(Params::default())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for ParamsField<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ParamsVisitor)
    }
}

struct ParamsVisitor;

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Member {
    #[serde(rename = "_meta")]
    Meta,
    Arguments,
    Name,
    Uri,
    Cursor,
    ProtocolVersion,
    Notifications,
    Capabilities,
    InputResponses,
    RequestState,
    RequestId,
    #[serde(other)]
    Other,
}

impl<'de> Visitor<'de> for ParamsVisitor {
    type Value = ParamsField<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut params = Params::default();
        let mut repeated = false;
        while let Some(member) = map.next_key()? {
            let slot = match member {
                Member::Meta => &mut params.meta,
                Member::Arguments => &mut params.arguments,
                Member::Name => &mut params.name,
                Member::Uri => &mut params.uri,
                Member::Cursor => &mut params.cursor,
                Member::ProtocolVersion => &mut params.protocol_version,
                Member::Notifications => &mut params.notifications,
                Member::Capabilities => &mut params.capabilities,
                Member::InputResponses => &mut params.input_responses,
                Member::RequestState => &mut params.request_state,
                Member::RequestId => &mut params.request_id,
                Member::Other => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            repeated |= slot.is_some();
            *slot = map.next_value::<Option<&RawValue>>()?;
        }
        Ok(if repeated {
            ParamsField::Repeated
        } else {
            ParamsField::Read(params)
        })
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(ParamsField::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(ParamsField::NotAnObject)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(ParamsField::NotAnObject)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(ParamsField::NotAnObject)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(ParamsField::NotAnObject)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(ParamsField::NotAnObject)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(ParamsField::NotAnObject)
    }
}
