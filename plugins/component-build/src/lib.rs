//! Builds packages of this workspace as WebAssembly components, from the build
//! script of a package that embeds them.
//!
//! A nested cargo does the work, in a target folder of its own: the outer
//! cargo holds the lock of the outer one while build scripts run.

mod dep_info;
mod environment;
mod error;
mod target;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub use error::BuildError;

/// The target that components are built for.
pub const TARGET: &str = "wasm32-wasip2";

/// The profile of the root manifest that components are built with.
pub const PROFILE: &str = "component";

/// A component to build.
#[derive(Debug, Clone, Copy)]
pub struct Component<'a> {
    /// Package of the workspace, with a `cdylib` library.
    pub package: &'a str,
    /// Its features.
    pub features: &'a [&'a str],
}

/// A component that was built.
#[derive(Debug)]
pub struct Built {
    /// The `.wasm` file. A later build of the same package and features
    /// replaces it.
    pub wasm: PathBuf,
    /// Every file it was made from: sources, contract, manifests, lock. What
    /// `cargo::rerun-if-changed` wants.
    pub inputs: Vec<PathBuf>,
}

/// The nested cargo.
#[derive(Debug)]
pub struct Builder {
    cargo: OsString,
    rustc: OsString,
    workspace: PathBuf,
    target_dir: PathBuf,
}

impl Builder {
    /// From the variables that cargo sets for a build script. Components land
    /// in `components/` of the target folder that the outer build uses.
    ///
    /// # Errors
    /// [`BuildError::NotABuildScript`] outside a build script,
    /// [`BuildError::NoWorkspace`] when no folder above is a workspace.
    pub fn from_build_script() -> Result<Self, BuildError> {
        let out_dir = PathBuf::from(variable("OUT_DIR")?);
        let package = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
        Ok(Self {
            cargo: variable("CARGO")?,
            rustc: variable("RUSTC")?,
            workspace: workspace_above(&package)?,
            target_dir: outer_target_dir(&out_dir).join("components"),
        })
    }

    /// The root of the workspace.
    #[must_use]
    pub fn workspace(&self) -> &Path {
        &self.workspace
    }

    /// Builds one component; adds the target to the toolchain when it is
    /// missing.
    ///
    /// # Errors
    /// [`BuildError::NoTarget`] when the target is missing and cannot be added,
    /// [`BuildError::Failed`] with the compiler's words when it does not build.
    pub fn build(&self, component: &Component<'_>) -> Result<Built, BuildError> {
        target::ensure(&self.rustc)?;
        let target_dir = self.target_dir.join(variant(component));
        let output = self
            .command(component, &target_dir)
            .output()
            .map_err(|source| BuildError::Run {
                program: PathBuf::from(&self.cargo),
                source,
            })?;
        if !output.status.success() {
            return Err(BuildError::Failed {
                package: component.package.to_owned(),
                output: String::from_utf8_lossy(&output.stderr).into_owned(),
            });
        }
        let artefacts = target_dir.join(TARGET).join(PROFILE);
        let stem = component.package.replace('-', "_");
        let wasm = artefacts.join(&stem).with_extension("wasm");
        if !wasm.is_file() {
            return Err(BuildError::NoComponent {
                package: component.package.to_owned(),
                wasm,
            });
        }
        let dep_info = read_to_string(&artefacts.join(&stem).with_extension("d"))?;
        Ok(Built {
            wasm,
            inputs: dep_info::inputs(&dep_info, &self.workspace),
        })
    }

    fn command(&self, component: &Component<'_>, target_dir: &Path) -> Command {
        let mut command = Command::new(&self.cargo);
        environment::clear(&mut command);
        command
            .current_dir(&self.workspace)
            .args(["build", "--lib", "--package", component.package])
            .args(["--target", TARGET, "--profile", PROFILE])
            .arg("--manifest-path")
            .arg(self.workspace.join("Cargo.toml"))
            .arg("--target-dir")
            .arg(target_dir);
        if !component.features.is_empty() {
            command.arg("--features").arg(component.features.join(","));
        }
        if self.workspace.join("Cargo.lock").is_file() {
            command.arg("--locked");
        }
        command
    }
}

/// One target folder for each set of features: with a common one, builds that
/// run at the same time would take each other's file.
fn variant(component: &Component<'_>) -> String {
    if component.features.is_empty() {
        "default".to_owned()
    } else {
        component.features.join("-")
    }
}

fn variable(name: &'static str) -> Result<OsString, BuildError> {
    std::env::var_os(name).ok_or(BuildError::NotABuildScript(name))
}

fn workspace_above(package: &Path) -> Result<PathBuf, BuildError> {
    for folder in package.ancestors() {
        let manifest = folder.join("Cargo.toml");
        if manifest.is_file() && declares_workspace(&read_to_string(&manifest)?) {
            return Ok(folder.to_owned());
        }
    }
    Err(BuildError::NoWorkspace(package.to_owned()))
}

fn declares_workspace(manifest: &str) -> bool {
    manifest.lines().any(|line| line.trim() == "[workspace]")
}

/// Cargo marks the folder it owns with CACHEDIR.TAG. Where the mark is missing,
/// the script's own folder serves: slower for the next package, still right.
fn outer_target_dir(out_dir: &Path) -> &Path {
    out_dir
        .ancestors()
        .find(|folder| folder.join("CACHEDIR.TAG").is_file())
        .unwrap_or(out_dir)
}

fn read_to_string(path: &Path) -> Result<String, BuildError> {
    fs::read_to_string(path).map_err(|source| BuildError::Read {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn builder(workspace: &Path) -> Builder {
        Builder {
            cargo: "cargo".into(),
            rustc: "rustc".into(),
            workspace: workspace.to_owned(),
            target_dir: workspace.join("target/components"),
        }
    }

    fn arguments(builder: &Builder, component: &Component<'_>) -> Vec<String> {
        builder
            .command(component, Path::new("/t"))
            .get_args()
            .map(|argument| argument.to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn the_lock_is_kept_where_there_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let component = Component {
            package: "p",
            features: &["write"],
        };
        let without = arguments(&builder(folder.path()), &component);
        assert!(!without.contains(&"--locked".to_owned()));
        assert!(
            without
                .windows(2)
                .any(|pair| pair == ["--features", "write"])
        );

        fs::write(folder.path().join("Cargo.lock"), "").unwrap();
        let with = arguments(&builder(folder.path()), &component);
        assert!(with.contains(&"--locked".to_owned()));
    }

    #[test]
    fn variants_of_a_package_do_not_share_a_folder() {
        let reading = Component {
            package: "p",
            features: &[],
        };
        let writing = Component {
            package: "p",
            features: &["write"],
        };
        assert_ne!(variant(&reading), variant(&writing));
    }

    #[test]
    fn the_target_folder_is_the_one_that_cargo_marked() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("debug/build/p-1/out");
        assert_eq!(outer_target_dir(&out), out);
        fs::write(folder.path().join("CACHEDIR.TAG"), "").unwrap();
        assert_eq!(outer_target_dir(&out), folder.path());
    }

    #[test]
    fn the_workspace_is_the_nearest_manifest_that_declares_one() {
        let folder = tempfile::tempdir().unwrap();
        let package = folder.path().join("plugins/p");
        fs::create_dir_all(&package).unwrap();
        fs::write(package.join("Cargo.toml"), "[package]\nname = \"p\"\n").unwrap();
        fs::write(folder.path().join("Cargo.toml"), "[workspace]\n").unwrap();
        assert_eq!(workspace_above(&package).unwrap(), folder.path());
    }
}
