//! The command line: one file a command. Arguments in, exit code out.

#[cfg(feature = "demo")]
pub mod attack;
mod audit;
mod audit_row;
mod backup;
mod cache;
mod check;
mod client;
mod config;
#[cfg(feature = "demo")]
mod demo;
mod doctor;
mod exit;
mod health;
mod operator;
mod orders;
mod plugin;
mod reload;
mod security_audit;
mod serve;
mod site;
mod stdio;
mod token;
mod user;

#[cfg(feature = "demo")]
use std::net::SocketAddr;

use clap::{Parser, Subcommand};

use crate::telemetry::LogStyle;

pub use exit::ExitCode;

/// Serves SQL Server to MCP clients through sandboxed WebAssembly tool sets.
#[derive(Debug, Parser)]
#[command(name = "mssql-mcp", version)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Everything on this machine with no set-up, on an embedded SQL Server
    #[cfg(feature = "demo")]
    Demo(DemoArguments),
    /// Serve what a configuration names
    Serve(ServeArguments),
    /// Check all that a configuration names, without serving it
    Check(check::CheckArguments),
    /// Check what Claude and ChatGPT would find at an address
    Doctor(doctor::DoctorArguments),
    /// What `/health` of a server says, for monitors and container health checks
    Health(health::HealthArguments),
    /// The people who may sign in
    User(user::UserArguments),
    /// Registered OAuth clients
    Client(client::ClientArguments),
    /// What people allowed, and tokens for scripts
    Token(token::TokenArguments),
    /// Tool sets: a new one, what a file is, and what it does
    Plugin(plugin::PluginArguments),
    /// Load hostile tool sets, and show what contains them
    #[cfg(feature = "demo")]
    Attack(attack::AttackArguments),
    /// What happened: calls, sign-ins, tokens, refusals
    Audit(audit::AuditArguments),
    /// Look through the audit and the state for what an operator should know
    SecurityAudit(security_audit::SecurityAuditArguments),
    /// What running servers keep to save work
    Cache(cache::CacheArguments),
    /// Copy state, key, configuration and tool sets into one file
    Backup(backup::BackupArguments),
    /// Put back what `backup` copied
    Restore(backup::RestoreArguments),
    /// Serve one scope over standard input and output, for local clients
    Stdio(StdioArguments),
    /// Print the version
    Version,
}

/// `mssql-mcp demo`
#[cfg(feature = "demo")]
#[derive(Debug, clap::Args)]
struct DemoArguments {
    /// Loopback address and port to listen on
    #[arg(long, default_value = "127.0.0.1:8008")]
    listen: SocketAddr,
    /// Let every local program in, without a token
    #[arg(long)]
    no_auth: bool,
    /// Public https address of a tunnel to this machine; people then sign in
    /// with a password
    #[arg(long, conflicts_with = "no_auth")]
    public_url: Option<String>,
    /// Loopback address and port of the operator page, such as 127.0.0.1:8009
    #[arg(long)]
    admin_listen: Option<SocketAddr>,
}

/// `mssql-mcp serve`
#[derive(Debug, clap::Args)]
struct ServeArguments {
    #[command(flatten)]
    config: config::ConfigArguments,
}

/// `mssql-mcp stdio`
#[derive(Debug, clap::Args)]
struct StdioArguments {
    /// Scope to serve; without it the default scope
    #[arg(long)]
    scope: Option<String>,
    /// The embedded SQL Server with its sample company
    #[cfg(feature = "demo")]
    #[arg(long, conflicts_with = "config")]
    demo: bool,
    #[command(flatten)]
    config: config::ConfigArguments,
}

impl Arguments {
    /// Runs the command.
    ///
    /// # Errors
    /// What stopped it; [`ExitCode::of`] has the code for it.
    pub async fn run(self) -> anyhow::Result<()> {
        match self.command {
            #[cfg(feature = "demo")]
            Command::Demo(arguments) => demo::run(arguments).await,
            Command::Serve(arguments) => serve::run(arguments.config.source()).await,
            Command::Check(arguments) => check::run(arguments).await,
            Command::Doctor(arguments) => doctor::run(arguments).await,
            Command::Health(arguments) => health::run(arguments).await,
            Command::User(arguments) => user::run(arguments).await,
            Command::Client(arguments) => client::run(arguments).await,
            Command::Token(arguments) => token::run(arguments).await,
            Command::Plugin(arguments) => plugin::run(arguments).await,
            #[cfg(feature = "demo")]
            Command::Attack(arguments) => attack::run(arguments).await,
            Command::Audit(arguments) => audit::run(arguments),
            Command::SecurityAudit(arguments) => security_audit::run(arguments).await,
            Command::Cache(arguments) => cache::run(arguments).await,
            Command::Backup(arguments) => backup::backup(arguments).await,
            Command::Restore(arguments) => backup::restore(arguments).await,
            Command::Stdio(arguments) => stdio::run(arguments).await,
            Command::Version => exit::print(&format!("mssql-mcp {}", env!("CARGO_PKG_VERSION"))),
        }
    }

    /// Whether traces of it are of use: commands that answer by themselves have none.
    pub fn is_traced(&self) -> bool {
        match self.command {
            #[cfg(feature = "demo")]
            Command::Demo(_) => true,
            Command::Serve(_) | Command::Stdio(_) => true,
            _ => false,
        }
    }

    /// How the log is written: programs read that of `serve`, and people want the
    /// answer of a command about tool sets rather than how it came to be.
    pub fn log_style(&self) -> LogStyle {
        match self.command {
            Command::Serve(_) => LogStyle::Served,
            Command::Plugin(_) | Command::Check(_) | Command::Health(_) => LogStyle::Quiet,
            #[cfg(feature = "demo")]
            Command::Attack(_) => LogStyle::Counted,
            _ => LogStyle::Text,
        }
    }
}
