//! A file becomes a component: read once, hashed, checked, compiled. What a
//! scope may not have is refused by the component's type, before any of its
//! code runs.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};

use wasmtime::component::InstancePre;

use super::engine::Runtime;
use super::error::LoadError;
use super::job::{Exports, PROMPTS, PROVIDER, RESOURCES};
use super::state::StoreState;

/// A compiled tool set, not yet bound to a scope. Cheap to clone: scopes that
/// use one file share one compilation.
#[derive(Clone)]
pub struct Component {
    pub(super) pre: InstancePre<StoreState>,
    pub(super) exports: Exports,
    digest: Arc<str>,
    imports: Arc<[String]>,
}

impl Component {
    /// Checks and compiles `wasm`. Takes CPU time in proportion to its size
    /// (67 KB of Rust 0.14 s, 18 MB of Python 7 s on two cores): call it on a
    /// thread that may block.
    pub fn compile(runtime: &Runtime, wasm: &[u8]) -> Result<Self, LoadError> {
        check_header(wasm)?;
        let component = wasmtime::component::Component::new(&runtime.engine, wasm)
            .map_err(|error| LoadError::NotAComponent(format!("{error:#}")))?;
        let imports: Vec<String> = component
            .component_type()
            .imports(&runtime.engine)
            .map(|(name, _)| name.to_owned())
            .collect();
        let misfit = |error| LoadError::Contract(format!("{error:#}"));
        let pre = runtime.linker.instantiate_pre(&component).map_err(misfit)?;
        let exported = component.component_type();
        let exported = exported.exports(&runtime.engine);
        let unknown = exported
            .map(|(name, _)| name)
            .find(|name| name.starts_with(EXPORTS) && !KNOWN_EXPORTS.contains(name));
        if let Some(unknown) = unknown {
            return Err(LoadError::Contract(format!(
                "it exports {unknown}, which this host does not know; it looks for {}",
                KNOWN_EXPORTS.join(", ")
            )));
        }
        let exports = Exports::find(&pre).map_err(misfit)?;
        Ok(Self {
            pre,
            exports,
            digest: hex(digest(&SHA256, wasm).as_ref()).into(),
            imports: imports.into(),
        })
    }

    /// SHA-256 of the file, in lower-case hexadecimal.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Names of the interfaces that the component imports, in its order.
    pub fn imports(&self) -> &[String] {
        &self.imports
    }

    /// The import that lets this component write, if it has one.
    pub fn write_import(&self) -> Option<&str> {
        self.imports
            .iter()
            .map(String::as_str)
            .find(|name| name.starts_with(WRITE_INTERFACE))
    }
}

impl fmt::Debug for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Component")
            .field("digest", &self.digest)
            .finish_non_exhaustive()
    }
}

/// Tells apart the mistakes that operators make with files, which the engine's
/// messages do not.
fn check_header(wasm: &[u8]) -> Result<(), LoadError> {
    if wasm.len() > MAX_BYTES {
        return Err(LoadError::TooLarge {
            size: wasm.len(),
            limit: MAX_BYTES,
        });
    }
    let reason = match wasm {
        [0, b'a', b's', b'm', _, _, 1, 0, ..] => return Ok(()),
        [0, b'a', b's', b'm', _, _, 0, 0, ..] => {
            "it is a core module; build it for the target wasm32-wasip2"
        }
        [] => "the file is empty",
        _ => "the file does not begin as WebAssembly does",
    };
    Err(LoadError::NotAComponent(reason.to_owned()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Of the contract, in any version: what is not known would be left out in silence.
const EXPORTS: &str = "mssql-mcp:tools/";
const KNOWN_EXPORTS: [&str; 3] = [PROVIDER, RESOURCES, PROMPTS];
/// What only world `write-tools` has, in any version.
const WRITE_INTERFACE: &str = "mssql-mcp:database/db-execute@";
/// Largest file: components made from Python have some 20 MB.
const MAX_BYTES: usize = 64 << 20;
