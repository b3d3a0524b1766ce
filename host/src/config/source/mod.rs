//! Where a configuration comes from: a file, variables over it, or variables alone.

mod environment;
mod overlay;
mod schema;
mod variables;

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::{Table, Value};

pub use environment::Environment;

use super::{Config, ConfigError};

/// Where the configuration of a process comes from; read as often as it is asked.
#[derive(Debug, Clone)]
pub struct Source {
    file: Option<PathBuf>,
    environment: Environment,
}

impl Source {
    /// `file` with the variables over it; without one the variables alone.
    pub fn new(file: Option<PathBuf>, environment: Environment) -> Self {
        Self { file, environment }
    }

    /// The file, if there is one.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// What a person adds to a command that is to read the same: ` --config FILE`, or
    /// nothing.
    pub fn option(&self) -> String {
        self.file()
            .map_or_else(String::new, |file| format!(" --config {}", file.display()))
    }

    /// What it is called.
    pub fn name(&self) -> String {
        self.file().map_or_else(
            || "the environment".to_owned(),
            |file| file.display().to_string(),
        )
    }

    /// Whether there is any: a file, or variables that stand in for one.
    pub fn is_given(&self) -> bool {
        self.file.is_some()
            || !matches!(
                variables::table(&self.environment),
                Err(ConfigError::Nowhere)
            )
    }

    /// Reads and checks it. Nothing is opened or connected but the file.
    pub fn read(&self) -> Result<Config, ConfigError> {
        let (config, notices) = self.read_with_notices()?;
        for notice in notices {
            tracing::warn!("{notice}");
        }
        Ok(config)
    }

    /// As if the file had this text; `name` is what errors call it.
    pub fn read_text(&self, text: &str, name: &str) -> Result<Config, ConfigError> {
        let config = self.over(text, name)?;
        config.check()?;
        Ok(config)
    }

    fn read_with_notices(&self) -> Result<(Config, Vec<String>), ConfigError> {
        if let Some(variable) = self.environment.unreadable() {
            return Err(ConfigError::rule(
                variable,
                "is no UTF-8 text; write it in UTF-8",
            ));
        }
        let Some(path) = self.file() else {
            return self.of_variables();
        };
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        let config = self.read_text(&text, &path.display().to_string())?;
        let unused = variables::set(&self.environment);
        let notice = (!unused.is_empty()).then(|| {
            format!(
                "{} is the configuration; no effect has: {}",
                path.display(),
                unused.join(", ")
            )
        });
        Ok((config, notice.into_iter().collect()))
    }

    /// What the file says, and the variables over it.
    fn over(&self, text: &str, name: &str) -> Result<Config, ConfigError> {
        let alone = toml::from_str::<Config>(text);
        if self.environment.overrides().next().is_none() {
            return alone.map_err(|error| ConfigError::syntax(name, text, &error));
        }
        // What the file leaves out a variable may say; everything else is its own.
        let missed = match alone {
            Ok(_) => None,
            Err(error) => {
                let is_missing = error.message().starts_with(schema::MISSING);
                let error = ConfigError::syntax(name, text, &error);
                if !is_missing {
                    return Err(error);
                }
                Some(error)
            }
        };
        let mut table: Table =
            toml::from_str(text).map_err(|error| ConfigError::syntax(name, text, &error))?;
        overlay::overlay(&mut table, &self.environment)?;
        Config::deserialize(Value::Table(table))
            .map_err(|error| missed.unwrap_or_else(|| incomplete(&error)))
    }

    fn of_variables(&self) -> Result<(Config, Vec<String>), ConfigError> {
        let variables::Said { mut table, notices } = variables::table(&self.environment)?;
        overlay::overlay(&mut table, &self.environment)?;
        variables::check(&table, &self.environment)?;
        variables::fill_in(&mut table);
        let config =
            Config::deserialize(Value::Table(table)).map_err(|error| incomplete(&error))?;
        config
            .check()
            .map_err(|error| variables::renamed(error, &self.environment))?;
        Ok((config, notices))
    }
}

/// What is wrong with the whole, though each variable alone was good.
fn incomplete(error: &toml::de::Error) -> ConfigError {
    // The part that serde may quote a value in comes first.
    let message = error.message();
    let safe = message.starts_with(schema::MISSING);
    let told = match message.split_once(", ") {
        _ if safe => message,
        Some((_, expected)) => expected,
        None => "a value has the wrong type",
    };
    ConfigError::rule(
        "the configuration",
        format!("{told}; this shows with the variables MSSQL_MCP__… alone, so look at these"),
    )
}

#[cfg(test)]
mod tests;
