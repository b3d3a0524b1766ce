//! `mssql-mcp` with its commands and flags, wherever documents name them.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use crate::markdown::Document;

/// Commands and flags that the program does not know.
pub(super) fn unknown(documents: &[Document]) -> Vec<String> {
    let mut program = Program::default();
    let mut findings = Vec::new();
    let mut seen = 0;
    for document in documents {
        let lines = document.blocks_of("sh").flat_map(|block| {
            let lines = (block.line + 1..).zip(block.text.lines());
            lines.map(|(at, line)| (at, line.to_owned()))
        });
        let spans = document.spans().into_iter();
        let spans = spans.filter(|(_, span)| span.starts_with(CALL));
        for (at, text) in lines.chain(spans) {
            for call in calls(&text) {
                seen += 1;
                if let Err(reason) = program.check(&call) {
                    findings.push(format!("{}:{at}: {reason}", document.name));
                }
            }
        }
    }
    assert!(seen > 60, "{seen} calls were found");
    findings
}

/// What follows the program's name in `line`, each time it is there.
fn calls(line: &str) -> Vec<Vec<&str>> {
    let calls = line.split(CALL).skip(1).map(|rest| {
        let words = rest.split_whitespace();
        words.take_while(|word| !ends(word)).collect::<Vec<_>>()
    });
    calls.filter(|call| !call.is_empty()).collect()
}

/// Whether the call ends before `word`.
fn ends(word: &str) -> bool {
    word.starts_with(['#', '|', '&', ';', '>', '<'])
}

const CALL: &str = "mssql-mcp ";

/// What its help says, asked once for each command.
#[derive(Default)]
struct Program {
    help: BTreeMap<Vec<String>, Option<BTreeSet<String>>>,
}

impl Program {
    fn check(&mut self, call: &[&str]) -> Result<(), String> {
        let mut path: Vec<String> = Vec::new();
        for word in call.iter().take_while(|word| is_command(word)) {
            path.push((*word).to_owned());
            if self.flags(&path).is_none() {
                path.pop();
                break;
            }
        }
        let first = call.first().copied().unwrap_or_default();
        if path.is_empty() && is_command(first) {
            return Err(format!("mssql-mcp has no command {first}"));
        }
        let known = self.flags(&path).unwrap_or_default();
        for word in call {
            let word = word.trim_start_matches('[');
            let Some(name) = word.strip_prefix("--") else {
                continue;
            };
            let name: String = name
                .chars()
                .take_while(|letter| is_letter(*letter))
                .collect();
            if !name.is_empty() && !known.contains(&name) {
                return Err(format!("mssql-mcp {} has no --{name}", path.join(" ")));
            }
        }
        Ok(())
    }

    /// The flags of a command; nothing where there is no such command.
    fn flags(&mut self, path: &[String]) -> Option<BTreeSet<String>> {
        let help = self.help.entry(path.to_vec());
        help.or_insert_with(|| {
            let program = env!("CARGO_BIN_EXE_mssql-mcp");
            let output = Command::new(program).arg("help").args(path).output();
            let output = output.unwrap();
            let said = String::from_utf8(output.stdout).unwrap();
            output.status.success().then(|| flags(&said))
        })
        .clone()
    }
}

fn flags(help: &str) -> BTreeSet<String> {
    let words = help.split(|letter: char| !is_letter(letter));
    let flags = words.filter_map(|word| word.strip_prefix("--"));
    flags.map(ToOwned::to_owned).collect()
}

fn is_command(word: &str) -> bool {
    !word.starts_with('-') && !word.is_empty() && word.chars().all(is_letter)
}

fn is_letter(letter: char) -> bool {
    letter.is_ascii_lowercase() || letter == '-'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_program_does_not_know_is_found() {
        let mut program = Program::default();
        for (line, good) in [
            ("mssql-mcp serve --config FILE", true),
            ("mssql-mcp user invite ana@example.com --group x", true),
            (
                "docker compose exec mssql-mcp mssql-mcp check   # all",
                true,
            ),
            ("mssql-mcp token revoke --user|--client", true),
            ("mssql-mcp serv", false),
            ("mssql-mcp serve --confg FILE", false),
            ("mssql-mcp user invite ana@example.com --groups x", false),
        ] {
            let calls = calls(line);
            assert_eq!(calls.len(), 1, "{line}");
            let said = calls.iter().find_map(|call| program.check(call).err());
            assert_eq!(said.is_none(), good, "{line}: {said:?}");
        }
    }
}
