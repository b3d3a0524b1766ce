//! One component in a scope of its own: on the embedded database or one that is
//! configured, under the limits of a scope that is configured or the usual ones.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use anyhow::Context as _;
use demo_sqlserver::DemoServer;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::app::{App, ServedScope, ToolSetFiles, Version};
use crate::cli::config::ConfigArguments;
use crate::cli::exit::UsageError;
use crate::cli::{demo, serve};
use crate::config::{Config, ScopeSection, ToolSetEntry};
use crate::principal::{Principal, Rights};
use crate::tools::{
    Abilities, Bill, CallContext, CallError, InputMethod, Output, Progress, Question, Reply, Round,
    ToolError,
};

/// What a component runs on.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct BenchArguments {
    /// A setting of the tool set, as its scope would give it
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = setting)]
    pub(super) settings: Vec<(String, String)>,
    // For --scope and --database.
    #[command(flatten)]
    config: ConfigArguments,
    /// Scope of the configuration whose limits and settings hold
    #[arg(long)]
    scope: Option<String>,
    /// Label of the database to run on; `embedded` is the sample company
    #[arg(long, default_value = EMBEDDED)]
    database: String,
}

/// The component, and all that it runs on.
pub(super) struct Workbench {
    app: App,
    /// The tool set's name.
    pub(super) name: String,
    _server: DemoServer,
    _folder: TempDir,
}

/// What became of a call.
pub(super) struct Called {
    pub(super) outcome: Outcome,
    pub(super) bill: Option<Bill>,
    /// How often it told how far it was.
    pub(super) progress: usize,
}

/// How it ended.
pub(super) enum Outcome {
    Output(Output),
    Failed(ToolError),
    /// It asks something that nobody answers.
    Asks(Question),
}

impl BenchArguments {
    /// The usual, with these settings.
    pub(super) fn with(settings: &[(String, String)]) -> Self {
        Self {
            settings: settings.to_vec(),
            config: ConfigArguments::default(),
            scope: None,
            database: EMBEDDED.to_owned(),
        }
    }
}

impl Workbench {
    /// Loads `file` as a server would.
    pub(super) async fn set(file: &Path, arguments: &BenchArguments) -> anyhow::Result<Self> {
        let name = tool_set_name(file)?;
        let folder = tempfile::tempdir()?;
        let copy = folder.path().join(&name).with_extension("wasm");
        std::fs::copy(file, &copy)
            .map_err(|error| UsageError(format!("{} cannot be read: {error}", file.display())))?;
        let server = DemoServer::start().await?;
        let config = config(&server, folder.path(), &name, arguments)?;
        let files = ToolSetFiles::Folder(folder.path().to_owned());
        let app = App::build(&config, &files, &demo::key()?, serve::compiler()).await?;
        Ok(Self {
            app,
            name,
            _server: server,
            _folder: folder,
        })
    }

    pub(super) fn scope(&self) -> anyhow::Result<Arc<ServedScope>> {
        self.app.scope(SCOPE).context("the workbench has no scope")
    }

    /// What the component says of itself, and imports.
    pub(super) async fn version(&self) -> anyhow::Result<Version> {
        let version = self.app.version(&self.name).await;
        version.context("the workbench serves no tool set")
    }

    /// Makes one call as a client with every right would; questions are answered
    /// from `answers`, by their keys.
    pub(super) async fn call(
        &self,
        tool: &str,
        arguments: &RawValue,
        answers: &Map<String, Value>,
    ) -> anyhow::Result<Called> {
        let scope = self.scope()?;
        let told = Arc::new(Told::default());
        let mut round = Round::default();
        for _ in 0..MAX_ROUNDS {
            let slot: Arc<OnceLock<Bill>> = Arc::default();
            let context = context(&scope.name, &told, &slot, round, !answers.is_empty());
            let registry = scope.tools.load_full();
            let called = registry.call(tool, Some(arguments), context).await;
            let outcome = match called {
                Ok(Reply::Complete(output)) => Outcome::Output(output),
                Ok(Reply::Ask(question)) => match answered(&question, answers) {
                    Some(next) => {
                        round = next;
                        continue;
                    }
                    None => Outcome::Asks(question),
                },
                Err(CallError::Tool(error)) => Outcome::Failed(error),
                Err(CallError::UnknownTool(_)) => {
                    let person = person();
                    let known: Vec<&str> = registry
                        .list(Some(&person))
                        .map(|tool| tool.name.as_str())
                        .collect();
                    return Err(UsageError(format!(
                        "there is no tool \"{tool}\"; there is {}",
                        known.join(", ")
                    ))
                    .into());
                }
                Err(error @ CallError::InsufficientScope(_)) => return Err(error.into()),
            };
            return Ok(Called {
                outcome,
                bill: slot.get().cloned(),
                progress: told.0.load(Ordering::Relaxed),
            });
        }
        Err(UsageError(format!("{tool} asks again and again")).into())
    }
}

/// The name that a file gives its tool set.
pub(super) fn tool_set_name(file: &Path) -> Result<String, UsageError> {
    let stem = file.file_stem().and_then(|stem| stem.to_str());
    stem.filter(|_| {
        file.extension()
            .is_some_and(|extension| extension == "wasm")
    })
    .map(|stem| stem.replace('.', "-"))
    .ok_or_else(|| UsageError(format!("{} is no NAME.wasm", file.display())))
}

/// Everybody's rights, in a scope where nobody signs in.
fn person() -> Principal {
    Principal {
        subject: "local".to_owned(),
        client: "plugin".to_owned(),
        rights: Rights::ALL,
        claims: std::collections::BTreeMap::new(),
    }
}

fn context(
    scope: &Arc<str>,
    told: &Arc<Told>,
    bill: &Arc<OnceLock<Bill>>,
    round: Round,
    answers: bool,
) -> CallContext {
    let principal = Some(Arc::new(person()));
    let context = CallContext::new(Arc::clone(scope), principal, CancellationToken::new());
    let abilities = if answers {
        Abilities::NONE.with(InputMethod::Elicitation)
    } else {
        Abilities::NONE
    };
    CallContext {
        progress: Some(Arc::clone(told) as Arc<dyn Progress>),
        bill: Some(Arc::clone(bill)),
        abilities,
        round,
        ..context
    }
}

/// The next round, if every request has an answer.
fn answered(question: &Question, answers: &Map<String, Value>) -> Option<Round> {
    let keys = question.requests.iter().map(|request| &request.key);
    let given: Option<Map<String, Value>> = keys
        .map(|key| Some((key.clone(), answers.get(key)?.clone())))
        .collect();
    Some(Round {
        answers: Some(Value::Object(given?).to_string().into()),
        state: Some(question.state.clone().into()),
    })
}

/// Counts reports of progress.
#[derive(Default)]
struct Told(AtomicUsize);

impl Progress for Told {
    fn report(&self, done: f64, total: Option<f64>, message: Option<String>) {
        self.0.fetch_add(1, Ordering::Relaxed);
        tracing::info!(done, total, message, "progress");
    }
}

fn config(
    server: &DemoServer,
    folder: &Path,
    name: &str,
    arguments: &BenchArguments,
) -> anyhow::Result<Config> {
    let certificate = folder.join("demo.pem");
    std::fs::write(&certificate, server.certificate_pem())?;
    let mut text = "[oauth]\nenabled = false\n[state]\nstore = \"memory\"\n".to_owned();
    for (label, account) in [(EMBEDDED, server.reader()), (WRITER, server.writer())] {
        text += &server.section(label, account, &certificate);
    }
    write!(
        text,
        "[scopes.{SCOPE}]\ntool_sets = [{name:?}]\ndatabases = [{EMBEDDED:?}]\n\
         read_only = false\nwrite_database = {WRITER:?}\n"
    )?;
    let mut config = Config::parse(&text, "the workbench's configuration")?;
    config.tool_sets.cache = demo::cache();
    let needed = arguments.scope.is_some() || arguments.database != EMBEDDED;
    let given = needed.then(|| arguments.config.source().read());
    let given = given.transpose()?;
    let usual = config.scopes.remove(SCOPE);
    let usual = usual.context("the workbench has no scope")?;
    let mut section = match (&arguments.scope, &given) {
        (Some(scope), Some(given)) => {
            let Some(found) = given.scopes.get(scope) else {
                let known: Vec<&str> = given.scopes.keys().map(String::as_str).collect();
                return Err(UsageError(format!(
                    "--scope {scope}: there is no such scope; there is {}",
                    known.join(", ")
                ))
                .into());
            };
            ScopeSection {
                tool_sets: vec![ToolSetEntry::named(name)],
                databases: usual.databases,
                read_only: found.read_only,
                write_database: usual.write_database.filter(|_| !found.read_only),
                ..found.clone()
            }
        }
        _ => usual,
    };
    if arguments.database != EMBEDDED {
        let label = &arguments.database;
        let database = given
            .as_ref()
            .and_then(|given| given.databases.get(label))
            .ok_or_else(|| {
                UsageError(format!(
                    "--database {label}: there is no [databases.{label}] in the configuration"
                ))
            })?;
        config.databases.insert(label.clone(), database.clone());
        section.databases = vec![label.clone()];
        section.write_database = section.write_database.map(|_| label.clone());
    }
    let settings = arguments.settings.iter().cloned();
    let own = section.config.entry(name.to_owned()).or_default();
    own.extend(settings);
    config.scopes.insert(SCOPE.to_owned(), section);
    Ok(config)
}

/// `KEY=VALUE`
pub(super) fn setting(text: &str) -> Result<(String, String), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| "write KEY=VALUE".to_owned())?;
    Ok((key.to_owned(), value.to_owned()))
}

const SCOPE: &str = "workbench";
const EMBEDDED: &str = "embedded";
const WRITER: &str = "embedded-writer";
/// A tool that asks more often than that does not end.
const MAX_ROUNDS: usize = 16;
