//! The guides that are there in English and Spanish.

use crate::markdown::{Block, Document};

/// Where one language has what the other lacks.
pub(super) fn differences(documents: &[Document]) -> Vec<String> {
    let mut findings = Vec::new();
    let mut pairs = 0;
    for document in documents {
        let Some(other) = twin(&document.name) else {
            continue;
        };
        match documents.iter().find(|document| document.name == other) {
            None => findings.push(format!("{}: there is no {other}", document.name)),
            Some(other) => {
                pairs += 1;
                findings.extend(compare(document, other));
            }
        }
    }
    assert!(pairs >= 18, "{pairs} guides have a twin");
    findings
}

/// What a guide is called in the other language.
fn twin(name: &str) -> Option<String> {
    match name {
        "docs/explanation_en.md" => return Some("docs/explicacion_es.md".to_owned()),
        "docs/explicacion_es.md" => return Some("docs/explanation_en.md".to_owned()),
        _ => {}
    }
    let english = name.strip_prefix("docs/en/");
    let spanish = name.strip_prefix("docs/es/");
    english
        .map(|file| format!("docs/es/{file}"))
        .or_else(|| spanish.map(|file| format!("docs/en/{file}")))
}

fn compare(one: &Document, other: &Document) -> Option<String> {
    let levels = |document: &Document| -> Vec<usize> {
        document.headings.iter().map(|(level, _)| *level).collect()
    };
    if levels(one) != levels(other) {
        return Some(format!(
            "{} and {} have other headings: {:?}, {:?}",
            one.name, other.name, one.headings, other.headings
        ));
    }
    if one.blocks.len() != other.blocks.len() {
        return Some(format!(
            "{} has {} blocks, {} has {}",
            one.name,
            one.blocks.len(),
            other.name,
            other.blocks.len()
        ));
    }
    let pairs = one.blocks.iter().zip(&other.blocks);
    let mut different = pairs.filter(|(one, other)| bare(one) != bare(other));
    different.next().map(|(block, twin)| {
        format!(
            "{}:{} and {}:{} differ in more than comments",
            one.name, block.line, other.name, twin.line
        )
    })
}

/// A block without its comments, which are translated.
fn bare(block: &Block) -> (&str, Option<&str>, Vec<&str>) {
    let comment = if block.language == "sql" { "--" } else { "#" };
    let lines = block.text.lines().map(|line| {
        let end = line.find(&format!(" {comment}"));
        end.and_then(|end| line.get(..end))
            .unwrap_or(line)
            .trim_end()
    });
    (&block.language, block.mark.as_deref(), lines.collect())
}
