//! `mssql-mcp backup` and `mssql-mcp restore`: the state of any kind of store with its
//! key, the configuration, and the tool sets with what was accepted of them, in one file.

mod archive;
mod place;
mod restore;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use tempfile::NamedTempFile;

pub(super) use archive::ArchiveError;
pub(super) use restore::{RestoreArguments, restore};

use super::config::ConfigArguments;
use super::exit::{UsageError, print};
use super::site::{Done, Site, note, timestamp};
use crate::app;
use crate::audit::Event;
use crate::clock::Clock;
use crate::config::{Config, StoreKind};
use crate::runtime::sha256;
use archive::{Contents, FORMAT, MARK, Manifest, ToolSet};

/// `mssql-mcp backup`
#[derive(Debug, Args)]
pub(super) struct BackupArguments {
    /// File to write; - for standard output
    file: PathBuf,
    #[command(flatten)]
    config: ConfigArguments,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
    /// Leave the files of tool sets out; their digests are noted
    #[arg(long)]
    without_tool_sets: bool,
    /// Answer in JSON, for programs
    #[arg(long)]
    json: bool,
}

pub(super) async fn backup(arguments: BackupArguments) -> anyhow::Result<()> {
    let source = arguments.config.source();
    // Variables are the operator's to keep.
    let text = source.file().map(read).transpose();
    let config = source.read()?;
    if arguments.file.exists() && !arguments.force {
        return Err(UsageError(format!(
            "{} is there already; name another file, or replace it with --force",
            arguments.file.display()
        ))
        .into());
    }
    let site = Site::open(config).await?;
    let (manifest, contents) = collect(&site, text?, !arguments.without_tool_sets).await?;
    let at = Clock::system().now();
    if arguments.file == Path::new("-") {
        archive::write(io::stdout().lock(), &manifest, &contents, at)?;
    } else {
        write(&arguments, |out| {
            archive::write(out, &manifest, &contents, at)
        })?;
    }
    let done = Done {
        reason: &format!("{} records", manifest.records),
        ..Done::default()
    };
    note(&site.config, Event::Backup, done);
    if arguments.file == Path::new("-") {
        return Ok(());
    }
    let file = arguments.file.display();
    if arguments.json {
        let json = json!({ "file": arguments.file, "manifest": manifest });
        return print(&serde_json::to_string_pretty(&json)?);
    }
    let mut lines = vec![format!(
        "{file}: {} records and their key, the configuration, {} tool sets",
        manifest.records,
        manifest.tool_sets.iter().filter(|one| one.included).count(),
    )];
    let left_out = manifest.tool_sets.iter().filter(|one| !one.included);
    lines.extend(left_out.map(|one| format!("left out: {}.wasm, sha256:{}", one.name, one.digest)));
    lines.push(
        "Whoever reads this file can sign in as anybody: keep it as you keep passwords.".to_owned(),
    );
    print(&lines.join("\n"))
}

/// Writes beside the file and renames: there is never half a backup of that name. Its
/// mode is 0600.
fn write(
    arguments: &BackupArguments,
    content: impl FnOnce(&mut NamedTempFile) -> io::Result<()>,
) -> io::Result<()> {
    let path = &arguments.file;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let written = || {
        let mut file = NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
        content(&mut file)?;
        file.flush()?;
        file.as_file().sync_all()?;
        if arguments.force {
            file.persist(path)
        } else {
            file.persist_noclobber(path)
        }
        .map_err(|error| error.error)
    };
    written().map(drop).map_err(|error| {
        let sentence = format!("{} cannot be written: {error}", path.display());
        io::Error::new(error.kind(), sentence)
    })
}

/// All that goes into the file.
async fn collect(
    site: &Site,
    config_text: Option<Vec<u8>>,
    with_tool_sets: bool,
) -> anyhow::Result<(Manifest, Contents)> {
    let config = &site.config;
    let records = site.store().export().await?;
    let mut state = Vec::new();
    for record in &records {
        serde_json::to_writer(&mut state, record)?;
        state.push(b'\n');
    }
    let mut contents: Contents = vec![(STATE.to_owned(), state)];
    if let Some(key) = config.state.key_file() {
        contents.push((KEY.to_owned(), read(&key)?));
    }
    contents.extend(config_text.map(|text| (CONFIG.to_owned(), text)));
    if let Some(lock) = app::lock(config) {
        if lock.path().exists() {
            contents.push((LOCK.to_owned(), read(lock.path())?));
        }
        for (name, path) in components(lock.copies())? {
            if with_tool_sets && std::fs::metadata(&path)?.len() <= LARGEST_TOOL_SET {
                contents.push((format!("{ACCEPTED}{name}"), read(&path)?));
            }
        }
    }
    let mut tool_sets = Vec::new();
    for (name, path) in components(&config.tool_sets.dir)? {
        let wasm = read(&path)?;
        let bytes = wasm.len() as u64;
        let included = with_tool_sets && bytes <= LARGEST_TOOL_SET;
        tool_sets.push(ToolSet {
            name: name.trim_end_matches(".wasm").to_owned(),
            digest: sha256(&wasm),
            bytes,
            included,
        });
        if included {
            contents.push((format!("{TOOL_SETS}{name}"), wasm));
        }
    }
    let manifest = Manifest {
        backup_of: MARK.to_owned(),
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        made_at: timestamp(Clock::system().now()),
        store: kind(config).to_owned(),
        records: records.len(),
        tool_sets,
        members: archive::members(&contents),
    };
    Ok((manifest, contents))
}

fn kind(config: &Config) -> &'static str {
    match config.state.kind() {
        Some(StoreKind::Redis) => "redis",
        Some(StoreKind::Memory) => "memory",
        Some(StoreKind::Sqlite(_)) | None => "sqlite",
    }
}

/// Name and path of each component in a folder; none where there is no folder. Of a lock's
/// copies there may be some that are still being written, under other names.
fn components(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(named(folder, &error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let is_component = path.extension().is_some_and(|is| is == "wasm");
        let name = path.file_name().and_then(|name| name.to_str());
        if let Some(name) = name
            && is_component
            && path.is_file()
        {
            files.push((name.to_owned(), path.clone()));
        }
    }
    files.sort();
    Ok(files)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| named(path, &error))
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    let sentence = format!("{} cannot be read: {error}", path.display());
    io::Error::new(error.kind(), sentence)
}

const STATE: &str = "state.jsonl";
const KEY: &str = "state.key";
const CONFIG: &str = "config.toml";
const LOCK: &str = "tool-sets.lock";
const ACCEPTED: &str = "accepted/";
const TOOL_SETS: &str = "tool-sets/";
/// Rust tool sets have some 100 KB, those of Python 18 MB: these are built again.
const LARGEST_TOOL_SET: u64 = 16 << 20;
