//! Gathers the files of each language's project into a table that `lib.rs`
//! includes. A macro that embeds a folder would not notice new files, and the
//! Rust library has to be changed on the way: it stands alone in a project.

use std::error::Error;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use toml::{Table, Value};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let package = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let root = package.join("../..").canonicalize()?;
    let mut kit = Kit {
        out_dir: PathBuf::from(variable("OUT_DIR")?),
        plugins: root.join("plugins"),
        root,
        table: String::new(),
    };
    kit.watch(&package.join("build.rs"))?;
    kit.language("RUST", "rust", Kit::rust_library)?;
    kit.language("PYTHON", "python", |kit| {
        kit.loose_library("python", &["py"])
    })?;
    kit.language("JAVASCRIPT", "javascript", |kit| {
        kit.loose_library("javascript", &["js", "mjs", "ts"])
    })?;
    Ok(fs::write(kit.out_dir.join("files.rs"), kit.table)?)
}

struct Kit {
    root: PathBuf,
    plugins: PathBuf,
    out_dir: PathBuf,
    /// The source that is made.
    table: String,
}

impl Kit {
    /// A constant with the template of a language, its library and the contract.
    fn language(
        &mut self,
        constant: &str,
        name: &str,
        library: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        writeln!(
            self.table,
            "/// A project in the language of that name; empty where this tree has no template.\n\
             pub const {constant}: &[File] = &["
        )?;
        let template = self.plugins.join("templates").join(name);
        self.watch(&template)?;
        if template.is_dir() {
            self.folder(&template, "", &|_| true)?;
            self.folder(&self.root.join("wit"), "wit/", &|_| true)?;
            library(self)?;
        }
        writeln!(self.table, "];")?;
        Ok(())
    }

    /// `sdk/`: the sources, with the contract one folder nearer, and a manifest that
    /// inherits nothing.
    fn rust_library(&mut self) -> Result<()> {
        let sdk = self.plugins.join("sdk");
        let bindings = sdk.join("src/bindings.rs");
        self.folder(&sdk.join("src"), "sdk/src/", &|path| path != bindings)?;
        let text = self.read(&bindings)?;
        if text.matches(CONTRACT_HERE).count() != 1 {
            return Err(format!("bindings.rs does not have {CONTRACT_HERE} once").into());
        }
        let text = text.replace(CONTRACT_HERE, CONTRACT_THERE);
        self.made("sdk/src/bindings.rs", "bindings.rs", &text)?;
        let manifest = self.read(&sdk.join("Cargo.toml"))?;
        let workspace = self.read(&self.root.join("Cargo.toml"))?.parse()?;
        self.made(
            "sdk/Cargo.toml",
            "Cargo.toml",
            &alone(&manifest, &workspace)?,
        )
    }

    /// A library of plain files, which go to the root of the project; its tests stay.
    fn loose_library(&mut self, name: &str, extensions: &[&str]) -> Result<()> {
        let folder = self.plugins.join("sdk").join(name);
        self.watch(&folder)?;
        for path in entries(&folder)? {
            let file = file_name(&path)?;
            let wanted = path
                .extension()
                .and_then(OsStr::to_str)
                .is_some_and(|extension| extensions.contains(&extension));
            if wanted && !is_test(file) {
                self.file(file, &path)?;
            }
        }
        Ok(())
    }

    /// Every file of a folder, but for what building and testing leave there.
    fn folder(&mut self, folder: &Path, to: &str, wanted: &dyn Fn(&Path) -> bool) -> Result<()> {
        self.watch(folder)?;
        for path in entries(folder)? {
            let name = file_name(&path)?;
            if path.is_dir() {
                if !LEFT_BEHIND.contains(&name) {
                    self.folder(&path, &format!("{to}{name}/"), wanted)?;
                }
            } else if wanted(&path) && !LEFT_BEHIND.contains(&name) {
                // Under its own name, git would apply it here.
                let name = if name == "gitignore" {
                    ".gitignore"
                } else {
                    name
                };
                self.file(&format!("{to}{name}"), &path)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, to: &str, from: &Path) -> Result<()> {
        self.watch(from)?;
        self.entry(to, from)
    }

    fn made(&mut self, to: &str, name: &str, text: &str) -> Result<()> {
        let path = self.out_dir.join(name);
        fs::write(&path, text)?;
        self.entry(to, &path)
    }

    fn entry(&mut self, to: &str, from: &Path) -> Result<()> {
        let from = from.to_str().ok_or("a path is not Unicode")?;
        writeln!(
            self.table,
            "    File {{ path: {to:?}, text: include_str!({from:?}) }},"
        )?;
        Ok(())
    }

    fn read(&self, path: &Path) -> Result<String> {
        self.watch(path)?;
        fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()).into())
    }

    fn watch(&self, path: &Path) -> Result<()> {
        writeln!(
            io::stdout().lock(),
            "cargo::rerun-if-changed={}",
            path.display()
        )?;
        Ok(())
    }
}

/// The manifest of a member with what it inherits written out. Line by line, so that
/// the comments stay.
fn alone(manifest: &str, workspace: &Table) -> Result<String> {
    let shared = |section: &str, key: &str| -> Result<&Value> {
        let section = if section == "[package]" {
            "package"
        } else {
            "dependencies"
        };
        workspace
            .get("workspace")
            .and_then(|table| table.get(section)?.get(key))
            .ok_or_else(|| format!("the workspace has no {key} in {section}").into())
    };
    let mut text = String::new();
    let mut section = "";
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        }
        if section == "[lints]" {
            continue;
        }
        match line.split_once(".workspace = true") {
            Some((key, "")) => writeln!(text, "{key} = {}", shared(section, key)?)?,
            Some(_) => return Err(format!("cannot write out {line:?}").into()),
            None if line.contains("workspace = true") => {
                return Err(format!("cannot write out {line:?}").into());
            }
            None => writeln!(text, "{line}")?,
        }
    }
    Ok(text)
}

/// The entries of a folder in the order of their names; none where there is no folder.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    if folder.is_dir() {
        for entry in fs::read_dir(folder)? {
            paths.push(entry?.path());
        }
    }
    paths.sort();
    Ok(paths)
}

fn file_name(path: &Path) -> Result<&str> {
    let name = path.file_name().and_then(OsStr::to_str);
    name.ok_or_else(|| format!("{} has no name in Unicode", path.display()).into())
}

fn is_test(name: &str) -> bool {
    name.starts_with("test_")
        || name.starts_with("conftest.")
        || name.contains("_test.")
        || name.contains(".test.")
}

fn variable(name: &str) -> Result<String> {
    std::env::var(name).map_err(|_| format!("{name} is not set").into())
}

const CONTRACT_HERE: &str = "path: \"../../wit\"";
const CONTRACT_THERE: &str = "path: \"../wit\"";

const LEFT_BEHIND: [&str; 8] = [
    "target",
    "dist",
    "Cargo.lock",
    "node_modules",
    "__pycache__",
    ".venv",
    ".pytest_cache",
    ".DS_Store",
];
