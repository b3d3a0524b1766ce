//! `--config`: where a command has its configuration from.

use std::ffi::OsString;

use crate::config::{Environment, Source};

/// Which configuration.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct ConfigArguments {
    /// Configuration file; without one the variables of the environment
    #[arg(
        id = "config",
        long = "config",
        value_name = "FILE",
        env = "MSSQL_MCP_CONFIG",
        global = true
    )]
    // Compose sets what is left out to nothing, which is no path.
    file: Option<OsString>,
}

impl ConfigArguments {
    pub(super) fn source(&self) -> Source {
        let file = self.file.clone().filter(|file| !file.is_empty());
        Source::new(file.map(Into::into), Environment::of_process())
    }
}
