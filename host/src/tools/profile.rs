//! A tool set as a scope wants it: some of its tools, under other names.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::value::RawValue;

use super::{
    CallContext, Conversation, Manifest, Output, Prompt, Reply, ResourceProvider, Tool, ToolError,
    ToolProvider,
};

/// Which tools of a set are served, and under which names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// Own names of the tools that are served, in this order; `None` serves all.
    pub tools: Option<Vec<String>>,
    /// Put before the name of every tool and prompt that `rename` does not name.
    pub prefix: String,
    /// Other names, by own name.
    pub rename: BTreeMap<String, String>,
}

/// A profile that does not fit its tool set.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// It names a tool that the set does not have.
    #[error("there is no tool \"{name}\" in it; it has {}", known.join(", "))]
    NoSuchTool {
        /// The name.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A name becomes too long.
    #[error("the name \"{0}\" is longer than 64 characters; choose a shorter prefix")]
    TooLong(String),
}

impl Profile {
    /// Whether a tool set is the same with it.
    pub fn is_whole(&self) -> bool {
        *self == Self::default()
    }

    fn name(&self, own: &str) -> Result<String, ProfileError> {
        let name = match self.rename.get(own) {
            Some(name) => name.clone(),
            None => format!("{}{own}", self.prefix),
        };
        if name.len() > MAX_NAME {
            return Err(ProfileError::TooLong(name));
        }
        Ok(name)
    }
}

/// A tool set through a profile.
pub struct Profiled {
    inner: Arc<dyn ToolProvider>,
    manifest: Manifest,
    prompts: Vec<Prompt>,
    /// The set's own tool or prompt, by the name it is served under.
    own_tools: HashMap<String, Tool>,
    own_prompts: HashMap<String, Prompt>,
}

impl Profiled {
    /// Serves `inner` as `profile` says.
    ///
    /// # Errors
    /// The profile names what is not there.
    pub fn new(inner: Arc<dyn ToolProvider>, profile: &Profile) -> Result<Self, ProfileError> {
        let whole = inner.manifest();
        let known = || whole.tools.iter().map(|tool| tool.name.clone()).collect();
        let chosen = profile.tools.iter().flatten();
        for name in chosen.chain(profile.rename.keys()) {
            if !whole.tools.iter().any(|tool| tool.name == *name) {
                return Err(ProfileError::NoSuchTool {
                    name: name.clone(),
                    known: known(),
                });
            }
        }
        let own = |name: &String| whole.tools.iter().find(|tool| tool.name == *name);
        let served: Vec<&Tool> = match &profile.tools {
            Some(chosen) => chosen.iter().filter_map(own).collect(),
            None => whole.tools.iter().collect(),
        };
        let (mut tools, mut own_tools) = (Vec::new(), HashMap::new());
        for own in served {
            let name = profile.name(&own.name)?;
            tools.push(Tool {
                name: name.clone(),
                ..own.clone()
            });
            own_tools.insert(name, own.clone());
        }
        let (mut prompts, mut own_prompts) = (Vec::new(), HashMap::new());
        for own in inner.prompts() {
            let name = profile.name(&own.name)?;
            prompts.push(Prompt {
                name: name.clone().into(),
                ..own.clone()
            });
            own_prompts.insert(name, own.clone());
        }
        let manifest = Manifest {
            tools,
            ..whole.clone()
        };
        Ok(Self {
            inner,
            manifest,
            prompts,
            own_tools,
            own_prompts,
        })
    }
}

impl ToolProvider for Profiled {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn call<'a>(
        &'a self,
        tool: &'a Tool,
        arguments: &'a RawValue,
        context: CallContext,
    ) -> BoxFuture<'a, Result<Reply<Output>, ToolError>> {
        let own = self.own_tools.get(&tool.name).unwrap_or(tool);
        self.inner.call(own, arguments, context)
    }

    fn prompts(&self) -> &[Prompt] {
        &self.prompts
    }

    fn prompt<'a>(
        &'a self,
        prompt: &'a Prompt,
        arguments: Vec<(String, String)>,
        context: CallContext,
    ) -> BoxFuture<'a, Result<Reply<Conversation>, ToolError>> {
        let own = self.own_prompts.get(&*prompt.name).unwrap_or(prompt);
        self.inner.prompt(own, arguments, context)
    }

    fn resources(&self) -> Option<&dyn ResourceProvider> {
        self.inner.resources()
    }
}

/// Bytes of a tool's name (2025-11-25, server/tools).
const MAX_NAME: usize = 64;

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use futures_util::future::ready;

    use super::*;
    use crate::tools::{Content, ToolRegistry};

    /// Answers with the name that it was called by.
    struct Named(Manifest);

    impl ToolProvider for Named {
        fn manifest(&self) -> &Manifest {
            &self.0
        }

        fn call<'a>(
            &'a self,
            tool: &'a Tool,
            _: &'a RawValue,
            _: CallContext,
        ) -> BoxFuture<'a, Result<Reply<Output>, ToolError>> {
            let content = vec![Content::Text(tool.name.clone())];
            ready(Ok(Reply::Complete(Output {
                content,
                structured: None,
                meta: None,
            })))
            .boxed()
        }
    }

    fn set() -> Arc<dyn ToolProvider> {
        let schema: Arc<RawValue> = RawValue::from_string(r#"{"type":"object"}"#.to_owned())
            .unwrap()
            .into();
        let tools = ["a", "b", "c"].map(|name| Tool::reading(name, "d", Arc::clone(&schema)));
        Arc::new(Named(Manifest {
            name: "set".to_owned(),
            version: "1".to_owned(),
            description: None,
            instructions: None,
            tools: tools.into(),
        }))
    }

    #[tokio::test]
    async fn some_tools_are_served_under_other_names() {
        let profile = Profile {
            tools: Some(vec!["a".to_owned(), "b".to_owned()]),
            prefix: "x_".to_owned(),
            rename: [("b".to_owned(), "second".to_owned())].into(),
        };
        let served = Profiled::new(set(), &profile).unwrap();
        let registry = ToolRegistry::new(vec![Arc::new(served)]).unwrap();
        let names: Vec<_> = registry.list(None).map(|tool| tool.name.clone()).collect();
        assert_eq!(names, ["x_a", "second"]);
        for (name, own) in [("x_a", "a"), ("second", "b")] {
            let context = CallContext::new("s", None, Default::default());
            let reply = registry.call(name, None, context).await.unwrap();
            let Reply::Complete(output) = reply else {
                panic!("it asks");
            };
            assert!(matches!(&output.content[0], Content::Text(text) if text == own));
        }
        let context = CallContext::new("s", None, Default::default());
        assert!(registry.call("c", None, context).await.is_err());
    }

    #[test]
    fn a_profile_that_does_not_fit_says_what_there_is() {
        let profile = Profile {
            tools: Some(vec!["z".to_owned()]),
            ..Profile::default()
        };
        let error = Profiled::new(set(), &profile).err().unwrap();
        assert_eq!(
            error.to_string(),
            "there is no tool \"z\" in it; it has a, b, c"
        );
        let profile = Profile {
            prefix: "p".repeat(64),
            ..Profile::default()
        };
        assert!(Profiled::new(set(), &profile).is_err());
    }
}
