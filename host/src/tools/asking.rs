//! Input that a tool wants through the client before it can answer (MCP
//! elicitation, sampling, roots).

use std::sync::Arc;

use serde_json::value::RawValue;

/// What a call comes to.
#[derive(Debug, Clone)]
pub enum Reply<T> {
    /// The result.
    Complete(T),
    /// Something is to be asked first; the call is then made again.
    Ask(Question),
}

/// What is asked, and what the tool wants back with the answers.
#[derive(Debug, Clone)]
pub struct Question {
    /// At least one, or none where there is a state; each with a key of its own.
    pub requests: Vec<InputRequest>,
    /// For the repeat of the call; empty where it needs none.
    pub state: Vec<u8>,
}

/// One request to the client.
#[derive(Debug, Clone)]
pub struct InputRequest {
    /// What the answer is known by.
    pub key: String,
    /// What is asked for.
    pub method: InputMethod,
    /// The request's params, a JSON object.
    pub params: Box<RawValue>,
}

/// What a client can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputMethod {
    /// `elicitation/create`, with a form.
    Elicitation,
    /// `sampling/createMessage`
    Sampling,
    /// `roots/list`
    Roots,
}

impl InputMethod {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Elicitation, Self::Sampling, Self::Roots];

    /// The name of the method on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Elicitation => "elicitation/create",
            Self::Sampling => "sampling/createMessage",
            Self::Roots => "roots/list",
        }
    }

    /// The member of MCP `ClientCapabilities` that says a client can do it.
    pub fn capability(self) -> &'static str {
        match self {
            Self::Elicitation => "elicitation",
            Self::Sampling => "sampling",
            Self::Roots => "roots",
        }
    }
}

/// What a client said that it can be asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Abilities(u8);

impl Abilities {
    /// None.
    pub const NONE: Self = Self(0);

    /// The same and `method`.
    #[must_use]
    pub fn with(self, method: InputMethod) -> Self {
        Self(self.0 | 1 << method as u8)
    }

    /// The same without `method`.
    #[must_use]
    pub fn without(self, method: InputMethod) -> Self {
        Self(self.0 & !(1 << method as u8))
    }

    /// Whether `method` is one of them.
    pub fn has(self, method: InputMethod) -> bool {
        self.0 & 1 << method as u8 != 0
    }

    /// As one byte, for ids that carry them.
    pub fn bits(self) -> u8 {
        self.0
    }

    /// What [`Self::bits`] gave.
    pub fn from_bits(bits: u8) -> Self {
        Self(bits)
    }
}

/// What the repeat of a call brings with it; nothing in the first round.
#[derive(Debug, Clone, Default)]
pub struct Round {
    /// The client's answers: a JSON object with an object by key.
    pub answers: Option<Arc<str>>,
    /// [`Question::state`]
    pub state: Option<Arc<[u8]>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn abilities_are_told_apart_and_survive_their_byte() {
        let both = Abilities::NONE
            .with(InputMethod::Elicitation)
            .with(InputMethod::Roots);
        let both = Abilities::from_bits(both.bits());
        let has = InputMethod::ALL.map(|method| both.has(method));
        assert_eq!(has, [true, false, true]);
    }
}
