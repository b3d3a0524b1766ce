//! Holds the documents to what they say: commands run, links lead somewhere,
//! configurations parse, and both languages have the same. `docs/development.md` has
//! the marks that a block can carry.

#![cfg(feature = "demo")]
#![expect(clippy::unwrap_used, reason = "that is how a test says what is wrong")]

mod commands;
mod configuration;
mod links;
mod markdown;
mod marks;
mod site;
mod twins;

use std::fs;
use std::path::{Path, PathBuf};

use markdown::Document;
use marks::Mark;
use site::Site;

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every Markdown file of the repository.
fn all() -> Vec<Document> {
    let mut found = Vec::new();
    collect(&root(), "", &mut found);
    found
}

/// Those that tell people what to type.
fn documentation() -> Vec<Document> {
    let mut documents = all();
    documents.retain(|document| document.name == "README.md" || document.name.starts_with("docs/"));
    assert!(documents.len() > 20, "the documents are somewhere else");
    documents
}

fn collect(folder: &Path, prefix: &str, found: &mut Vec<Document>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(Result::unwrap).collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().into_string().unwrap();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type().unwrap();
        if kind.is_dir() && !name.starts_with('.') && !NOT_OURS.contains(&name.as_str()) {
            collect(&entry.path(), &format!("{path}/"), found);
        } else if kind.is_file() && name.ends_with(".md") {
            let text = fs::read_to_string(entry.path()).unwrap();
            found.push(Document::parse(&path, &text));
        }
    }
}

/// Folders of what was built or installed.
const NOT_OURS: &[&str] = &["target", "node_modules", "dist"];

/// Fails with all that was found.
fn nothing(findings: &[String]) {
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    nothing(&links::broken(&all(), &root()));
}

#[test]
fn every_shell_block_is_run_or_says_why_it_is_not() {
    let mut findings = Vec::new();
    for document in documentation() {
        for block in document.blocks_of("sh") {
            if let Err(reason) = Mark::of(block, &root()) {
                findings.push(format!("{}:{}: {reason}", document.name, block.line));
            }
        }
    }
    nothing(&findings);
}

#[test]
fn every_configuration_is_one() {
    let mut findings = Vec::new();
    for document in documentation() {
        for block in document.blocks_of("toml") {
            if let Err(reason) = configuration::check(block) {
                findings.push(format!("{}:{}: {reason}", document.name, block.line));
            }
        }
    }
    nothing(&findings);
}

#[test]
fn every_command_and_flag_is_known_to_the_program() {
    nothing(&commands::unknown(&documentation()));
}

#[test]
fn english_and_spanish_guides_have_the_same_parts() {
    nothing(&twins::differences(&documentation()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_of_the_documents_run() {
    let mut findings = Vec::new();
    let mut ran = 0;
    for document in documentation() {
        // The Spanish guides have the same commands, which another test sees to.
        if document.name.starts_with("docs/es/") {
            continue;
        }
        let blocks: Vec<_> = document
            .blocks_of("sh")
            .filter_map(|block| Some((block, Mark::of(block, &root()).ok()?)))
            .filter(|(_, mark)| *mark != Mark::NotRun)
            .collect();
        if blocks.is_empty() {
            continue;
        }
        let mut site = Site::new().await;
        if !blocks.iter().any(|(_, mark)| *mark == Mark::Server) {
            site.serve("mssql-mcp serve").await.unwrap();
        }
        for (block, mark) in blocks {
            let done = match mark {
                Mark::Server => site.serve(&block.text).await,
                Mark::Run | Mark::NotRun => site.run(&block.text).await,
            };
            ran += 1;
            if let Err(reason) = done {
                findings.push(format!("{}:{}: {reason}", document.name, block.line));
            }
        }
    }
    nothing(&findings);
    assert!(ran >= 15, "{ran} blocks were run");
}
