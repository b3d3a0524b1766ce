//! Builds the guests that misbehave.

use std::error::Error;
use std::io::{self, Write};

use component_build::{Builder, Component};

fn main() -> Result<(), Box<dyn Error>> {
    let mut cargo = io::stdout().lock();
    writeln!(cargo, "cargo::rerun-if-changed=build.rs")?;
    let builder = Builder::from_build_script()?;
    let built = builder.build(&Component { package: "hostile-guest", features: &[] })?;
    for input in &built.inputs {
        writeln!(cargo, "cargo::rerun-if-changed={}", input.display())?;
    }
    writeln!(cargo, "cargo::rustc-env=HOSTILE_GUEST={}", built.wasm.display())?;
    Ok(())
}
