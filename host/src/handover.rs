//! Files that one process makes for another, which has to read and write them next.

use std::fs::File;
use std::path::Path;

/// Gives `file` to whom `model` belongs to, a file or a folder; nothing happens where it is
/// not there.
pub(crate) fn hand_over(file: &File, model: &Path) {
    #[cfg(unix)]
    if let Ok(model) = std::fs::metadata(model) {
        use std::os::unix::fs::{MetadataExt as _, fchown};
        // Whoever may not do that is the owner already, or as good as one.
        let _ = fchown(file, Some(model.uid()), Some(model.gid()));
    }
}
