//! Microsoft's parser as a program that answers a line for every line.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::Deserialize;

/// What it made of one text.
#[derive(Debug, Deserialize)]
pub(super) struct Tree {
    pub(super) errors: Vec<String>,
    pub(super) batches: usize,
    /// The kinds of statement, in order.
    pub(super) statements: Vec<String>,
    /// Every kind of node, once.
    pub(super) nodes: Vec<String>,
    /// `table a.b`, `call dbo.f`, `hint NoLock` and so on, once each.
    pub(super) facts: Vec<String>,
}

pub(super) struct Parser {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Parser {
    pub(super) fn start() -> Self {
        let program = super::super::installed(".oracle/oracle.exe", ".oracle/installed");
        let mut process = Command::new("mono")
            .arg(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("mono: {error}; {}", super::super::INSTALL));
        Self {
            input: process.stdin.take().expect("a pipe"),
            output: BufReader::new(process.stdout.take().expect("a pipe")),
            process,
        }
    }

    /// Parses each.
    pub(super) fn trees(&mut self, texts: &[impl AsRef<str> + Sync]) -> Vec<Tree> {
        let Self { input, output, .. } = self;
        std::thread::scope(|scope| {
            // Both pipes are smaller than what goes through them.
            scope.spawn(move || {
                for text in texts {
                    let line = serde_json::to_string(text.as_ref()).expect("a string");
                    writeln!(input, "{line}").expect("the parser reads");
                }
                input.flush().expect("the parser reads");
            });
            let mut line = String::new();
            let mut answer = |text: &str| {
                line.clear();
                output.read_line(&mut line).expect("the parser answers");
                serde_json::from_str(&line)
                    .unwrap_or_else(|error| panic!("{error} in {line:?} for {text:?}"))
            };
            texts.iter().map(|text| answer(text.as_ref())).collect()
        })
    }

    pub(super) fn tree(&mut self, text: &str) -> Tree {
        self.trees(&[text]).pop().expect("an answer")
    }
}

impl Drop for Parser {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
