//! `tools/list`: a registry never changes, so its listing is encoded once for
//! each revision and set of rights.

use std::sync::{Arc, OnceLock, Weak};

use arc_swap::ArcSwap;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::result::{cacheable, complete, members};
use crate::mcp::dispatch::Caller;
use crate::mcp::error::RpcError;
use crate::mcp::jsonrpc::{Reply, Request, encode, quoted};
use crate::mcp::version::Revision;
use crate::principal::{OAuthScope, Principal};
use crate::tools::{Access, Tool, ToolRegistry};

/// `tools/list`: always one page, since many clients read no second.
pub(crate) fn list(caller: &Caller<'_>, request: &Request<'_>) -> Result<Vec<u8>, RpcError> {
    if !request.params.begins() {
        return Err(RpcError::invalid_params(
            "Invalid params: the cursor is not one this server gave; tools come in one page",
        ));
    }
    let Caller {
        scope, revision, ..
    } = *caller;
    let tools = scope
        .listings()
        .get(&scope.registry(), revision, caller.principal.as_deref());
    let mut reply = Reply::to(request.id, tools.len() + LIST_EXTRA_BYTES);
    reply.raw("tools", &tools);
    cacheable(revision, &mut reply);
    Ok(complete(scope, revision, reply, None))
}

/// The encoded listings of the registry that was asked last.
pub(crate) struct Listings(ArcSwap<Prepared>);

/// One slot for each revision and set of rights. The registry is held weakly:
/// tool sets that were replaced must be free to go.
struct Prepared {
    registry: Weak<ToolRegistry>,
    slots: [[OnceLock<Arc<str>>; RIGHTS]; Revision::ALL.len()],
}

impl Default for Listings {
    fn default() -> Self {
        Self(ArcSwap::from_pointee(Prepared::of(Weak::new())))
    }
}

impl Listings {
    fn get(
        &self,
        registry: &Arc<ToolRegistry>,
        revision: Revision,
        principal: Option<&Principal>,
    ) -> Arc<str> {
        let mut prepared = self.0.load_full();
        if !std::ptr::eq(prepared.registry.as_ptr(), Arc::as_ptr(registry)) {
            prepared = Arc::new(Prepared::of(Arc::downgrade(registry)));
            self.0.store(Arc::clone(&prepared));
        }
        let slot = prepared
            .slots
            .get(revision as usize)
            .and_then(|rights| rights.get(rights_index(principal)));
        match slot {
            Some(slot) => Arc::clone(slot.get_or_init(|| encoded(registry, revision, principal))),
            None => encoded(registry, revision, principal),
        }
    }
}

impl Prepared {
    fn of(registry: Weak<ToolRegistry>) -> Self {
        Self {
            registry,
            slots: Default::default(),
        }
    }
}

/// A listing depends on the caller's rights alone, not on the person.
fn rights_index(principal: Option<&Principal>) -> usize {
    principal.map_or(0, |principal| {
        1 + usize::from(principal.has(OAuthScope::Read))
            + 2 * usize::from(principal.has(OAuthScope::Write))
    })
}

fn encoded(registry: &ToolRegistry, revision: Revision, principal: Option<&Principal>) -> Arc<str> {
    let mut buffer = b"[".to_vec();
    for tool in registry.list(principal) {
        if buffer.len() > 1 {
            buffer.push(b',');
        }
        write_tool(&mut buffer, tool, revision, principal.is_some());
    }
    buffer.push(b']');
    String::from_utf8_lossy(&buffer).into()
}

/// One MCP `Tool`, with the members that `revision` knows. Where callers are
/// `authenticated` it says so, and how, twice: ChatGPT reads both places.
fn write_tool(buffer: &mut Vec<u8>, tool: &Tool, revision: Revision, authenticated: bool) {
    let mut raw = |name: &str, json: &str| {
        buffer.extend_from_slice(if name == "name" { b"{\"" } else { b",\"" });
        buffer.extend_from_slice(name.as_bytes());
        buffer.extend_from_slice(b"\":");
        buffer.extend_from_slice(json.as_bytes());
    };
    raw("name", &quoted(&tool.name));
    let title = tool.title.as_deref().map(quoted);
    if let Some(title) = title.as_deref().filter(|_| revision.has_titles()) {
        raw("title", title);
    }
    raw("description", &quoted(&tool.description));
    raw("inputSchema", tool.input_schema.get());
    if let Some(schema) = tool
        .output_schema
        .as_deref()
        .filter(|schema| listed(schema, revision))
    {
        raw("outputSchema", schema.get());
    }
    if revision.has_annotations() {
        let mut annotations = Vec::new();
        encode(&mut annotations, &tool.annotations);
        let mut annotations = String::from_utf8_lossy(&annotations).into_owned();
        if let (Some(title), false) = (&title, revision.has_titles()) {
            // Where tools had no title of their own it was a hint.
            annotations.insert_str(1, &format!("\"title\":{title},"));
        }
        raw("annotations", &annotations);
    }
    if revision.has_icons() && !tool.icons.is_empty() {
        let mut icons = Vec::new();
        encode(&mut icons, &tool.icons);
        raw("icons", &String::from_utf8_lossy(&icons));
    }
    if revision.has_structured_content() {
        let schemes = authenticated.then(|| security_schemes(tool.access));
        if let Some(schemes) = &schemes {
            raw("securitySchemes", schemes);
        }
        match (&schemes, tool.meta.as_deref()) {
            (None, None) => {}
            (None, Some(meta)) => raw("_meta", meta.get()),
            (Some(schemes), meta) => {
                let own = meta.and_then(members).unwrap_or_default();
                let comma = if own.is_empty() { "" } else { "," };
                // Last, so that a tool set cannot speak for the server.
                let all = format!("{{{own}{comma}\"securitySchemes\":{schemes}}}");
                raw("_meta", &all);
            }
        }
    }
    buffer.push(b'}');
}

/// What the tool asks of its caller, as OpenAI's extension of `Tool` has it.
fn security_schemes(access: Access) -> String {
    let scope = match access {
        Access::Read => OAuthScope::Read,
        Access::Write => OAuthScope::Write,
    };
    format!(r#"[{{"type":"oauth2","scopes":["{scope}"]}}]"#)
}

/// Whether `revision` can carry this output schema.
fn listed(schema: &RawValue, revision: Revision) -> bool {
    #[derive(Deserialize)]
    struct Root<'a> {
        #[serde(borrow, rename = "type")]
        kind: Option<&'a RawValue>,
    }
    revision.structures_any_value()
        || revision.has_structured_content()
            && serde_json::from_str::<Root<'_>>(schema.get())
                .is_ok_and(|root| root.kind.is_some_and(|kind| kind.get() == "\"object\""))
}

/// No principal, and the subsets of two rights.
const RIGHTS: usize = 5;
const LIST_EXTRA_BYTES: usize = 256;
