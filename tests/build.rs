//! Builds the guests that tests call: those that exist for tests, and the example.

use std::error::Error;
use std::io::{self, Write};

use component_build::{Builder, Component};

fn main() -> Result<(), Box<dyn Error>> {
    let mut cargo = io::stdout().lock();
    writeln!(cargo, "cargo::rerun-if-changed=build.rs")?;
    let builder = Builder::from_build_script()?;
    for (variable, package, features) in [
        ("EVERYTHING_GUEST", "everything-guest", &[][..]),
        ("EXAMPLE_RUST", "customer-desk", &[]),
    ] {
        let built = builder.build(&Component { package, features })?;
        for input in &built.inputs {
            writeln!(cargo, "cargo::rerun-if-changed={}", input.display())?;
        }
        writeln!(
            cargo,
            "cargo::rustc-env={variable}={}",
            built.wasm.display()
        )?;
    }
    Ok(())
}
