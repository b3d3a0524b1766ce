//! `[tool_sets]`: where components are found, and how a scope names one.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::ConfigError;

/// `[tool_sets]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ToolSetsSection {
    /// The folder in which tool set `x` is the file `x.wasm`.
    pub dir: PathBuf,
    /// Whether files that change are loaded again.
    pub watch: bool,
    /// Where compiled code is kept for the next start. Without it
    /// [`DEFAULT_CACHE`], if that can be written.
    pub cache: Option<PathBuf>,
    /// What was accepted of each tool set, or `off`. Without it a file beside the
    /// state's key.
    pub lock: Option<PathBuf>,
}

impl Default for ToolSetsSection {
    fn default() -> Self {
        Self {
            dir: PathBuf::from("/plugins"),
            watch: true,
            cache: None,
            lock: None,
        }
    }
}

/// Where compiled code is kept if nothing else is configured.
pub const DEFAULT_CACHE: &str = "/var/cache/mssql-mcp";

/// One of a scope's `tool_sets`: a name, or a table that begins with one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolSetEntry {
    /// Name of the file without `.wasm`, or `*` for every file of the folder that
    /// the scope does not name.
    pub file: String,
    /// SHA-256 that the file must have, in hexadecimal.
    pub digest: Option<String>,
    /// The tools that are served, by their own names and in this order; without it
    /// all of them.
    pub tools: Option<Vec<String>>,
    /// Put before the name of each tool and prompt.
    pub prefix: String,
    /// Names in place of a tool's own; the prefix is not added to these.
    pub rename: BTreeMap<String, String>,
}

impl ToolSetEntry {
    /// The file of that name, all of it.
    pub fn named(file: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            digest: None,
            tools: None,
            prefix: String::new(),
            rename: BTreeMap::new(),
        }
    }

    /// Whether it stands for every file that is not named.
    pub fn is_rest(&self) -> bool {
        self.file == REST
    }

    pub(super) fn check(&self, key: &str) -> Result<(), ConfigError> {
        let rule = |message: &str| Err(ConfigError::rule(key, message));
        if self.file.is_empty() || self.file.contains(['/', '\\', '.']) {
            return rule("a tool set is named like its file without .wasm and without a folder");
        }
        if self.is_rest() && *self != Self::named(REST) {
            return rule("\"*\" stands for itself; name a file to choose among its tools");
        }
        if let Some(digest) = &self.digest
            && !(digest.len() == 64
                && digest
                    .bytes()
                    .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
        {
            return rule(
                "digest is \"sha256:\" and 64 hexadecimal digits, as `mssql-mcp plugin inspect` \
                 prints it",
            );
        }
        let names = self.rename.values().chain([&self.prefix]);
        for name in names {
            let well_formed = name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
            if !well_formed || name.len() > MAX_NAME {
                return rule("names of tools are made of at most 64 of A-Z a-z 0-9 _ -");
            }
        }
        if self.rename.values().any(String::is_empty) {
            return rule("a tool cannot be renamed to nothing");
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for ToolSetEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            file: String,
            digest: Option<String>,
            tools: Option<Vec<String>>,
            #[serde(default)]
            prefix: String,
            #[serde(default)]
            rename: BTreeMap<String, String>,
        }

        struct Entry;

        impl<'de> Visitor<'de> for Entry {
            type Value = ToolSetEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a tool set's name, or a table { file, digest, tools, prefix, rename }")
            }

            fn visit_str<E>(self, name: &str) -> Result<ToolSetEntry, E> {
                Ok(ToolSetEntry::named(name))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ToolSetEntry, A::Error> {
                let table = Table::deserialize(MapAccessDeserializer::new(map))?;
                let digest = table.digest.map(|digest| {
                    let bare = digest.strip_prefix("sha256:").unwrap_or(&digest);
                    bare.to_owned()
                });
                Ok(ToolSetEntry {
                    file: table.file,
                    digest,
                    tools: table.tools,
                    prefix: table.prefix,
                    rename: table.rename,
                })
            }
        }

        deserializer.deserialize_any(Entry)
    }
}

const REST: &str = "*";
/// Bytes of a tool's name.
const MAX_NAME: usize = 64;
