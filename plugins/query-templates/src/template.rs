//! One `[[tool]]` of the file.

use mssql_mcp_sdk::statement::{self, Verb};
use mssql_mcp_sdk::{Access, Annotations, JsonShape, Options};

use crate::mistake::{Mistake, nearest};
use crate::parameter::{self, Parameter};
use crate::section::Section;

/// A tool.
#[derive(Debug)]
pub(crate) struct Template {
    pub(crate) name: String,
    pub(crate) title: Option<String>,
    pub(crate) description: String,
    pub(crate) sql: String,
    pub(crate) database: String,
    pub(crate) access: Access,
    pub(crate) rows: JsonShape,
    pub(crate) options: Options,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) annotations: Annotations,
    /// Of its name.
    pub(crate) line: usize,
    /// Of its statement.
    pub(crate) sql_line: usize,
}

impl Template {
    /// Reads the table of the tool with this number.
    pub(crate) fn read(section: Section<'_>, number: usize, most: Access) -> Result<Self, Mistake> {
        let named = section.text("name").ok().flatten();
        let called = named.map_or_else(|| number.to_string(), |name| format!("{name:?}"));
        let section = section.of_tool(called);
        section.only(&KEYS)?;
        let name = section.required("name", "how the tool is called")?;
        if !is_tool_name(name) {
            return Err(section.mistake("name", "must be 1 to 64 of A-Z a-z 0-9 _ -"));
        }
        let sql = section.required("sql", "what the tool runs")?;
        let access = access(&section, sql, most)?;
        let parameters = parameters(&section, sql)?;
        let rows = match section.choice("rows", &["objects", "arrays"])? {
            "arrays" => JsonShape::Arrays,
            _ => JsonShape::Objects,
        };
        let title = section
            .has("title")
            .then(|| section.required("title", "what people read"));
        Ok(Self {
            name: name.to_owned(),
            title: title.transpose()?.map(str::to_owned),
            description: section
                .required("description", "to a model when to use the tool")?
                .to_owned(),
            sql: sql.trim().to_owned(),
            database: section.text("database")?.unwrap_or_default().to_owned(),
            access,
            rows,
            options: Options {
                max_rows: section.count("max_rows", 1)?,
                max_bytes: None,
                timeout_ms: section.milliseconds("timeout")?,
                cache_ttl_ms: section.milliseconds("cache")?,
            },
            parameters,
            annotations: annotations(&section, access)?,
            line: section.line("name"),
            sql_line: section.line("sql"),
        })
    }
}

/// What the tool may do, held against what its statement does and what this
/// component can.
fn access(section: &Section<'_>, sql: &str, most: Access) -> Result<Access, Mistake> {
    let verb = statement::verb(sql);
    if section.choice("access", &["read", "write"])? == "read" {
        if verb == Some(Verb::Change) {
            return Err(section.mistake("sql", "changes data; that needs access = \"write\""));
        }
        return Ok(Access::Read);
    }
    if most == Access::Read {
        return Err(section.mistake(
            "access",
            "\"write\" needs the tool set query-templates-write; this one can only read",
        ));
    }
    if verb == Some(Verb::Select) {
        return Err(section.mistake(
            "access",
            "\"write\" is not for a SELECT, which changes nothing",
        ));
    }
    for key in ["rows", "max_rows", "cache"] {
        if section.has(key) {
            return Err(section.mistake(key, "is for tools that read; one that writes has no rows"));
        }
    }
    Ok(Access::Write)
}

/// The parameters, which are those of the statement.
fn parameters(section: &Section<'_>, sql: &str) -> Result<Vec<Parameter>, Mistake> {
    let mut parameters: Vec<Parameter> = Vec::new();
    let used = statement::parameters(sql);
    if let Some(declared) = section.section("parameters", "[tool.parameters.name]")? {
        for (name, table) in declared.sections()? {
            let same = |other: &&Parameter| other.name.eq_ignore_ascii_case(name);
            if let Some(other) = parameters.iter().find(same) {
                return Err(declared.mistake(
                    name,
                    format!("differs from {} in its capitals alone", other.name),
                ));
            }
            if !parameter::is_name(name) {
                return Err(declared.mistake(name, NO_NAME));
            }
            let parameter = Parameter::read(name, &table)?;
            // Used in other capitals, it is a slip that is told below.
            if !used.iter().any(|used| used.eq_ignore_ascii_case(name)) {
                return Err(declared.mistake(name, format!("sql does not use @{name}")));
            }
            parameters.push(parameter);
        }
    }
    let names: Vec<&str> = parameters.iter().map(|one| one.name.as_str()).collect();
    match used.into_iter().find(|used| !names.contains(used)) {
        None => Ok(parameters),
        Some(unknown) => {
            let hint = match nearest(unknown, &names) {
                Some(near) => format!("did you mean @{near}?"),
                None => format!("add [tool.parameters.{unknown}]"),
            };
            Err(section.mistake(
                "sql",
                format!("uses @{unknown}, which is no parameter; {hint}"),
            ))
        }
    }
}

fn annotations(section: &Section<'_>, access: Access) -> Result<Annotations, Mistake> {
    let writes = access == Access::Write;
    let mut annotations = Annotations {
        read_only: Some(!writes),
        destructive: Some(writes),
        idempotent: Some(!writes),
        open_world: Some(false),
    };
    let Some(given) = section.section("annotations", "[tool.annotations]")? else {
        return Ok(annotations);
    };
    for (key, place) in [("title", "title"), ("read_only", "access")] {
        if given.has(key) {
            return Err(given.mistake(
                key,
                format!("is said by the key {place} of the tool itself"),
            ));
        }
    }
    given.only(&["destructive", "idempotent", "open_world"])?;
    if given.flag("destructive")? == Some(true) && !writes {
        return Err(given.mistake("destructive", "is for tools with access = \"write\""));
    }
    annotations.destructive = given.flag("destructive")?.or(annotations.destructive);
    annotations.idempotent = given.flag("idempotent")?.or(annotations.idempotent);
    annotations.open_world = given.flag("open_world")?.or(annotations.open_world);
    Ok(annotations)
}

fn is_tool_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

const NO_NAME: &str = "is no name of a parameter; use 1 to 64 letters, digits and _, not beginning \
    with a digit or mcp_";
const KEYS: [&str; 12] = [
    "name",
    "title",
    "description",
    "sql",
    "database",
    "access",
    "rows",
    "max_rows",
    "timeout",
    "cache",
    "parameters",
    "annotations",
];
