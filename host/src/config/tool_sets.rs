//! `[tool_sets]`: where components are found.

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
