//! What `mssql-mcp plugin new` writes, as part of the program: a template, the
//! guest library of its language, and the contract.

/// A file of a project.
#[derive(Debug, Clone, Copy)]
pub struct File {
    /// Where it lies in the project, with `/`.
    pub path: &'static str,
    /// Its text, in which [`NAME`] and [`NAME_SNAKE`] stand for the name.
    pub text: &'static str,
}

/// Stands for the name of the tool set, `order-desk`.
pub const NAME: &str = "__NAME__";

/// Stands for the same as an identifier, `order_desk`.
pub const NAME_SNAKE: &str = "__NAME_SNAKE__";

impl File {
    /// Where it lies in the project of that name.
    #[must_use]
    pub fn path_for(&self, name: &str) -> String {
        named(self.path, name)
    }

    /// Its text in the project of that name.
    #[must_use]
    pub fn text_for(&self, name: &str) -> String {
        named(self.text, name)
    }

    /// Whether it is run as it is.
    #[must_use]
    pub fn is_executable(&self) -> bool {
        self.text.starts_with("#!")
    }
}

fn named(text: &str, name: &str) -> String {
    text.replace(NAME_SNAKE, &name.replace('-', "_"))
        .replace(NAME, name)
}

include!(concat!(env!("OUT_DIR"), "/files.rs"));

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(project: &[File], path: &str) -> &'static str {
        let file = project.iter().find(|file| file.path == path);
        file.unwrap_or_else(|| panic!("no {path}")).text
    }

    #[test]
    fn every_project_says_how_it_is_built_and_tested_and_has_the_contract() {
        for (project, library) in [
            (RUST, "sdk/src/lib.rs"),
            (PYTHON, "mssql_mcp.py"),
            (JAVASCRIPT, "mssql-mcp.js"),
        ] {
            for path in ["README.md", "build", "expected.toml", ".gitignore", library] {
                text_of(project, path);
            }
            assert!(text_of(project, "build").starts_with("#!"));
            assert!(text_of(project, "wit/world.wit").contains("package mssql-mcp:plugin@1.0.0"));
            assert!(text_of(project, "wit/deps/host/host.wit").contains("interface call"));
            let mut paths: Vec<_> = project.iter().map(|file| file.path).collect();
            paths.sort_unstable();
            paths.dedup();
            assert_eq!(paths.len(), project.len(), "two files of one path");
        }
    }

    #[test]
    fn the_guest_library_of_a_rust_project_stands_alone() {
        let manifest = text_of(RUST, "sdk/Cargo.toml");
        assert!(!manifest.contains("workspace"), "{manifest}");
        assert!(manifest.contains("schemars = \"1.2\""), "{manifest}");
        assert!(text_of(RUST, "sdk/src/bindings.rs").contains("path: \"../wit\""));
    }

    #[test]
    fn a_rust_project_asks_for_the_versions_that_are_tested_here() {
        let table = |path| text_of(RUST, path).parse::<toml::Table>().unwrap();
        let (project, sdk) = (table("Cargo.toml"), table("sdk/Cargo.toml"));
        for (section, key) in [
            ("package", "edition"),
            ("package", "rust-version"),
            ("dependencies", "schemars"),
            ("dependencies", "serde"),
        ] {
            assert_eq!(project[section][key], sdk[section][key], "{key}");
        }
        assert_eq!(
            project["dev-dependencies"]["serde_json"],
            sdk["dependencies"]["serde_json"]["version"]
        );
    }

    #[test]
    fn the_name_goes_into_text_and_path() {
        let file = File {
            path: "src/__NAME_SNAKE__.py",
            text: "#!/bin/sh\n__NAME__ __NAME_SNAKE__ __name__",
        };
        assert_eq!(file.path_for("order-desk"), "src/order_desk.py");
        assert_eq!(
            file.text_for("order-desk"),
            "#!/bin/sh\norder-desk order_desk __name__"
        );
        assert!(file.is_executable());
    }
}
