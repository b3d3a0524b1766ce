//! Native code on disk, so that a start compiles nothing twice. Whoever could put
//! code there would have it run, so each file carries a code of authentication
//! under the host's key, and is read whole before it is believed.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac::{self, Context, HMAC_SHA256, Key, Tag};

use crate::tally::{CacheFigures, Tally};

/// A folder of native code. Cheap to clone.
#[derive(Clone)]
pub struct NativeCache {
    folder: PathBuf,
    key: Key,
    tally: Arc<Tally>,
}

impl NativeCache {
    /// Keeps code in `folder`, which is made if it is missing, readable by this
    /// user alone. `key` is the host's.
    ///
    /// # Errors
    /// The folder can neither be found nor made.
    pub fn open(folder: &Path, key: &[u8; 32]) -> io::Result<Self> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
        let purpose = hmac::sign(&Key::new(HMAC_SHA256, key), PURPOSE);
        Ok(Self {
            folder: folder.to_owned(),
            key: Key::new(HMAC_SHA256, purpose.as_ref()),
            tally: Arc::new(Tally::quiet()),
        })
    }

    /// The files that are there, and how often one was of use.
    pub fn figures(&self) -> CacheFigures {
        let files = self.files();
        let bytes = files.iter().map(|(_, size, _)| size).sum();
        let count = u64::try_from(files.len()).unwrap_or(u64::MAX);
        self.tally.figures(count, Some(bytes))
    }

    /// The code of the file with that digest, for engines with that tag. Who does not
    /// find it looks again before it compiles, and then it was [`missed`](Self::missed).
    pub(super) fn find(&self, digest: &str, tag: u64) -> Option<Vec<u8>> {
        let found = self.read(digest, tag);
        if found.is_some() {
            self.tally.count(true);
        }
        found
    }

    /// What somebody looked for is to be compiled.
    pub(super) fn missed(&self) {
        self.tally.count(false);
    }

    fn read(&self, digest: &str, tag: u64) -> Option<Vec<u8>> {
        let path = self.path(digest, tag);
        let mut content = fs::read(&path).ok()?;
        let code = content.len().checked_sub(TAG_BYTES)?;
        let (native, authentication) = content.split_at_checked(code)?;
        let expected = self.sign(digest, tag, native);
        if verify_slices_are_equal(expected.as_ref(), authentication).is_err() {
            tracing::warn!(path = %path.display(), "not written by this host: compiled again");
            let _ = fs::remove_file(&path);
            return None;
        }
        content.truncate(code);
        // What is used stays longest.
        let _ = File::options()
            .append(true)
            .open(&path)
            .and_then(|file| file.set_modified(SystemTime::now()));
        Some(content)
    }

    /// Keeps the code; the log says when it cannot.
    pub(super) fn keep(&self, digest: &str, tag: u64, native: &[u8]) {
        let authentication = self.sign(digest, tag, native);
        let path = self.path(digest, tag);
        if let Err(error) = self.write(&path, native, authentication.as_ref()) {
            tracing::warn!(path = %path.display(), %error, "native code cannot be kept");
        }
        self.forget_the_oldest();
    }

    /// Writes beside the file and renames, so that no reader sees half of it.
    fn write(&self, path: &Path, native: &[u8], authentication: &[u8]) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(native)?;
        file.write_all(authentication)?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    }

    /// Vouches not only for the code, also for whose it is.
    fn sign(&self, digest: &str, tag: u64, native: &[u8]) -> Tag {
        let mut context = Context::with_key(&self.key);
        context.update(digest.as_bytes());
        context.update(&tag.to_le_bytes());
        context.update(native);
        context.sign()
    }

    fn path(&self, digest: &str, tag: u64) -> PathBuf {
        self.folder.join(format!("{digest}-{tag:016x}.{EXTENSION}"))
    }

    /// When each was used last, its size, and where it is.
    fn files(&self) -> Vec<(SystemTime, u64, PathBuf)> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let paths = entries.map(|entry| entry.path());
        let native = paths.filter(|path| path.extension().is_some_and(|found| found == EXTENSION));
        let files = native.filter_map(|path| {
            let metadata = fs::metadata(&path).ok()?;
            Some((metadata.modified().ok()?, metadata.len(), path))
        });
        files.collect()
    }

    fn forget_the_oldest(&self) {
        let mut files = self.files();
        files.sort_unstable_by(|one, other| other.cmp(one));
        let mut total = 0;
        for (_, size, path) in files {
            total += size;
            if total > MAX_BYTES {
                let _ = fs::remove_file(path);
            }
        }
    }
}

const PURPOSE: &[u8] = b"mssql-mcp native code";
const EXTENSION: &str = "native";
/// Bytes of HMAC-SHA-256.
const TAG_BYTES: usize = 32;
/// Bytes of all files: some thirty large tool sets.
const MAX_BYTES: u64 = 1 << 30;

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(folder: &Path) -> NativeCache {
        NativeCache::open(&folder.join("cache"), &[7; 32]).unwrap()
    }

    fn only_file(folder: &Path) -> PathBuf {
        let mut entries = fs::read_dir(folder.join("cache")).unwrap();
        entries.next().unwrap().unwrap().path()
    }

    #[test]
    fn code_comes_back_for_its_own_file_and_engine_alone() {
        let folder = tempfile::tempdir().unwrap();
        let cache = cache(folder.path());
        cache.keep("ab", 1, b"code");
        assert_eq!(cache.find("ab", 1).as_deref(), Some(&b"code"[..]));
        assert_eq!(cache.find("ab", 2), None);
        assert_eq!(cache.find("cd", 1), None);
    }

    #[test]
    fn code_that_this_host_did_not_write_is_thrown_away() {
        for (what, change) in [
            ("changed", (|code| code[0] ^= 1) as fn(&mut Vec<u8>)),
            ("shortened", |code| code.truncate(20)),
            ("emptied", Vec::clear),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let cache = cache(folder.path());
            cache.keep("ab", 1, b"code");
            let path = only_file(folder.path());
            let mut content = fs::read(&path).unwrap();
            change(&mut content);
            fs::write(&path, content).unwrap();
            assert_eq!(cache.find("ab", 1), None, "{what}");
        }
        let folder = tempfile::tempdir().unwrap();
        cache(folder.path()).keep("ab", 1, b"code");
        let path = only_file(folder.path());
        let other = folder.path().join("cache/cd-0000000000000001.native");
        fs::rename(path, other).unwrap();
        assert_eq!(cache(folder.path()).find("cd", 1), None, "renamed");
        let stranger = NativeCache::open(&folder.path().join("cache"), &[8; 32]).unwrap();
        cache(folder.path()).keep("ab", 1, b"code");
        assert_eq!(stranger.find("ab", 1), None, "another key");
    }
}
