//! The file of templates.

use std::sync::Arc;

use mssql_mcp_sdk::{Access, Host};
use toml::de::DeTable;

use crate::mistake::Mistake;
use crate::section::{Lines, Section};
use crate::template::Template;

/// What the file says, checked.
#[derive(Debug)]
pub struct File {
    pub(crate) name: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) instructions: Option<String>,
    pub(crate) templates: Vec<Arc<Template>>,
}

impl File {
    /// Reads the file that the setting `file` names: the host gives its text.
    ///
    /// # Errors
    /// The first [`Mistake`].
    pub fn of<H: Host>(host: &H, most: Access) -> Result<Self, Mistake> {
        let text = host.config("file").ok_or_else(|| {
            Mistake::new(
                "the setting \"file\" is missing; it names the TOML file with the templates",
            )
        })?;
        Self::parse(&text, most)
    }

    /// Reads the text of a file whose templates may do at most this.
    ///
    /// # Errors
    /// The first [`Mistake`].
    pub fn parse(text: &str, most: Access) -> Result<Self, Mistake> {
        let lines = Lines::in_text(text);
        let table = DeTable::parse(text).map_err(|error| {
            let message = error.message().replace('\n', "; ");
            let start = error.span().map_or(0, |span| span.start);
            Mistake::new(format!("this is not TOML: {message}")).line(lines.of(start))
        })?;
        let root = Section::root(&lines, table.get_ref());
        root.only(&["name", "version", "description", "instructions", "tool"])?;
        let of_the_file = |key| {
            let said = root
                .has(key)
                .then(|| root.required(key, "what clients show"));
            said.transpose().map(|text| text.map(str::to_owned))
        };
        let mut templates: Vec<Arc<Template>> = Vec::new();
        for (at, section) in root.array_of_tables("tool")?.into_iter().enumerate() {
            let template = Template::read(section, at + 1, most)?;
            if let Some(first) = templates.iter().find(|first| first.name == template.name) {
                return Err(Mistake::new(format!(
                    "the tool of line {} has the same name",
                    first.line
                ))
                .line(template.line)
                .tool(format!("{:?}", template.name))
                .key("name"));
            }
            templates.push(Arc::new(template));
        }
        if templates.is_empty() {
            return Err(Mistake::new("the file has no [[tool]]"));
        }
        Ok(Self {
            name: of_the_file("name")?,
            version: of_the_file("version")?,
            description: of_the_file("description")?,
            instructions: of_the_file("instructions")?,
            templates,
        })
    }
}
