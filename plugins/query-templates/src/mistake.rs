//! A mistake in the file, as one sentence that says where it is.

use std::fmt;

/// Why a file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    line: Option<usize>,
    tool: Option<String>,
    key: String,
    message: String,
}

impl Mistake {
    /// A mistake of the file as a whole.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            line: None,
            tool: None,
            key: String::new(),
            message: message.into(),
        }
    }

    /// In this line, counted from 1.
    pub(crate) fn line(mut self, line: usize) -> Self {
        self.line = Some(line);
        self
    }

    /// Of this tool.
    pub(crate) fn tool(mut self, tool: impl Into<String>) -> Self {
        self.tool = Some(tool.into());
        self
    }

    /// At this key: a dotted path in the tool, or in the file.
    pub(crate) fn key(mut self, key: impl Into<String>) -> Self {
        self.key = key.into();
        self
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut place = Vec::new();
        if let Some(line) = self.line {
            place.push(format!("line {line}"));
        }
        if let Some(tool) = &self.tool {
            place.push(format!("tool {tool}"));
        }
        if !self.key.is_empty() {
            place.push(self.key.clone());
        }
        if !place.is_empty() {
            write!(formatter, "{}: ", place.join(", "))?;
        }
        formatter.write_str(&self.message)
    }
}

/// `; did you mean …?`, where a known name is near or is what others call it.
pub(crate) fn hint(given: &str, known: &[&str]) -> String {
    nearest(given, known).map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"))
}

pub(crate) fn nearest<'a>(given: &str, known: &[&'a str]) -> Option<&'a str> {
    let given = given.to_ascii_lowercase();
    let meant = OTHER_WORDS
        .iter()
        .find(|(words, _)| words.split(' ').any(|word| word == given))
        .and_then(|(_, ours)| known.iter().find(|known| *known == ours));
    meant.copied().or_else(|| {
        known
            .iter()
            .map(|known| {
                (
                    strsim::jaro_winkler(&given, &known.to_ascii_lowercase()),
                    *known,
                )
            })
            .filter(|(likeness, _)| *likeness > 0.7)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, known)| known)
    })
}

/// What files of other servers, JSON Schema and SQL Server say, and what is said
/// here.
const OTHER_WORDS: [(&str, &str); 16] = [
    ("statement query", "sql"),
    ("source connection", "database"),
    ("readonly read_only readonlyhint", "access"),
    ("allowedvalues allowed_values values", "enum"),
    ("minvalue min_value minimum", "min"),
    ("maxvalue max_value maximum", "max"),
    ("minlength", "min_length"),
    ("maxlength", "max_length"),
    ("limit row_limit", "max_rows"),
    ("int bigint smallint tinyint", "integer"),
    ("float double real", "number"),
    ("money numeric", "decimal"),
    ("bool bit", "boolean"),
    ("text varchar nvarchar char", "string"),
    ("guid uniqueidentifier", "uuid"),
    ("list", "array"),
];
