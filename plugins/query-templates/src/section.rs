//! A table of the file, read key by key: every mistake knows its line.

use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::mistake::{Mistake, hint};

/// A table and where it stands.
#[derive(Clone)]
pub(crate) struct Section<'a> {
    lines: &'a Lines,
    table: &'a DeTable<'a>,
    start: usize,
    tool: Option<String>,
    path: String,
}

pub(crate) type Entry<'a> = &'a Spanned<DeValue<'a>>;

impl<'a> Section<'a> {
    /// The whole file.
    pub(crate) fn root(lines: &'a Lines, table: &'a DeTable<'a>) -> Self {
        Self {
            lines,
            table,
            start: 0,
            tool: None,
            path: String::new(),
        }
    }

    /// The same table, as that of a tool: keys are named from here on.
    pub(crate) fn of_tool(mut self, tool: String) -> Self {
        self.tool = Some(tool);
        self.path.clear();
        self
    }

    /// A mistake at a key, or at the table when there is no such key.
    pub(crate) fn mistake(&self, key: &str, message: impl Into<String>) -> Mistake {
        let start = self.get(key).map_or(self.start, |entry| entry.span().start);
        self.mistake_at(start, key, message)
    }

    /// Refuses keys that are not known.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), Mistake> {
        let unknown = self
            .table
            .keys()
            .filter(|key| !known.contains(&key.get_ref().as_ref()));
        match unknown.min_by_key(|key| key.span().start) {
            None => Ok(()),
            Some(key) => {
                let name: &str = key.get_ref();
                let message = format!("there is no such key{}", hint(name, known));
                Err(self.mistake_at(key.span().start, name, message))
            }
        }
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    pub(crate) fn get(&self, key: &str) -> Option<Entry<'a>> {
        self.table.get(key)
    }

    /// The line of a key's value, from 1.
    pub(crate) fn line(&self, key: &str) -> usize {
        self.lines
            .of(self.get(key).map_or(self.start, |entry| entry.span().start))
    }

    pub(crate) fn text(&self, key: &str) -> Result<Option<&'a str>, Mistake> {
        let Some(entry) = self.get(key) else {
            return Ok(None);
        };
        match entry.get_ref().as_str() {
            Some(text) => Ok(Some(text)),
            None => Err(self.wrong(key, "a string in quotes", entry)),
        }
    }

    /// A text that must be there and say something.
    pub(crate) fn required(&self, key: &str, purpose: &str) -> Result<&'a str, Mistake> {
        match self.text(key)? {
            Some(text) if !text.trim().is_empty() => Ok(text),
            Some(_) => Err(self.mistake(key, format!("is empty; it says {purpose}"))),
            None => Err(self.mistake(key, format!("is missing; it says {purpose}"))),
        }
    }

    pub(crate) fn flag(&self, key: &str) -> Result<Option<bool>, Mistake> {
        let Some(entry) = self.get(key) else {
            return Ok(None);
        };
        match entry.get_ref().as_bool() {
            Some(flag) => Ok(Some(flag)),
            None => Err(self.wrong(key, "true or false", entry)),
        }
    }

    /// A whole number of at least `least`.
    pub(crate) fn count(&self, key: &str, least: u32) -> Result<Option<u32>, Mistake> {
        let Some(entry) = self.get(key) else {
            return Ok(None);
        };
        let number = entry.get_ref().as_integer();
        let number = number.and_then(|n| u32::from_str_radix(n.as_str(), n.radix()).ok());
        match number {
            Some(number) if number >= least => Ok(Some(number)),
            _ => Err(self.wrong(key, &format!("a whole number from {least} on"), entry)),
        }
    }

    /// A length of time such as `10s`, in milliseconds.
    pub(crate) fn milliseconds(&self, key: &str) -> Result<Option<u32>, Mistake> {
        let Some(entry) = self.get(key) else {
            return Ok(None);
        };
        let duration = entry.get_ref().as_str().and_then(duration);
        let milliseconds = duration.and_then(|d| u32::try_from(d.as_millis()).ok());
        match milliseconds {
            Some(milliseconds) if milliseconds > 0 => Ok(Some(milliseconds)),
            _ => Err(self.wrong(key, "a time such as \"500ms\", \"10s\" or \"5m\"", entry)),
        }
    }

    /// One of some words; the first is what holds when nothing is said.
    pub(crate) fn choice(
        &self,
        key: &str,
        words: &[&'static str],
    ) -> Result<&'static str, Mistake> {
        let first = words.first().copied().unwrap_or_default();
        let Some(given) = self.text(key)? else {
            return Ok(first);
        };
        let known = words.iter().find(|word| **word == given).copied();
        known.ok_or_else(|| {
            let words: Vec<_> = words.iter().map(|word| format!("\"{word}\"")).collect();
            self.mistake(
                key,
                format!("must be {}, not \"{given}\"", words.join(" or ")),
            )
        })
    }

    /// A table in this one, written like the example.
    pub(crate) fn section(&self, key: &str, example: &str) -> Result<Option<Self>, Mistake> {
        match self.get(key) {
            None => Ok(None),
            Some(entry) => self.inner(key, example, entry).map(Some),
        }
    }

    /// The tables of this one, in the order of the file, with their keys.
    pub(crate) fn sections(&self) -> Result<Vec<(&'a str, Self)>, Mistake> {
        let mut entries: Vec<_> = self.table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let sections = entries.into_iter().map(|(key, entry)| {
            let key: &str = key.get_ref();
            let example = format!("[tool.{}]", self.path_of(key));
            self.inner(key, &example, entry)
                .map(|section| (key, section))
        });
        sections.collect()
    }

    /// The tables of an array of tables.
    pub(crate) fn array_of_tables(&self, key: &str) -> Result<Vec<Self>, Mistake> {
        let Some(entry) = self.get(key) else {
            return Ok(Vec::new());
        };
        let wanted = format!("a table, written [[{key}]]");
        let Some(array) = entry.get_ref().as_array() else {
            return Err(self.wrong(key, &wanted, entry));
        };
        let tables = array.iter().map(|entry| match entry.get_ref().as_table() {
            Some(table) => Ok(self.inside(key, table, entry.span().start)),
            None => Err(self.wrong(key, &wanted, entry)),
        });
        tables.collect()
    }

    /// `must be …, not 5`
    pub(crate) fn wrong(&self, key: &str, wanted: &str, found: Entry<'a>) -> Mistake {
        let found_is = describe(found.get_ref());
        let message = format!("must be {wanted}, not {found_is}");
        self.mistake_at(found.span().start, key, message)
    }

    fn inner(&self, key: &str, example: &str, entry: Entry<'a>) -> Result<Self, Mistake> {
        match entry.get_ref().as_table() {
            Some(table) => Ok(self.inside(key, table, entry.span().start)),
            None => Err(self.wrong(key, &format!("a table, such as {example}"), entry)),
        }
    }

    fn inside(&self, key: &str, table: &'a DeTable<'a>, start: usize) -> Self {
        Self {
            lines: self.lines,
            table,
            start,
            tool: self.tool.clone(),
            path: self.path_of(key),
        }
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    fn mistake_at(&self, start: usize, key: &str, message: impl Into<String>) -> Mistake {
        let mistake = Mistake::new(message)
            .line(self.lines.of(start))
            .key(self.path_of(key));
        match &self.tool {
            Some(tool) => mistake.tool(tool),
            None => mistake,
        }
    }
}

/// Where the lines of a text end.
pub(crate) struct Lines(Vec<usize>);

impl Lines {
    pub(crate) fn in_text(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(at, _)| at).collect())
    }

    /// The line of a byte, from 1.
    pub(crate) fn of(&self, offset: usize) -> usize {
        self.0.partition_point(|end| *end < offset) + 1
    }
}

/// What a value is, for a message: text is quoted, for it may say it all.
fn describe(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(datetime) => datetime.to_string(),
        DeValue::Array(items) if items.is_empty() => "an empty list".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

fn duration(text: &str) -> Option<Duration> {
    let unit = text.find(|next: char| !next.is_ascii_digit())?;
    let (number, unit) = text.split_at(unit);
    let number: u64 = number.parse().ok()?;
    match unit.trim_start() {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_secs(number.checked_mul(60)?)),
        "h" => Some(Duration::from_secs(number.checked_mul(3600)?)),
        _ => None,
    }
}
