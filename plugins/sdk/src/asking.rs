//! Questions to the person behind the client, and what comes back.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::Question;
use crate::host::Host;
use crate::reply::Reply;

/// Makes a [`Question`]. The call that asks ends with it; it is made again with
/// the answers, so whatever is not in the state is forgotten.
///
/// ```
/// use mssql_mcp_sdk::{Ability, Answer, Answers, Ask, Failure, Host, Reply};
/// use serde::Deserialize;
/// use serde_json::json;
///
/// #[derive(Deserialize)]
/// struct Person {
///     name: String,
/// }
///
/// fn greet<H: Host>(host: &H) -> Result<Reply<H::Cursor>, Failure> {
///     match Answers::of(host).form::<Person>("name") {
///         Some(Answer::Accepted(person)) => Ok(Reply::text(format!("Hello, {}!", person.name))),
///         Some(_) => Ok(Reply::text("Never mind.")),
///         None if host.can_ask(Ability::Elicitation) => Ok(Ask::new()
///             .form("name", "What is your name?", &json!({
///                 "type": "object",
///                 "properties": {"name": {"type": "string"}},
///                 "required": ["name"]
///             }))
///             .reply()),
///         None => Ok(Reply::text("Hello, whoever you are!")),
///     }
/// }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// In the order they are asked.
    requests: Vec<(String, Value)>,
    state: Vec<u8>,
}

impl Ask {
    /// Asks nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the person to fill in a form (`elicitation/create`). The schema is of
    /// a flat object of strings, numbers, booleans and choices.
    #[must_use]
    pub fn form(self, key: &str, message: &str, requested_schema: &Value) -> Self {
        let params = json!({"message": message, "requestedSchema": requested_schema});
        self.request(key, "elicitation/create", &params)
    }

    /// Any request that the contract allows.
    #[must_use]
    pub fn request(mut self, key: &str, method: &str, params: &Value) -> Self {
        let request = json!({"method": method, "params": params});
        self.requests.push((key.to_owned(), request));
        self
    }

    /// What the repeat of the call gets from [`Host::state`].
    #[must_use]
    pub fn state(mut self, state: impl Into<Vec<u8>>) -> Self {
        self.state = state.into();
        self
    }

    /// The question.
    #[must_use]
    pub fn question(self) -> Question {
        let requests = self
            .requests
            .iter()
            .map(|(key, request)| format!("{}:{request}", Value::from(key.as_str())));
        Question {
            requests: format!("{{{}}}", requests.collect::<Vec<_>>().join(",")),
            state: self.state,
        }
    }

    /// The question as a tool's answer.
    #[must_use]
    pub fn reply<C>(self) -> Reply<C> {
        Reply::Ask(self.question())
    }
}

/// What the client answered, by key. A client may leave answers out and make
/// others up, so each is looked for and read with care.
#[derive(Debug, Clone, Default)]
pub struct Answers(Map<String, Value>);

/// What became of a form.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer<T = Value> {
    /// The person filled it in.
    Accepted(T),
    /// The person said no.
    Declined,
    /// The person closed it.
    Cancelled,
}

impl Answers {
    /// Those of the running call; none on its first round.
    #[must_use]
    pub fn of<H: Host>(host: &H) -> Self {
        let answers = host.answers().map(|json| serde_json::from_str(&json));
        Self(answers.and_then(Result::ok).unwrap_or_default())
    }

    /// The answer to a form; `None` when there is none, or none of that shape: ask
    /// again then.
    #[must_use]
    pub fn form<T: DeserializeOwned>(&self, key: &str) -> Option<Answer<T>> {
        let answer = self.get(key)?;
        match answer.get("action")?.as_str()? {
            "accept" => {
                let content = answer.get("content")?.clone();
                serde_json::from_value(content).ok().map(Answer::Accepted)
            }
            "decline" => Some(Answer::Declined),
            "cancel" => Some(Answer::Cancelled),
            _ => None,
        }
    }

    /// The answer to a request of any kind.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Ability;
    use crate::testing::FakeHost;

    #[test]
    fn a_question_is_the_requests_by_key() {
        let question = Ask::new()
            .form("z", "Z?", &json!({"type": "object"}))
            .request("r", "roots/list", &json!({}))
            .state(*b"s")
            .question();
        assert!(question.requests.starts_with(r#"{"z":"#));
        let requests: Value = serde_json::from_str(&question.requests).unwrap();
        assert_eq!(
            requests,
            json!({
                "z": {"method": "elicitation/create",
                      "params": {"message": "Z?", "requestedSchema": {"type": "object"}}},
                "r": {"method": "roots/list", "params": {}}
            })
        );
        assert_eq!(question.state, b"s");
    }

    #[test]
    fn answers_are_read_with_care() {
        let host = FakeHost::new().answered(
            r#"{"yes":{"action":"accept","content":{"n":1}},"no":{"action":"decline"},
                "closed":{"action":"cancel"},"bare":{"action":"accept"},"odd":{"action":"?"},"not":7}"#,
            b"state",
        );
        let answers = Answers::of(&host);
        let form = |key| answers.form::<Value>(key);
        assert_eq!(form("yes"), Some(Answer::Accepted(json!({"n": 1}))));
        assert_eq!(answers.form::<String>("yes"), None);
        assert_eq!(form("no"), Some(Answer::Declined));
        assert_eq!(form("closed"), Some(Answer::Cancelled));
        for key in ["bare", "odd", "not", "missing"] {
            assert_eq!(form(key), None, "{key}");
        }
        assert_eq!(host.state().unwrap(), b"state");
        assert!(Answers::of(&FakeHost::new()).get("yes").is_none());
        let host = host.able(Ability::Roots);
        assert!(host.can_ask(Ability::Roots));
        assert!(!host.can_ask(Ability::Elicitation));
    }
}
