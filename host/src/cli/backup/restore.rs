//! `mssql-mcp restore`: all of a backup, or nothing.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use secrecy::ExposeSecret;
use serde_json::json;

use super::archive::{self, Manifest};
use super::place::{self, Staged};
use super::{ACCEPTED, CONFIG, KEY, LOCK, STATE, TOOL_SETS, read};
use crate::app;
use crate::audit::Event;
use crate::cli::config::ConfigArguments;
use crate::cli::exit::{NothingDone, UsageError, print};
use crate::cli::orders;
use crate::cli::site::{Done, note};
use crate::clock::Clock;
use crate::config::{Config, StoreKind};
use crate::entropy::Entropy;
use crate::runtime::sha256;
use crate::state::{self, ExportedRecord, HostKey, Secrets, Store, Task};

/// `mssql-mcp restore`
#[derive(Debug, Args)]
pub(in crate::cli) struct RestoreArguments {
    /// File that `backup` wrote; - for standard input
    file: PathBuf,
    // A file that is there says where the rest goes, and stays as it is; else the
    // backup's is written there.
    #[command(flatten)]
    config: ConfigArguments,
    /// Replace a state, a key and tool sets that are there
    #[arg(long)]
    force: bool,
    /// The state and its key, and no other file
    #[arg(long)]
    state_only: bool,
    /// Answer in JSON, for programs
    #[arg(long)]
    json: bool,
}

/// A file of the backup and where it goes.
struct Wanted<'a> {
    target: PathBuf,
    bytes: &'a [u8],
    secret: bool,
}

pub(in crate::cli) async fn restore(arguments: RestoreArguments) -> anyhow::Result<()> {
    let started = Instant::now();
    let bytes = content(&arguments.file)?;
    let name = arguments.file.display().to_string();
    let (manifest, members) = archive::read(&bytes, &name)?;
    let damaged = |member: &str| archive::ArchiveError::Damaged {
        file: name.clone(),
        member: member.to_owned(),
    };
    let records = members.get(STATE).ok_or_else(|| damaged(STATE))?;
    let records = records_of(records).map_err(|_| damaged(STATE))?;
    let (config_file, config) = config(&arguments, &members)?;
    if config.state.kind() == Some(StoreKind::Memory) {
        return Err(UsageError(
            "state.store is \"memory\", which ends with each process; write \"sqlite:PATH\" or \
             \"redis://HOST\""
                .to_owned(),
        )
        .into());
    }

    let wanted = wanted(&arguments, config_file.as_deref(), &config, &members)?;
    let mut refused: Vec<String> = wanted
        .iter()
        .filter(|file| file.target.exists())
        .map(|file| format!("{} is there, and another", file.target.display()))
        .collect();
    let opened = Opened::new(&config).await?;
    let size = opened.store.size().await?;
    if size > 0 {
        refused.push(format!("the state has {size} records already"));
    }
    if !refused.is_empty() && !arguments.force {
        refused.push("--force replaces what is there; nothing was changed".to_owned());
        return Err(NothingDone(refused.join("\n")).into());
    }

    let staged = wanted
        .iter()
        .map(|file| place::stage(&file.target, file.bytes, file.secret));
    let staged = staged.collect::<io::Result<Vec<Staged>>>()?;
    let written: Vec<PathBuf> = wanted.iter().map(|file| file.target.clone()).collect();
    let placed = place::place(staged)?;
    // Last, because it alone cannot be taken back.
    let restored = opened.store.import(records).await?;
    placed.keep();
    opened.keep();

    let done = Done {
        reason: &format!("{restored} records of {}", manifest.made_at),
        ..Done::default()
    };
    note(&config, Event::Restore, done);
    let missing = missing(&manifest, &config);
    let took = started.elapsed().as_millis();
    if arguments.json {
        let json = json!({
            "records": restored,
            "expired": manifest.records - restored.min(manifest.records),
            "files": written,
            "missing_tool_sets": missing,
            "took_ms": u64::try_from(took).unwrap_or(u64::MAX),
        });
        return print(&serde_json::to_string_pretty(&json)?);
    }
    let mut lines = vec![format!(
        "{restored} of {} records of {} are back, in {took} ms; the others have expired",
        manifest.records, manifest.made_at
    )];
    lines.extend(
        written
            .iter()
            .map(|path| format!("written: {}", path.display())),
    );
    lines.extend(missing.iter().map(|one| format!("missing: {one}")));
    print(&lines.join("\n"))
}

fn content(file: &Path) -> anyhow::Result<Vec<u8>> {
    if file == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    read(file).map_err(|error| UsageError(error.to_string()).into())
}

fn records_of(text: &[u8]) -> serde_json::Result<Vec<ExportedRecord>> {
    serde_json::Deserializer::from_slice(text)
        .into_iter()
        .collect()
}

/// The configuration that is there, or the backup's, and its file.
fn config(
    arguments: &RestoreArguments,
    members: &BTreeMap<String, Vec<u8>>,
) -> anyhow::Result<(Option<PathBuf>, Config)> {
    let source = arguments.config.source();
    let Some(path) = source.file().filter(|path| !path.exists()) else {
        return Ok((source.file().map(Path::to_owned), source.read()?));
    };
    if arguments.state_only {
        return Ok((Some(path.to_owned()), source.read()?));
    }
    let kept = members
        .get(CONFIG)
        .map(|text| String::from_utf8_lossy(text));
    let text = kept.ok_or_else(|| {
        UsageError(format!(
            "{} is not there, and the backup has no configuration; write one first",
            path.display()
        ))
    })?;
    let config = source.read_text(&text, &format!("{CONFIG} of the backup"))?;
    Ok((Some(path.to_owned()), config))
}

/// The files of the backup that are not where they belong, as they are in it.
fn wanted<'a>(
    arguments: &RestoreArguments,
    config_file: Option<&Path>,
    config: &Config,
    members: &'a BTreeMap<String, Vec<u8>>,
) -> anyhow::Result<Vec<Wanted<'a>>> {
    let lock = app::lock(config);
    let mut wanted = Vec::new();
    for (name, bytes) in members {
        let (target, secret) = match &**name {
            STATE => continue,
            KEY => (config.state.key_file(), true),
            _ if arguments.state_only => continue,
            // One that is there was read, and stays.
            CONFIG if config_file.is_none_or(Path::exists) => continue,
            CONFIG => (config_file.map(Path::to_owned), true),
            LOCK => (lock.as_ref().map(|lock| lock.path().to_owned()), false),
            name => {
                let copy = name.strip_prefix(ACCEPTED).and_then(plain);
                let copy = copy.zip(lock.as_ref());
                let copy = copy.map(|(file, lock)| lock.copies().join(file));
                let tool_set = name.strip_prefix(TOOL_SETS).and_then(plain);
                let tool_set = tool_set.map(|file| config.tool_sets.dir.join(file));
                (copy.or(tool_set), false)
            }
        };
        let Some(target) = target else { continue };
        if target.is_file() && read(&target)? == *bytes {
            continue;
        }
        wanted.push(Wanted {
            target,
            bytes,
            secret,
        });
    }
    Ok(wanted)
}

/// A file's name that leads nowhere else.
fn plain(name: &str) -> Option<&str> {
    let bad = name.is_empty() || name.starts_with('.') || name.contains(['/', '\\']);
    (!bad).then_some(name)
}

/// Tool sets that were there when the backup was made, and are not now.
fn missing(manifest: &Manifest, config: &Config) -> Vec<String> {
    let gone = manifest.tool_sets.iter().filter(|tool_set| {
        let path = config.tool_sets.dir.join(format!("{}.wasm", tool_set.name));
        let found = std::fs::read(path);
        !found.is_ok_and(|wasm| sha256(&wasm) == tool_set.digest)
    });
    let named = gone.map(|one| format!("{}.wasm, sha256:{}", one.name, one.digest));
    named.collect()
}

/// The store that is restored into; one that was made for it goes with it, unless it is
/// kept.
struct Opened {
    store: Store,
    made: Option<PathBuf>,
}

impl Opened {
    async fn new(config: &Config) -> anyhow::Result<Self> {
        let made = match config.state.kind() {
            Some(StoreKind::Sqlite(path)) if !path.exists() => Some(path.to_owned()),
            _ => None,
        };
        // Records are written as they are: no key is needed for that.
        let secrets = Secrets::new(&HostKey::random()?, Entropy::system());
        let name = config.state.store.expose_secret();
        let store = state::open(name, Clock::system(), secrets).await?;
        let opened = Self { store, made };
        if opened.made.is_some() {
            return Ok(opened);
        }
        let patience = orders::ANSWERED_WITHIN;
        let running = orders::give(&opened.store, Task::Answer, None, patience).await?;
        if let Some(node) = running.first() {
            return Err(NothingDone(format!(
                "a server runs on this state ({}); stop every server first, nothing was changed",
                node.node
            ))
            .into());
        }
        Ok(opened)
    }

    fn keep(mut self) {
        self.made = None;
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        for end in ["", "-wal", "-shm"] {
            if let Some(path) = &self.made {
                let mut name = path.clone().into_os_string();
                name.push(end);
                // What is not there need not go.
                let _ = std::fs::remove_file(name);
            }
        }
    }
}
