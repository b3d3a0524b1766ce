//! From a file in the folder to a component: read once, within its limit, held
//! against its pins, compiled.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::uses::{Basis, Use};
use super::{ToolSets, check_pins};
use crate::app::BuildError;
use crate::runtime::{CompileLimits, Component, LoadError, sha256};

impl ToolSets {
    /// Reads, checks and compiles the file as it is now. What is compiled already, because
    /// it serves or waits, is not compiled again.
    pub(super) async fn version(
        &self,
        file: &str,
        basis: &Basis,
    ) -> Result<(Component, Arc<[u8]>), BuildError> {
        let limits = compile_limits(&basis.uses);
        let (files, name) = (self.files.clone(), file.to_owned());
        let read = tokio::task::spawn_blocking(move || {
            let wasm = files.read(&name, limits.size)?;
            let digest = sha256(&wasm);
            Ok::<_, BuildError>((wasm, digest))
        });
        let (wasm, digest) = read
            .await
            .map_err(|_| BuildError::Lost(file.to_owned()))??;
        check_pins(file, &digest, &basis.uses)?;
        let known = basis.known.as_ref();
        let known = known.filter(|known| known.digest() == digest);
        let known = known.map(|known| (**known).clone());
        if let Some(component) = known.or_else(|| self.waiting.find(file, &digest)) {
            return Ok((component, wasm));
        }
        let component = self.compile(file, Arc::clone(&wasm), limits).await?;
        Ok((component, wasm))
    }

    /// The same, when the file has stood still: what is being copied is no component
    /// until its last byte is there.
    pub(super) async fn settled_version(
        &self,
        file: &str,
        basis: &Basis,
    ) -> Result<(Component, Arc<[u8]>), BuildError> {
        loop {
            let version = self.version(file, basis).await;
            let half = matches!(
                version,
                Err(BuildError::Compile {
                    source: LoadError::NotAComponent(_),
                    ..
                })
            );
            let young = self.files.path(file).is_some_and(|path| is_young(&path));
            if !(half && young) {
                return version;
            }
            tokio::time::sleep(STILL_COMING / 4).await;
        }
    }

    pub(super) async fn compile(
        &self,
        file: &str,
        wasm: Arc<[u8]>,
        limits: CompileLimits,
    ) -> Result<Component, BuildError> {
        let compiled = self.compiler.compile(&self.runtime, wasm, limits).await;
        let compiled = compiled.map_err(|source| BuildError::Compile {
            tool_set: file.to_owned(),
            source,
        })?;
        let labels = [("cached", compiled.cached.to_string())];
        metrics::histogram!("tool_set_compile_seconds", &labels).record(compiled.took);
        tracing::debug!(
            tool_set = file,
            cached = compiled.cached,
            took = ?compiled.took,
            "compiled"
        );
        Ok(compiled.component)
    }
}

/// What every scope that uses a file lets compiling it take.
pub(super) fn compile_limits(uses: &[Use]) -> CompileLimits {
    let limits = uses.iter().map(|used| used.scope.limits().compile);
    limits
        .reduce(|one, other| CompileLimits {
            size: one.size.min(other.size),
            cpu: one.cpu.min(other.cpu),
            memory: one.memory.min(other.memory),
        })
        .unwrap_or_default()
}

/// Whether somebody may still be writing it.
fn is_young(path: &Path) -> bool {
    let modified = std::fs::metadata(path).and_then(|metadata| metadata.modified());
    modified.is_ok_and(|modified| {
        SystemTime::now()
            .duration_since(modified)
            .is_ok_and(|age| age < STILL_COMING)
    })
}

/// How long a file that is no component may have been written last before that is
/// held against it.
const STILL_COMING: Duration = Duration::from_secs(1);
