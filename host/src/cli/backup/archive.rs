//! The file of a backup: a tar archive whose first member says what the others are
//! and what their checksums are.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::runtime::sha256;

/// What is in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// Always [`MARK`].
    pub(super) backup_of: String,
    /// Of this layout; a newer one is not read.
    pub(super) format: u32,
    /// Of the program that made it.
    pub(super) version: String,
    /// RFC 3339 in UTC.
    pub(super) made_at: String,
    /// Kind of store that it is from.
    pub(super) store: String,
    /// Records of the state.
    pub(super) records: usize,
    /// Tool sets of the folder, included or not.
    pub(super) tool_sets: Vec<ToolSet>,
    /// The other members.
    pub(super) members: Vec<Member>,
}

/// A tool set that was there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ToolSet {
    /// Of its file, without `.wasm`.
    pub(super) name: String,
    /// SHA-256 of its file, in hexadecimal.
    pub(super) digest: String,
    pub(super) bytes: u64,
    /// Whether the file is in the backup.
    pub(super) included: bool,
}

/// A member of the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) bytes: u64,
    /// In hexadecimal.
    pub(super) sha256: String,
}

/// Why a file is no backup that this program can read.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum ArchiveError {
    /// Something else.
    #[error("{0} is no backup of mssql-mcp; name a file that `mssql-mcp backup` wrote")]
    Foreign(String),
    /// Of a newer program.
    #[error(
        "{file} was made by mssql-mcp {version} in the format {format}, and this program reads up \
         to {FORMAT}; restore it with that version"
    )]
    Newer {
        file: String,
        version: String,
        format: u32,
    },
    /// Its end is missing.
    #[error(
        "{file} is cut short: {member} is missing or not whole; copy it again from where it was \
         made, or use an older backup"
    )]
    CutShort { file: String, member: String },
    /// Its content is another.
    #[error(
        "{file} is damaged: {member} is not what was written; copy it again from where it was \
         made, or use an older backup"
    )]
    Damaged { file: String, member: String },
}

/// The members by their names, in the order in which they are written.
pub(super) type Contents = Vec<(String, Vec<u8>)>;

/// The list of `contents` for the manifest.
pub(super) fn members(contents: &Contents) -> Vec<Member> {
    let member = |(name, bytes): &(String, Vec<u8>)| Member {
        name: name.clone(),
        bytes: bytes.len() as u64,
        sha256: sha256(bytes),
    };
    contents.iter().map(member).collect()
}

/// Writes a backup.
pub(super) fn write(
    out: impl Write,
    manifest: &Manifest,
    contents: &Contents,
    at: Timestamp,
) -> io::Result<()> {
    let mut archive = tar::Builder::new(out);
    let mut put = |name: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        // Whoever unpacks it by hand gets files that are for him alone.
        header.set_mode(0o600);
        header.set_mtime(u64::try_from(at.seconds()).unwrap_or(0));
        archive.append_data(&mut header, name, bytes)
    };
    put(MANIFEST, &serde_json::to_vec_pretty(manifest)?)?;
    for (name, bytes) in contents {
        put(name, bytes)?;
    }
    archive.into_inner()?.flush()
}

/// Reads a backup, and checks that each member is what was written. `file` is what
/// errors call it.
pub(super) fn read(
    bytes: &[u8],
    file: &str,
) -> Result<(Manifest, BTreeMap<String, Vec<u8>>), ArchiveError> {
    let foreign = || ArchiveError::Foreign(file.to_owned());
    let mut archive = tar::Archive::new(bytes);
    let mut entries = archive.entries().map_err(|_| foreign())?;
    let first = entries.next().and_then(Result::ok).ok_or_else(foreign)?;
    let manifest = manifest(first, file)?;
    let mut found = BTreeMap::new();
    for entry in entries {
        // What it would have been is missing below.
        let Ok(mut entry) = entry else { break };
        let Ok(name) = entry.path().map(|path| path.display().to_string()) else {
            break;
        };
        let mut bytes = Vec::new();
        if entry.read_to_end(&mut bytes).is_err() {
            break;
        }
        found.insert(name, bytes);
    }
    for member in &manifest.members {
        let (file, member_name) = (file.to_owned(), member.name.clone());
        match found.get(&member.name) {
            Some(bytes) if bytes.len() as u64 == member.bytes => {
                if sha256(bytes) != member.sha256 {
                    return Err(ArchiveError::Damaged {
                        file,
                        member: member_name,
                    });
                }
            }
            _ => {
                return Err(ArchiveError::CutShort {
                    file,
                    member: member_name,
                });
            }
        }
    }
    let known = |name: &String| manifest.members.iter().any(|member| member.name == *name);
    found.retain(|name, _| known(name));
    Ok((manifest, found))
}

fn manifest(mut entry: impl Read, file: &str) -> Result<Manifest, ArchiveError> {
    /// What every format has.
    #[derive(Deserialize)]
    struct Head {
        backup_of: String,
        format: u32,
        version: String,
    }
    let mut bytes = Vec::new();
    let cut_short = |_| ArchiveError::CutShort {
        file: file.to_owned(),
        member: MANIFEST.to_owned(),
    };
    entry.read_to_end(&mut bytes).map_err(cut_short)?;
    let head: Head =
        serde_json::from_slice(&bytes).map_err(|_| ArchiveError::Foreign(file.to_owned()))?;
    if head.backup_of != MARK {
        return Err(ArchiveError::Foreign(file.to_owned()));
    }
    if head.format > FORMAT {
        return Err(ArchiveError::Newer {
            file: file.to_owned(),
            version: head.version,
            format: head.format,
        });
    }
    serde_json::from_slice(&bytes).map_err(|_| ArchiveError::Damaged {
        file: file.to_owned(),
        member: MANIFEST.to_owned(),
    })
}

pub(super) const MARK: &str = "mssql-mcp";
/// Raised when an older program could not read what a newer one writes.
pub(super) const FORMAT: u32 = 1;
const MANIFEST: &str = "manifest.json";

#[cfg(test)]
mod tests {
    use super::*;

    fn backup(change: impl FnOnce(&mut Manifest)) -> Vec<u8> {
        let contents: Contents = vec![
            ("state.jsonl".to_owned(), vec![b'x'; 5_000]),
            ("state.key".to_owned(), b"abc".to_vec()),
        ];
        let mut manifest = Manifest {
            backup_of: MARK.to_owned(),
            format: FORMAT,
            version: "9.9.9".to_owned(),
            made_at: "2026-11-21T12:00:00Z".to_owned(),
            store: "sqlite".to_owned(),
            records: 0,
            tool_sets: Vec::new(),
            members: members(&contents),
        };
        change(&mut manifest);
        let mut out = Vec::new();
        write(&mut out, &manifest, &contents, Timestamp(0)).unwrap();
        out
    }

    fn said(bytes: &[u8]) -> String {
        read(bytes, "b.tar").unwrap_err().to_string()
    }

    #[test]
    fn what_was_written_is_read() {
        let (manifest, members) = read(&backup(|_| {}), "b.tar").unwrap();
        assert_eq!(manifest.version, "9.9.9");
        assert_eq!(members["state.key"], b"abc");
        assert_eq!(members.len(), 2);
    }

    #[test]
    fn wherever_it_is_cut_it_is_refused() {
        let whole = backup(|_| {});
        // The last two blocks are the end mark of tar, before them 509 bytes of filling.
        let needed = whole.len() - 2 * 512 - 509;
        for end in (0..needed).step_by(97).chain([needed - 1]) {
            let said = said(&whole[..end]);
            let told = said.contains("is cut short") || said.contains("is no backup");
            assert!(told, "{end}: {said}");
        }
    }

    #[test]
    fn a_byte_that_is_another_is_noticed_in_every_member() {
        let whole = backup(|_| {});
        for (what, at) in [("state.jsonl", &b"xxxx"[..]), ("state.key", b"abc\0")] {
            let mut damaged = whole.clone();
            let place = whole.windows(4).position(|four| four == at).unwrap();
            damaged[place] ^= 1;
            let said = said(&damaged);
            assert!(said.contains(&format!("damaged: {what}")), "{said}");
        }
    }

    #[test]
    fn others_files_and_newer_ones_are_told_apart() {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(2);
        tar.append_data(&mut header, "a", &b"{}"[..]).unwrap();
        for foreign in [
            Vec::new(),
            b"hello".to_vec(),
            vec![7; 4_096],
            tar.into_inner().unwrap(),
            backup(|manifest| manifest.backup_of = "another".to_owned()),
        ] {
            assert!(said(&foreign).contains("is no backup of mssql-mcp"));
        }
        let newer = said(&backup(|manifest| manifest.format = 2));
        assert!(newer.contains("made by mssql-mcp 9.9.9 in the format 2"));
    }
}
