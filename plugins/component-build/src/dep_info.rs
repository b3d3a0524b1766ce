//! What a component was made from, as cargo's dep-info file (`name.d`, in the
//! syntax of make) lists it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The sources of `dep_info`, with the manifests of their packages and the
/// manifest and lock of the workspace, which dep-info leaves out.
pub(crate) fn inputs(dep_info: &str, workspace: &Path) -> Vec<PathBuf> {
    let mut inputs = BTreeSet::new();
    for manifest in ["Cargo.toml", "Cargo.lock"] {
        inputs.insert(workspace.join(manifest));
    }
    for source in sources(dep_info) {
        let source = workspace.join(source);
        if let Some(manifest) = source
            .ancestors()
            .skip(1)
            .map(|folder| folder.join("Cargo.toml"))
            .find(|manifest| manifest.is_file())
        {
            inputs.insert(manifest);
        }
        inputs.insert(source);
    }
    // Cargo runs a script again for as long as a file it names is missing.
    inputs.into_iter().filter(|path| path.is_file()).collect()
}

/// The paths after `target:`; a blank in a path is written `\ `.
fn sources(dep_info: &str) -> Vec<PathBuf> {
    dep_info
        .lines()
        .filter_map(|line| line.split_once(": "))
        .flat_map(|(_, list)| split_unescaped(list))
        .map(PathBuf::from)
        .collect()
}

fn split_unescaped(list: &str) -> Vec<String> {
    let mut paths = Vec::new();
    let mut path = String::new();
    let mut characters = list.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' if characters.peek() == Some(&' ') => {
                path.push(' ');
                characters.next();
            }
            ' ' => paths.push(std::mem::take(&mut path)),
            _ => path.push(character),
        }
    }
    paths.push(path);
    paths.retain(|path| !path.is_empty());
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blank_in_a_path_is_not_the_end_of_it() {
        assert_eq!(
            sources("/t/a\\ b.wasm: /w/a\\ b/lib.rs /w/wit/world.wit\n"),
            [Path::new("/w/a b/lib.rs"), Path::new("/w/wit/world.wit")]
        );
    }

    #[test]
    fn the_manifest_of_each_source_counts_too() {
        let workspace = tempfile::tempdir().unwrap();
        let root = workspace.path();
        let package = root.join("p");
        std::fs::create_dir_all(package.join("src")).unwrap();
        for file in ["Cargo.toml", "p/Cargo.toml", "p/src/lib.rs"] {
            std::fs::write(root.join(file), "").unwrap();
        }
        let dep_info = format!("x: {}", package.join("src/lib.rs").display());
        assert_eq!(
            inputs(&dep_info, root),
            [
                root.join("Cargo.toml"),
                root.join("p/Cargo.toml"),
                root.join("p/src/lib.rs")
            ]
        );
    }
}
