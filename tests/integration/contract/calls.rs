//! The calls that a tool set of `tests/contract` must answer, and how they are made.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use integration_tests::Product;
use mssql_mcp::principal::{Principal, Rights};
use mssql_mcp::tools::{
    Abilities, Bill, CallContext, CallError, InputMethod, Progress, Reply, Round,
};
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

/// A file of them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Calls {
    /// What the scope's configuration says.
    #[serde(default)]
    pub(super) settings: BTreeMap<String, String>,
    call: Vec<Call>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    name: String,
    tool: String,
    #[serde(default)]
    arguments: Map<String, Value>,
    /// Of the person, by key; without them it must not ask.
    answers: Option<Value>,
    /// Part of the structured result.
    #[serde(default)]
    structured: Value,
    /// The code of its failure.
    error: Option<String>,
    /// Least reports of progress.
    #[serde(default)]
    progress: usize,
    /// Rows that it reads of the database.
    rows: Option<u64>,
}

impl Calls {
    pub(super) fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path);
        let text = text.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Makes them in the scope of that name, in order.
    pub(super) async fn make(&self, product: &Product, scope: &str) {
        for call in &self.call {
            println!("  {}: {}", call.tool, call.name);
            call.make(product, scope).await;
        }
    }
}

impl Call {
    async fn make(&self, product: &Product, scope: &str) {
        let (told, bill) = (Arc::new(Told::default()), Arc::<OnceLock<Bill>>::default());
        let called = self
            .round(product, scope, &told, &bill, Round::default())
            .await;
        let called = match (called, &self.answers) {
            (Ok(Reply::Ask(question)), Some(answers)) => {
                let again = Round {
                    answers: Some(answers.to_string().into()),
                    state: Some(question.state.into()),
                };
                self.round(product, scope, &told, &bill, again).await
            }
            (_, Some(_)) => panic!("{}: it did not ask", self.name),
            (called, None) => called,
        };
        match (called, &self.error) {
            (Ok(Reply::Complete(output)), None) => {
                let structured = output.structured.expect("a structured result");
                let found = serde_json::from_str(structured.get()).expect("JSON");
                assert!(contains(&self.structured, &found), "{found}");
            }
            (Err(CallError::Tool(failed)), Some(code)) => assert_eq!(failed.code, code),
            (other, _) => panic!("{}: {other:?}", self.name),
        }
        assert!(told.0.load(Ordering::Relaxed) >= self.progress);
        if let Some(rows) = self.rows {
            assert_eq!(bill.get().map(|bill| bill.rows), Some(rows));
        }
    }

    async fn round(
        &self,
        product: &Product,
        scope: &str,
        told: &Arc<Told>,
        bill: &Arc<OnceLock<Bill>>,
        round: Round,
    ) -> Result<Reply<mssql_mcp::tools::Output>, CallError> {
        let person = Principal {
            subject: "ana".to_owned(),
            client: "test".to_owned(),
            rights: Rights::READ,
            claims: std::collections::BTreeMap::new(),
        };
        let context = CallContext {
            progress: Some(Arc::clone(told) as Arc<dyn Progress>),
            abilities: Abilities::NONE.with(InputMethod::Elicitation),
            round,
            bill: Some(Arc::clone(bill)),
            ..CallContext::new(scope, Some(Arc::new(person)), CancellationToken::new())
        };
        let arguments: Box<RawValue> = to_raw_value(&self.arguments).expect("JSON");
        let tools = product.app.scope(scope).expect("a scope").tools.load_full();
        tools.call(&self.tool, Some(&arguments), context).await
    }
}

/// Counts reports of progress.
#[derive(Default)]
struct Told(AtomicUsize);

impl Progress for Told {
    fn report(&self, _: f64, _: Option<f64>, _: Option<String>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Of objects the members that are named; arrays element by element.
fn contains(expected: &Value, found: &Value) -> bool {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => expected
            .iter()
            .all(|(name, expected)| contains(expected, found.get(name).unwrap_or(&json!(null)))),
        (Value::Array(expected), Value::Array(found)) => {
            let mut pairs = expected.iter().zip(found);
            expected.len() == found.len() && pairs.all(|(one, other)| contains(one, other))
        }
        (expected, found) => expected == found,
    }
}
