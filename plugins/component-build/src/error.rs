//! Why a component was not built.

use std::io;
use std::path::PathBuf;

use crate::TARGET;

/// Why a component was not built; each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A variable that cargo sets for build scripts is missing.
    #[error("{0} is not set: components are built from a build script that cargo runs")]
    NotABuildScript(&'static str),
    /// No manifest above the package declares a workspace.
    #[error("no Cargo.toml above {} declares [workspace]", .0.display())]
    NoWorkspace(PathBuf),
    /// A file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A program could not be started.
    #[error("cannot run {}: {source}", program.display())]
    Run {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The target is missing and could not be added.
    #[error(
        "the Rust target {TARGET} is not installed and could not be added ({0}): run \
         `rustup target add {TARGET}`, or install it with what your Rust came from"
    )]
    NoTarget(String),
    /// The nested cargo failed.
    #[error("the component {package} does not build:\n{output}")]
    Failed {
        /// The package.
        package: String,
        /// What cargo and the compiler said.
        output: String,
    },
    /// The package built, but not as a component.
    #[error(
        "building {package} left no {}: its [lib] needs crate-type = [\"cdylib\"]",
        wasm.display()
    )]
    NoComponent {
        /// The package.
        package: String,
        /// Where the component should be.
        wasm: PathBuf,
    },
}
