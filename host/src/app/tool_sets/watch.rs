//! Notices files that change, by looking at them forty times a second: that sees
//! renames, swapped symbolic links, mounted volumes and network folders alike,
//! where notifications of the operating system miss one or the other.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The paths that are watched. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(in crate::app) struct Watched(Arc<Mutex<BTreeSet<PathBuf>>>);

impl Watched {
    /// Watches these paths and no others. One that is new is told of once. Nobody else
    /// sets any while `paths` finds them out, or older ones could come after newer.
    pub(in crate::app) fn set(&self, paths: impl FnOnce() -> BTreeSet<PathBuf>) {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *watched = paths();
    }

    fn get(&self) -> BTreeSet<PathBuf> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Starts to look, on a thread of its own until the receiver is dropped. What
/// comes out are paths whose file is another, or is changed, and has not moved for
/// one look.
pub(in crate::app) fn start(watched: Watched) -> io::Result<UnboundedReceiver<PathBuf>> {
    let (tell, changes) = unbounded_channel();
    thread::Builder::new()
        .name("tool-sets".to_owned())
        .spawn(move || {
            let mut looker = Looker::default();
            while !tell.is_closed() {
                looker.look(&watched.get(), &tell);
                thread::sleep(INTERVAL);
            }
        })?;
    Ok(changes)
}

/// What tells one state of a file from another; `None` is no file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    place: (u64, u64),
    size: u64,
    modified: Option<SystemTime>,
    changed: i128,
}

impl Fingerprint {
    /// That of the file at `path`, as it is now.
    pub fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        let (place, changed) = identity(&metadata);
        Some(Self {
            place,
            size: metadata.len(),
            modified: metadata.modified().ok(),
            changed,
        })
    }
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> ((u64, u64), i128) {
    use std::os::unix::fs::MetadataExt;

    let changed = i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec());
    ((metadata.dev(), metadata.ino()), changed)
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> ((u64, u64), i128) {
    ((0, 0), 0)
}

#[derive(Default)]
struct Looker {
    /// What was told of last.
    known: HashMap<PathBuf, Option<Fingerprint>>,
    /// What was seen once, and may still be moving.
    moving: HashMap<PathBuf, Option<Fingerprint>>,
}

impl Looker {
    fn look(&mut self, paths: &BTreeSet<PathBuf>, tell: &UnboundedSender<PathBuf>) {
        self.known.retain(|path, _| paths.contains(path));
        self.moving.retain(|path, _| paths.contains(path));
        for path in paths {
            let now = Fingerprint::of(path);
            if self.known.get(path) == Some(&now) {
                self.moving.remove(path);
            } else if self.moving.get(path) == Some(&now) {
                self.moving.remove(path);
                self.known.insert(path.clone(), now);
                // Nobody listens any more when the process ends.
                let _ = tell.send(path.clone());
            } else {
                self.moving.insert(path.clone(), now);
            }
        }
    }
}

/// Between two looks, of some microseconds a file. Two of them pass before a change
/// is told of: 50 ms of the 300 in which a changed tool set is to serve.
const INTERVAL: Duration = Duration::from_millis(25);

#[cfg(test)]
mod tests {
    use super::*;

    struct Scene {
        folder: tempfile::TempDir,
        looker: Looker,
        tell: UnboundedSender<PathBuf>,
        told: UnboundedReceiver<PathBuf>,
    }

    impl Scene {
        fn new() -> Self {
            let (tell, told) = unbounded_channel();
            Self {
                folder: tempfile::tempdir().unwrap(),
                looker: Looker::default(),
                tell,
                told,
            }
        }

        fn path(&self) -> PathBuf {
            self.folder.path().join("a.wasm")
        }

        /// How often it was told of the file after so many looks.
        fn looks(&mut self, looks: usize) -> usize {
            let paths = [self.path()].into();
            for _ in 0..looks {
                self.looker.look(&paths, &self.tell);
            }
            let mut told = 0;
            while self.told.try_recv().is_ok() {
                told += 1;
            }
            told
        }
    }

    #[test]
    fn who_finds_the_paths_out_later_sets_them_last() {
        let paths = |name: &str| BTreeSet::from([PathBuf::from(name)]);
        let watched = Watched::default();
        let (other, mut later) = (watched.clone(), None);
        watched.set(|| {
            later = Some(thread::spawn(move || other.set(|| paths("new"))));
            paths("old")
        });
        later.unwrap().join().unwrap();
        assert_eq!(watched.get(), paths("new"));
    }

    #[test]
    fn a_file_is_told_of_once_when_it_stands_still() {
        let mut scene = Scene::new();
        assert_eq!(scene.looks(3), 1, "that there is none");
        for part in ["a", "ab", "abc"] {
            fs::write(scene.path(), part).unwrap();
            assert_eq!(scene.looks(1), 0, "still moving");
        }
        assert_eq!(scene.looks(5), 1);
        assert_eq!(scene.looks(5), 0);
        fs::remove_file(scene.path()).unwrap();
        assert_eq!(scene.looks(5), 1);
    }

    #[test]
    fn a_rename_over_the_file_is_a_change_even_with_the_same_size_and_time() {
        let mut scene = Scene::new();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let write = |path: &Path, text: &str| {
            fs::write(path, text).unwrap();
            let file = fs::File::options().append(true).open(path).unwrap();
            file.set_modified(time).unwrap();
        };
        write(&scene.path(), "one");
        assert_eq!(scene.looks(3), 1);
        let beside = scene.folder.path().join("beside");
        write(&beside, "two");
        fs::rename(&beside, scene.path()).unwrap();
        assert_eq!(scene.looks(3), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_swapped_link_to_a_folder_is_a_change_as_kubernetes_makes_it() {
        use std::os::unix::fs::symlink;

        let mut scene = Scene::new();
        let root = scene.folder.path().to_owned();
        for (version, text) in [("..1", "one"), ("..2", "two")] {
            fs::create_dir(root.join(version)).unwrap();
            fs::write(root.join(version).join("a.wasm"), text).unwrap();
        }
        symlink("..1", root.join("..data")).unwrap();
        symlink("..data/a.wasm", scene.path()).unwrap();
        assert_eq!(scene.looks(3), 1);
        symlink("..2", root.join("..data_tmp")).unwrap();
        fs::rename(root.join("..data_tmp"), root.join("..data")).unwrap();
        assert_eq!(scene.looks(3), 1);
        assert_eq!(fs::read_to_string(scene.path()).unwrap(), "two");
    }
}
