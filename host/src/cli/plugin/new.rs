//! `mssql-mcp plugin new`: a project that builds a tool set, outside this
//! repository and without it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use plugin_kit::File;

use crate::cli::exit::{UsageError, print};

/// What a tool set can be written in.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum Language {
    Rust,
    Python,
    #[value(name = "javascript")]
    JavaScript,
}

impl Language {
    fn project(self) -> &'static [File] {
        match self {
            Self::Rust => plugin_kit::RUST,
            Self::Python => plugin_kit::PYTHON,
            Self::JavaScript => plugin_kit::JAVASCRIPT,
        }
    }
}

pub(super) fn run(name: &str, language: Language, path: Option<&Path>) -> anyhow::Result<()> {
    check(name)?;
    let folder = path.map_or_else(|| PathBuf::from(name), Path::to_owned);
    write(name, language, &folder)?;
    print(&next_steps(name, &folder))
}

/// A name that serves as file, crate, module and tool set.
fn check(name: &str) -> Result<(), UsageError> {
    let kebab = name.split('-').all(|word| {
        !word.is_empty()
            && word
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    });
    if kebab && name.starts_with(|c: char| c.is_ascii_lowercase()) && name.len() <= MAX_NAME {
        return Ok(());
    }
    Err(UsageError(format!(
        "{name:?} is no name for a tool set: write words of a-z and 0-9 with - between them, \
         such as order-desk, {MAX_NAME} characters at most"
    )))
}

fn write(name: &str, language: Language, folder: &Path) -> anyhow::Result<()> {
    let files = language.project();
    if files.is_empty() {
        return Err(UsageError("this build has no template for that language".to_owned()).into());
    }
    if !is_free(folder).map_err(|error| failed(folder, &error))? {
        return Err(UsageError(format!(
            "{} is there already; nothing in it was changed. Choose another name, or --path DIR",
            folder.display()
        ))
        .into());
    }
    for file in files {
        let path = folder.join(file.path_for(name));
        write_file(&path, file, name).map_err(|error| failed(&path, &error))?;
    }
    Ok(())
}

/// Whether there is nothing, or an empty folder.
fn is_free(folder: &Path) -> io::Result<bool> {
    match fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(false),
        Err(error) => Err(error),
    }
}

fn write_file(path: &Path, file: &File, name: &str) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if file.is_executable() {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o777);
    }
    options
        .open(path)?
        .write_all(file.text_for(name).as_bytes())
}

/// The same kind of error, which also says where.
fn failed(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn next_steps(name: &str, folder: &Path) -> String {
    let steps = [
        (
            format!("cd {} && ./build", folder.display()),
            format!("makes dist/{name}.wasm"),
        ),
        (
            format!("mssql-mcp plugin test dist/{name}.wasm"),
            "makes the calls in expected.toml".to_owned(),
        ),
        (
            "mssql-mcp demo".to_owned(),
            format!("prints a folder; copy dist/{name}.wasm there, and it serves"),
        ),
    ];
    let width = steps
        .iter()
        .map(|(command, _)| command.chars().count())
        .max();
    let width = width.unwrap_or_default();
    let lines = steps.map(|(command, what)| format!("{command:width$}  # {what}"));
    lines.join("\n")
}

/// Shorter than any limit on names of files and crates.
const MAX_NAME: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_with_a_dash_between_them() {
        for name in ["a", "order-desk", "v2-orders"] {
            assert!(check(name).is_ok(), "{name}");
        }
        let long = "a".repeat(65);
        for name in [
            "", "-", "a-", "-a", "a--b", "2a", "Orders", "a_b", "a/b", "..", "a b", "ä", &long,
        ] {
            let said = check(name).unwrap_err().to_string();
            assert!(said.contains("such as order-desk"), "{name}: {said}");
        }
    }

    #[test]
    fn a_project_has_the_name_in_it_and_a_build_that_runs() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("deep/order-desk");
        write("order-desk", Language::Rust, &folder).unwrap();
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        assert!(manifest.contains("name = \"order-desk\""), "{manifest}");
        for path in ["sdk/src/lib.rs", "wit/deps/host/host.wit", ".gitignore"] {
            assert!(folder.join(path).is_file(), "{path}");
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &str| {
                fs::metadata(folder.join(path))
                    .unwrap()
                    .permissions()
                    .mode()
            };
            assert_eq!(mode("build") & 0o100, 0o100);
            assert_eq!(mode("README.md") & 0o100, 0);
        }
        for file in Language::Rust.project() {
            let text = fs::read_to_string(folder.join(file.path_for("order-desk"))).unwrap();
            assert!(!text.contains("__NAME"), "{}", file.path);
        }
    }

    #[test]
    fn what_is_there_stays_but_an_empty_folder_will_do() {
        let parent = tempfile::tempdir().unwrap();
        let kept = parent.path().join("notes.txt");
        fs::write(&kept, "mine").unwrap();
        for taken in [parent.path(), &kept] {
            let error = write("notes", Language::Rust, taken).unwrap_err();
            assert!(error.to_string().contains("is there already"), "{error}");
        }
        assert_eq!(fs::read_to_string(&kept).unwrap(), "mine");
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);

        let empty = tempfile::tempdir().unwrap();
        write("notes", Language::Rust, empty.path()).unwrap();
        assert!(empty.path().join("build").is_file());
    }

    #[test]
    fn three_lines_say_what_comes_next() {
        let steps = next_steps("a", Path::new("folder"));
        assert_eq!(steps.lines().count(), 3);
        assert!(steps.starts_with("cd folder && ./build"), "{steps}");
    }
}
