//! One scope as the protocol sees it: a name, a title and the current tools.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::jsonrpc::encode;
use super::tools::Listings;
use super::version::Revision;
use crate::tools::ToolRegistry;

/// What a path serves. Shared by every transport and request.
pub struct McpScope {
    name: Arc<str>,
    tools: Arc<ArcSwap<ToolRegistry>>,
    listings: Listings,
    untitled: String,
    titled: String,
}

impl McpScope {
    /// `name` is the scope's path without the slash; `title` is what people
    /// see in their client; `tools` may be swapped at any time.
    pub fn new(name: impl Into<Arc<str>>, title: &str, tools: Arc<ArcSwap<ToolRegistry>>) -> Self {
        let mut untitled = br#"{"name":"mssql-mcp","version":"#.to_vec();
        encode(&mut untitled, env!("CARGO_PKG_VERSION"));
        let mut titled = untitled.clone();
        titled.extend_from_slice(br#","title":"#);
        encode(&mut titled, title);
        for object in [&mut untitled, &mut titled] {
            object.push(b'}');
        }
        Self {
            name: name.into(),
            tools,
            listings: Listings::default(),
            untitled: String::from_utf8_lossy(&untitled).into_owned(),
            titled: String::from_utf8_lossy(&titled).into_owned(),
        }
    }

    /// The scope's path without the slash.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The tools of this moment.
    pub(crate) fn registry(&self) -> Arc<ToolRegistry> {
        self.tools.load_full()
    }

    /// Prepared `tools/list` results.
    pub(crate) fn listings(&self) -> &Listings {
        &self.listings
    }

    /// MCP `Implementation`, encoded. `title` came with 2025-06-18.
    pub(crate) fn server_info(&self, revision: Revision) -> &str {
        if revision >= Revision::V2025_06_18 {
            &self.titled
        } else {
            &self.untitled
        }
    }
}
