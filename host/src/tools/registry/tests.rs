//! Which calls come to a tool set, and with what; which sets serve together.

use super::*;
use crate::tools::{Json, Manifest};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

struct Echo(Manifest);

impl ToolProvider for Echo {
    fn manifest(&self) -> &Manifest {
        &self.0
    }

    fn call<'a>(
        &'a self,
        _: &'a Tool,
        arguments: &'a RawValue,
        _: CallContext,
    ) -> BoxFuture<'a, Result<Reply<Output>, ToolError>> {
        let structured = Json::parse(arguments.get().to_owned()).ok();
        async {
            Ok(Reply::Complete(Output {
                content: Vec::new(),
                structured,
                meta: None,
            }))
        }
        .boxed()
    }
}

fn provider(tools: &[(&str, Access)]) -> Arc<dyn ToolProvider> {
    let schema = r#"{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}"#;
    let schema: Arc<RawValue> = RawValue::from_string(schema.to_owned()).unwrap().into();
    let tool = |(name, access): &(&str, Access)| Tool {
        access: *access,
        ..Tool::reading(name, "d", Arc::clone(&schema))
    };
    Arc::new(Echo(Manifest {
        name: "echo".to_owned(),
        version: "1".to_owned(),
        description: None,
        instructions: None,
        tools: tools.iter().map(tool).collect(),
    }))
}

/// With a tool that takes `number` for `n`.
fn aliased() -> Arc<dyn ToolProvider> {
    let mut manifest = provider(&[("a", Access::Read)]).manifest().clone();
    let meta = r#"{"mssql-mcp/argument-aliases":{"number":"n"}}"#;
    let meta = RawValue::from_string(meta.to_owned()).unwrap();
    manifest.tools[0].meta = Some(meta.into());
    Arc::new(Echo(manifest))
}

fn context(scopes: &[OAuthScope]) -> CallContext {
    let principal = Principal {
        subject: "ana".to_owned(),
        client: "c".to_owned(),
        rights: scopes.iter().copied().collect(),
        claims: std::collections::BTreeMap::new(),
    };
    CallContext::new("demo", Some(Arc::new(principal)), CancellationToken::new())
}

#[tokio::test]
async fn wrong_arguments_are_answered_with_the_field_and_what_is_expected() {
    let registry = ToolRegistry::new(vec![provider(&[("a", Access::Read)])]).unwrap();
    let arguments = RawValue::from_string(r#"{"n":"x"}"#.to_owned()).unwrap();
    let error = registry
        .call("a", Some(&arguments), context(&[OAuthScope::Read]))
        .await;
    let Err(CallError::Tool(error)) = error else {
        panic!("{error:?}")
    };
    assert_eq!(error.code, "invalid-arguments");
    assert!(error.message.contains("n: "), "{}", error.message);
    assert_eq!(
        error.hint.as_deref(),
        Some("a takes: n (integer, required).")
    );
}

/// Why `given` is no set of arguments for the one tool of `registry`.
async fn refused(registry: &ToolRegistry, given: &str) -> Option<ToolError> {
    let given = RawValue::from_string(given.to_owned()).unwrap();
    let called = registry.call("a", Some(&given), context(&[OAuthScope::Read]));
    match called.await {
        Ok(_) => None,
        Err(CallError::Tool(error)) => Some(error),
        Err(error) => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn what_is_checked_is_what_the_tool_set_gets() {
    let registry = ToolRegistry::new(vec![provider(&[("a", Access::Read)])]).unwrap();
    for hidden in [
        r#"{"n":{"$serde_json::private::RawValue":"5"}}"#,
        r#"{"n":{"\u0024serde_json::private::RawValue":"5"}}"#,
        r#"{"n":{"$serde_json::private::Number":"5"}}"#,
        r#"{"$serde_json::private::RawValue":"{\"n\":5}"}"#,
    ] {
        let error = refused(&registry, hidden).await.unwrap();
        assert!(error.message.starts_with("Wrong arguments"), "{error:?}");
    }
    // An argument like another, where the schema has nothing against it.
    let more = r#"{"n":5,"more":{"$serde_json::private::RawValue":"!"}}"#;
    assert_eq!(refused(&registry, more).await, None);
}

#[tokio::test]
async fn an_argument_that_is_there_twice_is_refused_by_name() {
    let registry = ToolRegistry::new(vec![provider(&[("a", Access::Read)])]).unwrap();
    let aliased = ToolRegistry::new(vec![aliased()]).unwrap();
    for (registry, given, name) in [
        (&registry, r#"{"n":"x","n":5}"#, "n"),
        (&registry, r#"{"n":5,"more":[{"x":1,"x":2}]}"#, "x"),
        (&aliased, r#"{"number":1,"number":2}"#, "number"),
    ] {
        let error = refused(registry, given).await.unwrap();
        let said = format!(
            "The arguments of a cannot be read: one object has the member \"{name}\" twice"
        );
        assert!(error.message.starts_with(&said), "{error:?}");
        assert_eq!(error.code, "invalid-arguments");
    }
}

#[test]
fn a_schema_is_compiled_once_and_shared() {
    let schema = RawValue::from_string(r#"{"type":"object"}"#.to_owned()).unwrap();
    let compiled = Arc::new(Schema::of_arguments(&schema).unwrap());
    let mut manifest = provider(&[("a", Access::Read)]).manifest().clone();
    manifest.tools[0].compiled = Some(Arc::clone(&compiled));
    let provider: Arc<dyn ToolProvider> = Arc::new(Echo(manifest));
    for _ in 0..2 {
        let registry = ToolRegistry::new(vec![Arc::clone(&provider)]).unwrap();
        assert!(Arc::ptr_eq(&registry.entries["a"].arguments, &compiled));
    }
}

#[test]
fn what_does_not_fit_beside_the_others_leaves_them_as_they_were() {
    let mut registry = ToolRegistry::new(vec![provider(&[("a", Access::Read)])]).unwrap();
    let unfit = provider(&[("b", Access::Read), ("a", Access::Read)]);
    assert!(registry.add(unfit).is_err());
    let twice = provider(&[("c", Access::Read), ("c", Access::Read)]);
    assert!(registry.add(twice).is_err());
    registry.add(provider(&[("b", Access::Read)])).unwrap();
    let names: Vec<&str> = registry.list(None).map(|tool| &*tool.name).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(registry.providers.len(), 2);
}

#[tokio::test]
async fn tools_that_write_are_hidden_from_and_refused_to_readers() {
    let registry =
        ToolRegistry::new(vec![provider(&[("r", Access::Read), ("w", Access::Write)])]).unwrap();
    let reader = context(&[OAuthScope::Read]);
    let names: Vec<&str> = registry
        .list(reader.principal.as_deref())
        .map(|tool| tool.name.as_str())
        .collect();
    assert_eq!(names, ["r"]);
    assert_eq!(registry.list(None).count(), 1);
    assert!(matches!(
        registry.call("w", None, reader).await,
        Err(CallError::InsufficientScope(OAuthScope::Write))
    ));
    let writer = context(&[OAuthScope::Read, OAuthScope::Write]);
    assert_eq!(registry.list(writer.principal.as_deref()).count(), 2);
}

#[tokio::test]
async fn an_alias_stands_for_an_argument_that_is_missing() {
    let registry = ToolRegistry::new(vec![aliased()]).unwrap();
    for (given, taken) in [
        (r#"{"number":1}"#, r#"{"n":1}"#),
        (r#"{"n":2}"#, r#"{"n":2}"#),
    ] {
        let given = RawValue::from_string(given.to_owned()).unwrap();
        let called = registry.call("a", Some(&given), context(&[OAuthScope::Read]));
        let Reply::Complete(output) = called.await.unwrap() else {
            panic!("a question");
        };
        assert_eq!(output.structured.unwrap().get(), taken);
    }
}

#[test]
fn one_name_in_two_sets_is_an_error() {
    let two = vec![
        provider(&[("a", Access::Read)]),
        provider(&[("a", Access::Read)]),
    ];
    assert!(matches!(
        ToolRegistry::new(two),
        Err(RegistryError::Duplicate { .. })
    ));
}
