//! Builds the tool sets, or takes them from the folder `MSSQL_MCP_BUNDLE`
//! (relative to the workspace), and puts them where `lib.rs` includes them.

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use component_build::{Builder, Component};

fn main() -> io::Result<()> {
    let mut cargo = io::stdout().lock();
    writeln!(cargo, "cargo::rerun-if-changed=build.rs")?;
    writeln!(cargo, "cargo::rerun-if-env-changed={PREBUILT}")?;
    if let Err(error) = bundle(&mut cargo) {
        // A directive is one line, so each line of the compiler's is one.
        for line in error.to_string().lines() {
            writeln!(cargo, "cargo::error={line}")?;
        }
        writeln!(
            cargo,
            "cargo::error=To use components that are already built, set {PREBUILT} to their folder."
        )?;
    }
    Ok(())
}

fn bundle(cargo: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let builder = Builder::from_build_script()?;
    let out_dir = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    let prebuilt = std::env::var_os(PREBUILT).map(|folder| builder.workspace().join(folder));
    for (name, component) in COMPONENTS {
        let file = format!("{name}.wasm");
        let (wasm, inputs) = if let Some(folder) = &prebuilt {
            let wasm = folder.join(&file);
            (wasm.clone(), vec![wasm])
        } else {
            let built = builder.build(&component)?;
            (built.wasm, built.inputs)
        };
        for input in inputs {
            writeln!(cargo, "cargo::rerun-if-changed={}", input.display())?;
        }
        copy(&wasm, &out_dir.join(&file))?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    fs::copy(from, to).map(|_| ()).map_err(|error| {
        format!(
            "cannot copy {} to {}: {error}",
            from.display(),
            to.display()
        )
    })
}

const PREBUILT: &str = "MSSQL_MCP_BUNDLE";

const COMPONENTS: [(&str, Component<'static>); 7] = [
    (
        "claude-tools",
        Component {
            package: "claude-tools",
            features: &[],
        },
    ),
    (
        "claude-tools-write",
        Component {
            package: "claude-tools",
            features: &["write"],
        },
    ),
    (
        "chatgpt-search-fetch",
        Component {
            package: "chatgpt-search-fetch",
            features: &[],
        },
    ),
    (
        "query-templates",
        Component {
            package: "query-templates",
            features: &[],
        },
    ),
    (
        "query-templates-write",
        Component {
            package: "query-templates",
            features: &["write"],
        },
    ),
    (
        "hostile",
        Component {
            package: "hostile-guest",
            features: &[],
        },
    ),
    (
        "hostile-write",
        Component {
            package: "hostile-guest",
            features: &["write"],
        },
    ),
];
