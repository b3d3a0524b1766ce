//! The guard against Microsoft's own parser of T-SQL: what the guard passes must be one
//! SELECT there, without an effect; what is one SELECT there, of what the rules allow,
//! must pass the guard.
//!
//! `GUARD_STATEMENTS` says how many statements (`just oracle 100000`), `GUARD_SEED`
//! which ones; `GUARD_SHOW` prints examples of what the parser cannot read.

mod grammar;
mod judge;
mod mutate;
mod newer;
mod parser;
mod random;
mod shrink;
mod writes;

use std::collections::BTreeMap;
use std::env;

use mssql_mcp::database::guard;
use serde::Deserialize;

use judge::{Verdict, judge};
use parser::Parser;
use random::Random;

/// What the parser finds wrong with each.
pub(super) fn microsofts_parser_finds(texts: &[&str]) -> Vec<Vec<String>> {
    let trees = Parser::start().trees(texts);
    trees.into_iter().map(|tree| tree.errors).collect()
}

#[test]
fn what_the_guard_passes_is_one_select_for_microsofts_parser() {
    let mut parser = Parser::start();
    let mut random = Random::new(seed());
    let known = known();
    let mut tally = Tally::default();
    let mut dangers: BTreeMap<String, String> = BTreeMap::new();
    let mut unparsed: BTreeMap<String, String> = BTreeMap::new();
    let many = statements();
    while tally.statements < many {
        let texts: Vec<String> = (0..ROUND.min(many - tally.statements))
            .map(|_| hostile(&mut random, &known))
            .collect();
        tally.statements += texts.len();
        let passed: Vec<String> = texts.into_iter().filter(|text| passes(text)).collect();
        tally.passed += passed.len();
        let trees = parser.trees(&passed);
        for (text, tree) in passed.iter().zip(&trees) {
            match verdict(&mut parser, text, judge(tree)) {
                Verdict::Reads => tally.read += 1,
                Verdict::Unparsed(error) => {
                    tally.unparsed += 1;
                    shorter(&mut unparsed, kind(&error), text);
                }
                Verdict::Dangerous(what) => {
                    tally.dangerous += 1;
                    shorter(&mut dangers, what, text);
                }
            }
        }
    }
    // A server refuses a batch that it cannot read whole, so these are no holes; the
    // guard would save it the round trip.
    println!("{tally:?}");
    show(&unparsed);
    assert!(tally.read > 0, "nothing passes the guard");
    for text in dangers.values_mut() {
        *text = shrink::shrink(text, |text| {
            passes(text) && matches!(judge(&parser.tree(text)), Verdict::Dangerous(_))
        });
    }
    assert!(dangers.is_empty(), "the guard passed {dangers:#?}");
}

#[test]
fn what_microsofts_parser_reads_and_the_rules_allow_passes() {
    let mut parser = Parser::start();
    let mut random = Random::new(seed());
    let many = statements();
    let mut asked = 0;
    let mut read = 0;
    let mut misses: BTreeMap<String, String> = BTreeMap::new();
    let mut unparsed: BTreeMap<String, String> = BTreeMap::new();
    let mut missed = 0;
    while asked < many {
        let texts: Vec<String> = (0..ROUND.min(many - asked))
            .map(|index| {
                let tokens = if index % 5 == 0 {
                    grammar::newer_statement(&mut random)
                } else {
                    grammar::statement(&mut random)
                };
                tokens.join(" ")
            })
            .collect();
        asked += texts.len();
        let trees = parser.trees(&texts);
        for (text, tree) in texts.iter().zip(&trees) {
            match verdict(&mut parser, text, judge(tree)) {
                Verdict::Reads => {}
                // The grammar grows what no rule forbids.
                Verdict::Dangerous(what) => panic!("the generator wrote {what}: {text}"),
                Verdict::Unparsed(error) => {
                    shorter(&mut unparsed, kind(&error), text);
                    continue;
                }
            }
            read += 1;
            if let Err(denial) = guard::check(text, &BOUND) {
                missed += 1;
                shorter(&mut misses, kind(&denial.message), text);
            }
        }
    }
    println!("of {asked} statements the parser read {read}; the guard refused {missed} of them");
    show(&unparsed);
    assert!(
        read * 100 >= asked * 97,
        "the generator writes no T-SQL: {read} of {asked}"
    );
    for text in misses.values_mut() {
        *text = shrink::shrink(text, |text| {
            !passes(text) && judge(&parser.tree(text)) == Verdict::Reads
        });
    }
    assert!(misses.is_empty(), "the guard refused {misses:#?}");
}

#[test]
fn the_parser_reads_every_statement_on_the_list_that_passes() {
    let mut parser = Parser::start();
    for case in list("guard-pass") {
        let tree = parser.tree(&case.sql);
        match verdict(&mut parser, &case.sql, judge(&tree)) {
            Verdict::Reads => {}
            Verdict::Unparsed(_) if case.newer.is_some() => {}
            other => panic!("{} is {other:?}: {}", case.id, case.sql),
        }
    }
}

/// A statement that is mostly one SELECT, and mostly not as it should be.
fn hostile(random: &mut Random, known: &[Vec<String>]) -> String {
    let mut tokens = match random.below(10) {
        0..5 => mutate::pieces(&grammar::statement(random).join(" ")),
        5 => mutate::pieces(&grammar::newer_statement(random).join(" ")),
        _ => random.pick(known).clone(),
    };
    if random.chance(92) {
        mutate::mutate(random, &mut tokens, known);
    }
    mutate::render(random, &tokens)
}

/// What the parser says of the text, or of the text in the form of 2019.
fn verdict(parser: &mut Parser, text: &str, verdict: Verdict) -> Verdict {
    match (&verdict, newer::older(text)) {
        (Verdict::Unparsed(_), Some(older)) => judge(&parser.tree(&older)),
        _ => verdict,
    }
}

fn passes(text: &str) -> bool {
    guard::check(text, &BOUND).is_ok()
}

/// Prints what was no T-SQL, if asked to.
fn show(unparsed: &BTreeMap<String, String>) {
    if env::var_os("GUARD_SHOW").is_some() {
        for (error, text) in unparsed {
            println!("{error}\n    {text:?}");
        }
    }
}

/// Keeps the shortest example of each kind.
fn shorter(examples: &mut BTreeMap<String, String>, kind: String, text: &str) {
    let example = examples.entry(kind).or_insert_with(|| text.to_owned());
    if text.len() < example.len() {
        text.clone_into(example);
    }
}

/// A message without its place.
fn kind(message: &str) -> String {
    message.split(" at ").next().unwrap_or_default().to_owned()
}

#[derive(Debug, Default)]
struct Tally {
    statements: usize,
    passed: usize,
    /// Of those that passed, by the parser: one SELECT, no T-SQL, and more than that.
    read: usize,
    unparsed: usize,
    dangerous: usize,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    sql: String,
    /// Which construct came after the parser's grammar of 2019.
    #[serde(default)]
    newer: Option<String>,
}

fn list(name: &str) -> Vec<Case> {
    let path = format!("{}/data/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every statement of the lists, in pieces.
fn known() -> Vec<Vec<String>> {
    [
        "guard-pass",
        "guard-refuse",
        "../../host/tests/data/sql-legit",
        "../../host/tests/data/sql-refuse",
        "tsql-queries",
    ]
    .iter()
    .flat_map(|name| list(name))
    .map(|case| mutate::pieces(&case.sql))
    .filter(|tokens| !tokens.is_empty())
    .collect()
}

fn statements() -> usize {
    number("GUARD_STATEMENTS").unwrap_or(10_000)
}

fn seed() -> u64 {
    number("GUARD_SEED").unwrap_or(1)
}

fn number<T: std::str::FromStr>(variable: &str) -> Option<T> {
    let text = env::var(variable).ok()?;
    match text.parse() {
        Ok(number) => Some(number),
        Err(_) => panic!("{variable} is no number: {text}"),
    }
}

const BOUND: [&str; 2] = ["p1", "p2"];
/// How many statements are in memory at a time.
const ROUND: usize = 2_000;
