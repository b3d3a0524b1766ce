//! Builds the guests that misbehave.

use std::error::Error;
use std::io::{self, Write};

use component_build::{Builder, Component};

fn main() -> Result<(), Box<dyn Error>> {
    let mut cargo = io::stdout().lock();
    writeln!(cargo, "cargo::rerun-if-changed=build.rs")?;
    let builder = Builder::from_build_script()?;
    for (variable, features) in [("HOSTILE_GUEST", &[][..]), ("HOSTILE_WRITER", &["write"])] {
        let built = builder.build(&Component {
            package: "hostile-guest",
            features,
        })?;
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
