//! Tools and the set of them.

use std::borrow::Cow;

use schemars::JsonSchema;

use crate::databases::Databases;
use crate::host::Host;
use crate::reply::Reply;
use crate::schema::{self, Arguments};
use crate::{Access, Annotations, Failure, Icon, JsonShape, Manifest, OutputShape, ToolEntry};

/// One tool.
pub trait Tool<H: Host> {
    /// Name in `tools/list`: `[a-zA-Z0-9_-]{1,64}`.
    const NAME: &'static str;

    /// Its arguments; the input schema is derived from the type, its field
    /// comments and its `schemars` attributes.
    type Arguments: Arguments;

    /// What a client reads about the tool.
    fn info(&self) -> ToolInfo;

    /// Does the work.
    ///
    /// # Errors
    /// Whatever the model should read: see [`Failure`].
    fn call(&self, host: &H, arguments: Self::Arguments) -> Result<Reply<H::Cursor>, Failure>;
}

/// What a client reads about a tool, besides its arguments.
#[derive(Debug, Clone)]
pub struct ToolInfo {
    title: &'static str,
    description: String,
    access: Access,
    output: Option<OutputShape>,
    annotations: Annotations,
    input: Option<String>,
    databases: Databases,
    icons: Vec<Icon>,
    meta: Option<String>,
}

impl ToolInfo {
    /// A tool that changes nothing and reaches nothing but the database.
    #[must_use]
    pub fn reading(title: &'static str, description: impl Into<String>) -> Self {
        Self {
            title,
            description: description.into(),
            access: Access::Read,
            output: None,
            annotations: Annotations {
                read_only: Some(true),
                destructive: Some(false),
                idempotent: Some(true),
                open_world: Some(false),
            },
            input: None,
            databases: Databases::default(),
            icons: Vec::new(),
            meta: None,
        }
    }

    /// A tool that may change or delete data: the host asks for `mcp:write`.
    #[must_use]
    pub fn writing(title: &'static str, description: impl Into<String>) -> Self {
        Self {
            access: Access::Write,
            annotations: Annotations {
                read_only: Some(false),
                destructive: Some(true),
                idempotent: Some(false),
                open_world: Some(false),
            },
            ..Self::reading(title, description)
        }
    }

    /// The output is the JSON form of `T`.
    #[must_use]
    pub fn returns<T: JsonSchema>(self) -> Self {
        self.returns_schema(schema::of_output::<T>())
    }

    /// The output follows a JSON Schema.
    #[must_use]
    pub fn returns_schema(mut self, schema: impl Into<String>) -> Self {
        self.output = Some(OutputShape::Schema(schema.into()));
        self
    }

    /// The output is the rows of a cursor; the host publishes the schema.
    #[must_use]
    pub fn returns_rows(mut self, shape: JsonShape) -> Self {
        self.output = Some(OutputShape::Rows(shape));
        self
    }

    /// The arguments follow this JSON Schema instead of the one derived from
    /// their type, which must still be able to read them.
    #[must_use]
    pub fn accepts_schema(mut self, schema: impl Into<String>) -> Self {
        self.input = Some(schema.into());
        self
    }

    /// The caller may choose one of these databases, where there are several: the
    /// schema has the argument `database`, which the type of the arguments takes as
    /// an `Option` that its own schema skips.
    #[must_use]
    pub fn on_databases(mut self, databases: &Databases) -> Self {
        self.databases = databases.clone();
        self
    }

    /// A picture that clients may show.
    #[must_use]
    pub fn icon(mut self, icon: Icon) -> Self {
        self.icons.push(icon);
        self
    }

    /// Protocol `_meta`, a JSON object.
    #[must_use]
    pub fn meta(mut self, meta: impl Into<String>) -> Self {
        self.meta = Some(meta.into());
        self
    }
}

/// A tool set: its name, and its tools in the order they are listed.
pub struct ToolSet<H: Host> {
    name: Cow<'static, str>,
    version: Cow<'static, str>,
    description: Option<Cow<'static, str>>,
    instructions: Option<Cow<'static, str>>,
    tools: Vec<Box<dyn UntypedTool<H>>>,
}

impl<H: Host + 'static> ToolSet<H> {
    /// A tool set without tools.
    #[must_use]
    pub fn new(name: impl Into<Cow<'static, str>>, version: impl Into<Cow<'static, str>>) -> Self {
        Self {
            name: name.into(),
            version: version.into(),
            description: None,
            instructions: None,
            tools: Vec::new(),
        }
    }

    /// What the set is for.
    #[must_use]
    pub fn description(mut self, description: impl Into<Cow<'static, str>>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Joined into what the server tells a model about itself; clients may
    /// read the first 512 characters only.
    #[must_use]
    pub fn instructions(mut self, instructions: impl Into<Cow<'static, str>>) -> Self {
        self.instructions = Some(instructions.into());
        self
    }

    /// Adds a tool.
    #[must_use]
    pub fn tool<T: Tool<H> + 'static>(self, tool: T) -> Self {
        self.untyped_tool(Typed(tool))
    }

    /// Adds a tool whose name and schema are known at run time only.
    #[must_use]
    pub fn untyped_tool<T: UntypedTool<H> + 'static>(mut self, tool: T) -> Self {
        self.tools.push(Box::new(tool));
        self
    }

    /// The description of the set and its tools.
    #[must_use]
    pub fn manifest(&self) -> Manifest {
        Manifest {
            name: self.name.clone().into_owned(),
            version: self.version.clone().into_owned(),
            description: self.description.clone().map(Cow::into_owned),
            instructions: self.instructions.clone().map(Cow::into_owned),
            tools: self.tools.iter().map(|tool| tool.describe()).collect(),
        }
    }

    /// Calls the tool of that name with a JSON object.
    ///
    /// # Errors
    /// [`Failure::UnknownTool`], [`Failure::InvalidArguments`], or what the
    /// tool answers.
    pub fn call(&self, host: &H, tool: &str, arguments: &str) -> Result<Reply<H::Cursor>, Failure> {
        self.tools
            .iter()
            .find(|candidate| candidate.name() == tool)
            .ok_or(Failure::UnknownTool)?
            .call_json(host, arguments)
    }
}

impl<H: Host> std::fmt::Debug for ToolSet<H> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ToolSet")
            .field("name", &self.name)
            .field("tools", &self.tools.len())
            .finish_non_exhaustive()
    }
}

/// A tool without a type of arguments, such as one whose name and schema are known
/// at run time only.
pub trait UntypedTool<H: Host> {
    /// Name in `tools/list`: `[a-zA-Z0-9_-]{1,64}`.
    fn name(&self) -> &str;

    /// Its entry in the manifest.
    fn describe(&self) -> ToolEntry;

    /// Does the work; `arguments` is a JSON object that fits the schema.
    ///
    /// # Errors
    /// Whatever the model should read: see [`Failure`].
    fn call_json(&self, host: &H, arguments: &str) -> Result<Reply<H::Cursor>, Failure>;
}

/// A [`Tool`] as one without.
struct Typed<T>(T);

impl<H: Host, T: Tool<H>> UntypedTool<H> for Typed<T> {
    fn name(&self) -> &str {
        T::NAME
    }

    fn describe(&self) -> ToolEntry {
        let info = self.0.info();
        ToolEntry {
            name: T::NAME.to_owned(),
            title: Some(info.title.to_owned()),
            description: info.description,
            access: info.access,
            input_schema: info.databases.add_to(
                info.input
                    .unwrap_or_else(schema::of_arguments::<T::Arguments>),
            ),
            output: info.output,
            annotations: info.annotations,
            icons: info.icons,
            meta: info.meta,
        }
    }

    fn call_json(&self, host: &H, arguments: &str) -> Result<Reply<H::Cursor>, Failure> {
        let arguments = serde_json::from_str(arguments)
            .map_err(|error| Failure::argument("", error.to_string()))?;
        self.0.call(host, arguments)
    }
}
