//! Native code becomes a component: its imports and exports are checked. What a
//! scope may not have is refused by the component's type, before any of its code
//! runs.

use std::fmt;
use std::sync::Arc;

use wasmtime::component::InstancePre;

use super::engine::Runtime;
use super::error::LoadError;
use super::job::{Exports, LIFECYCLE, PROMPTS, PROVIDER, RESOURCES};
use super::state::StoreState;

/// A compiled tool set, not yet bound to a scope. Cheap to clone: scopes that
/// use one file share one compilation.
#[derive(Clone)]
pub struct Component {
    pub(super) pre: InstancePre<StoreState>,
    pub(super) exports: Exports,
    digest: Arc<str>,
    size: usize,
    imports: Arc<[String]>,
}

impl Component {
    /// Takes native code that this program compiled from the file with that digest
    /// and that many bytes, and checks what it imports and exports.
    ///
    /// The code is run. It must come from [`super::compile`] or from a cache that
    /// vouches for it.
    pub(super) fn of_native(
        runtime: &Runtime,
        native: &[u8],
        digest: String,
        size: usize,
    ) -> Result<Self, LoadError> {
        #[expect(
            unsafe_code,
            reason = "wasmtime cannot tell code from bytes; callers hand over what this program's \
                      own compiler wrote a moment ago, or what carries its authentication code"
        )]
        // SAFETY: see the reason above; the bytes are in this process's memory and
        // nobody changes them.
        let component =
            unsafe { wasmtime::component::Component::deserialize(&runtime.engine, native) };
        let component = component.map_err(|error| LoadError::Unfit(format!("{error:#}")))?;
        let imports: Vec<String> = component
            .component_type()
            .imports(&runtime.engine)
            .map(|(name, _)| name.to_owned())
            .collect();
        let exported = component.component_type();
        let exported: Vec<&str> = exported
            .exports(&runtime.engine)
            .map(|(name, _)| name)
            .collect();
        let mut names = imports.iter().map(String::as_str).chain(exported.clone());
        if let Some(other) = names.find(|name| is_of_another_major(name)) {
            return Err(other_major(other));
        }
        let misfit = |error| LoadError::Contract(format!("{error:#}"));
        let pre = runtime.linker.instantiate_pre(&component).map_err(misfit)?;
        let unknown = exported
            .iter()
            .find(|name| name.starts_with(EXPORTS) && !is_known_export(name));
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
            digest: digest.into(),
            size,
            imports: imports.into(),
        })
    }

    /// Bytes of the file.
    pub fn size(&self) -> usize {
        self.size
    }

    /// SHA-256 of the file, in lower-case hexadecimal.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    pub(super) fn shared_digest(&self) -> Arc<str> {
        Arc::clone(&self.digest)
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

/// Whether `name` is of the contract, in versions that have nothing to do with ours.
fn is_of_another_major(name: &str) -> bool {
    name.starts_with(CONTRACT) && major(version(name)) != major(version(PROVIDER))
}

fn other_major(name: &str) -> LoadError {
    LoadError::OtherMajor {
        interface: name.to_owned(),
        found: version(name).to_owned(),
        ours: version(PROVIDER),
    }
}

/// In any version of our major: later ones of an export are the same.
fn is_known_export(name: &str) -> bool {
    KNOWN_EXPORTS
        .iter()
        .any(|known| interface(known) == interface(name))
}

/// `a:b/c` of `a:b/c@1.0.0`
fn interface(name: &str) -> &str {
    name.split_once('@')
        .map_or(name, |(interface, _)| interface)
}

/// `1.0.0` of `a:b/c@1.0.0`
fn version(name: &str) -> &str {
    name.split_once('@').map_or("", |(_, version)| version)
}

/// `1` of `1.0.0`
fn major(version: &str) -> &str {
    version.split('.').next().unwrap_or_default()
}

/// Of the contract, in any version.
const CONTRACT: &str = "mssql-mcp:";
/// Of the contract, in any version: what is not known would be left out in silence.
const EXPORTS: &str = "mssql-mcp:tools/";
const KNOWN_EXPORTS: [&str; 4] = [PROVIDER, RESOURCES, PROMPTS, LIFECYCLE];
/// What only world `write-tools` has, in any version.
const WRITE_INTERFACE: &str = "mssql-mcp:database/db-execute@";
