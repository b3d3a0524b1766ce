//! `[tool_sets]` and `[state]`: where components are found, and what must
//! survive a restart is kept.

use std::path::PathBuf;

use serde::Deserialize;

/// `[tool_sets]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ToolSetsSection {
    /// The folder in which tool set `x` is the file `x.wasm`.
    pub dir: PathBuf,
}

impl Default for ToolSetsSection {
    fn default() -> Self {
        Self {
            dir: PathBuf::from("/plugins"),
        }
    }
}

/// `[state]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StateSection {
    /// The key for sealed values; made on first use. Without it a new one
    /// serves until the process ends.
    pub key_file: Option<PathBuf>,
}
