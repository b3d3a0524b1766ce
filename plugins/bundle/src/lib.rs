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

/// An operator's queries as tools, read-only.
pub const QUERY_TEMPLATES: Component = Component {
    name: "query-templates",
    wasm: include_bytes!(concat!(env!("OUT_DIR"), "/query-templates.wasm")),
};

/// An operator's queries as tools, which may also write.
pub const QUERY_TEMPLATES_WRITE: Component = Component {
    name: "query-templates-write",
    wasm: include_bytes!(concat!(env!("OUT_DIR"), "/query-templates-write.wasm")),
};

/// Misbehaves in every way that the sandbox must contain, for `mssql-mcp attack`.
/// Nobody is served it.
pub const HOSTILE: Component = Component {
    name: "hostile",
    wasm: include_bytes!(concat!(env!("OUT_DIR"), "/hostile.wasm")),
};

/// The same, built for the world that may write.
pub const HOSTILE_WRITE: Component = Component {
    name: "hostile-write",
    wasm: include_bytes!(concat!(env!("OUT_DIR"), "/hostile-write.wasm")),
};

/// All that are served.
pub const ALL: &[Component] = &[
    CLAUDE_TOOLS,
    CLAUDE_TOOLS_WRITE,
    CHATGPT_SEARCH_FETCH,
    QUERY_TEMPLATES,
    QUERY_TEMPLATES_WRITE,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the component's type names the interface.
    fn names(component: &Component, interface: &str) -> bool {
        component
            .wasm
            .windows(interface.len())
            .any(|window| window == interface.as_bytes())
    }

    #[test]
    fn only_the_writing_sets_can_name_the_means_to_write() {
        let writing: Vec<_> = ALL
            .iter()
            .filter(|component| names(component, "mssql-mcp:database/db-execute"))
            .map(|component| component.name)
            .collect();
        assert_eq!(writing, ["claude-tools-write", "query-templates-write"]);
    }

    #[test]
    fn every_component_exports_the_contract() {
        for component in ALL {
            // The header of a component, not of a core module.
            assert_eq!(component.wasm.get(..8), Some(&b"\0asm\x0d\0\x01\0"[..]));
            assert!(
                names(component, "mssql-mcp:tools/provider"),
                "{}",
                component.name
            );
        }
    }
}
