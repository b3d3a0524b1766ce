//! How much memory compiling one file may take where nobody says so: it depends on what
//! this process can have.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

/// Bytes of address space that compiling one file may take: half of the memory that there
/// is, since two files are compiled at once, but [`LEAST`] in any case.
pub(super) fn usual() -> usize {
    static USUAL: LazyLock<usize> = LazyLock::new(|| of(there_is(Path::new("/"))));
    *USUAL
}

fn of(there_is: Option<u64>) -> usize {
    let half = there_is.and_then(|bytes| usize::try_from(bytes / 2).ok());
    half.unwrap_or(MOST).clamp(LEAST, MOST)
}

/// The memory of the machine, or of the strictest group that this process is in; none
/// where there is no Linux to tell. `root` is where it tells.
fn there_is(root: &Path) -> Option<u64> {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let limits = groups.lines().flat_map(|line| limits(root, line));
    limits.chain(machine(root)).min()
}

/// `MemTotal:       16384000 kB`
fn machine(root: &Path) -> Option<u64> {
    let text = fs::read_to_string(root.join("proc/meminfo")).ok()?;
    let total = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = total.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1 << 10)
}

/// The limits of one of the process's groups and of all above it, since each holds. A line
/// is `0::/system.slice` in the second version of groups, `9:memory:/docker/1` in the
/// first. A container sees its own group at the root, whatever the line calls it.
fn limits(root: &Path, line: &str) -> Vec<u64> {
    let mut parts = line.splitn(3, ':').skip(1);
    let (Some(controllers), Some(group)) = (parts.next(), parts.next()) else {
        return Vec::new();
    };
    let (folder, file) = if controllers.is_empty() {
        ("sys/fs/cgroup", "memory.max")
    } else if controllers.split(',').any(|name| name == "memory") {
        ("sys/fs/cgroup/memory", "memory.limit_in_bytes")
    } else {
        return Vec::new();
    };
    let folder = root.join(folder);
    let groups = Path::new(group.trim_start_matches('/')).ancestors();
    let limits = groups.filter_map(|group| {
        // `max` is no number and no limit.
        let limit = fs::read_to_string(folder.join(group).join(file)).ok()?;
        limit.trim().parse().ok()
    });
    limits.collect()
}

/// Three times what 18 MB of Python take.
const MOST: usize = 8 << 30;
/// The limit is one of address space, which counts what a thread's stack and an allocator
/// only reserve: with less, 18 MB of Python could not be compiled where there is memory
/// enough. Where there is not, the kernel ends the compiler first.
const LEAST: usize = 4 << 30;

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    fn there_is_with(files: &[(&str, &str)]) -> Option<u64> {
        let root = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        there_is(root.path())
    }

    #[test]
    fn the_machine_and_every_group_limit_it() {
        let machine = ("proc/meminfo", "MemFree: 1 kB\nMemTotal:  16777216 kB\n");
        let second = ("proc/self/cgroup", "0::/a.slice/b.service\n");
        assert_eq!(there_is_with(&[]), None);
        assert_eq!(there_is_with(&[machine]), Some(16 * GIB));
        assert_eq!(there_is_with(&[machine, second]), Some(16 * GIB));
        let own = ("sys/fs/cgroup/a.slice/b.service/memory.max", "max\n");
        let above = ("sys/fs/cgroup/a.slice/memory.max", "2147483648\n");
        assert_eq!(
            there_is_with(&[machine, second, own, above]),
            Some(2 * GIB),
            "the group above"
        );
        // A container's own files, with and without a view of its own of the groups.
        let root = ("sys/fs/cgroup/memory.max", "1073741824\n");
        for group in ["0::/\n", "0::/docker/1\n"] {
            let group = ("proc/self/cgroup", group);
            assert_eq!(there_is_with(&[machine, group, root]), Some(GIB));
        }
        let first = ("proc/self/cgroup", "4:cpu:/x\n9:memory,hugetlb:/docker/1\n");
        let own = ("sys/fs/cgroup/memory/memory.limit_in_bytes", "1073741824\n");
        assert_eq!(there_is_with(&[machine, first, own]), Some(GIB));
        let none = (own.0, "9223372036854771712\n");
        assert_eq!(there_is_with(&[machine, first, none]), Some(16 * GIB));
    }

    #[test]
    fn half_of_it_is_for_a_file_within_what_is_of_use() {
        for (there_is, usual) in [
            (None, MOST),
            (Some(64 * GIB), MOST),
            (Some(12 * GIB), 6 << 30),
            (Some(GIB), LEAST),
        ] {
            assert_eq!(of(there_is), usual, "{there_is:?}");
        }
    }
}
