//! Links within the repository.

use std::path::{Component, Path, PathBuf};

use crate::markdown::Document;

/// Links that lead to no file, or to no heading of one.
pub(super) fn broken(documents: &[Document], root: &Path) -> Vec<String> {
    let mut findings = Vec::new();
    for document in documents {
        for (line, link) in document.links() {
            if let Err(reason) = follow(document, &link, documents, root) {
                findings.push(format!("{}:{line}: {link}: {reason}", document.name));
            }
        }
    }
    findings
}

fn follow(
    document: &Document,
    link: &str,
    documents: &[Document],
    root: &Path,
) -> Result<(), String> {
    if link.contains("://") || link.starts_with("mailto:") {
        return Ok(());
    }
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let name = if path.is_empty() {
        document.name.clone()
    } else {
        beside(&document.name, path).ok_or("it leaves the repository")?
    };
    if !root.join(&name).exists() {
        return Err("there is no such file".to_owned());
    }
    if anchor.is_empty() {
        return Ok(());
    }
    let target = documents.iter().find(|document| document.name == name);
    let target = target.ok_or("only a document has headings")?;
    if target.anchors().iter().any(|known| known == anchor) {
        return Ok(());
    }
    Err(format!("it has {}", target.anchors().join(", ")))
}

/// The path, from the root, of what `from` calls `path`.
fn beside(from: &str, path: &str) -> Option<String> {
    let mut found = PathBuf::from(from);
    found.pop();
    for part in Path::new(path).components() {
        match part {
            Component::Normal(name) => found.push(name),
            Component::ParentDir => {
                if !found.pop() {
                    return None;
                }
            }
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(found.to_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_to_nothing_is_found() {
        let document = Document::parse(
            "docs/architecture.md",
            "# Here\n[a](../README.md) [b](nowhere.md) [c](#here) [d](#there)\n\
             [e](https://example.com/x) [f](../../x) [g](architecture.md#here)\n",
        );
        let found = broken(&[document], &crate::root());
        let found: Vec<_> = found
            .iter()
            .filter_map(|finding| finding.split(": ").nth(1))
            .collect();
        assert_eq!(found, ["nowhere.md", "#there", "../../x"]);
    }
}
