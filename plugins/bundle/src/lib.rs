//! The tool sets as compiled components.

/// A component.
#[derive(Debug, Clone, Copy)]
pub struct Component {
    /// Name of the tool set; its file is `{name}.wasm`.
    pub name: &'static str,
    /// The bytes of that file.
    pub wasm: &'static [u8],
}

/// Tools for Claude, read-only.
pub const CLAUDE_TOOLS: Component = Component {
    name: "claude-tools",
    wasm: include_bytes!(concat!(env!("OUT_DIR"), "/claude-tools.wasm")),
};

/// Tools for Claude that also write.
pub const CLAUDE_TOOLS_WRITE: Component = Component {
    name: "claude-tools-write",
    wasm: include_bytes!(concat!(env!("OUT_DIR"), "/claude-tools-write.wasm")),
};

/// Tools for ChatGPT.
pub const CHATGPT_SEARCH_FETCH: Component = Component {
    name: "chatgpt-search-fetch",
    wasm: include_bytes!(concat!(env!("OUT_DIR"), "/chatgpt-search-fetch.wasm")),
};

/// All of them.
pub const ALL: &[Component] = &[CLAUDE_TOOLS, CLAUDE_TOOLS_WRITE, CHATGPT_SEARCH_FETCH];
