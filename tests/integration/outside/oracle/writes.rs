//! The same for statements that write: what the guard passes is one statement for
//! Microsoft's parser, of a kind that may be, with nothing inside it that changes rows
//! for itself, and with names of this database alone.

use std::collections::BTreeMap;

use mssql_mcp::database::guard;

use super::parser::{Parser, Tree};
use super::random::Random;
use super::{BOUND, Case, ROUND, known, list, mutate, seed, shorter, show, shrink, statements};

#[test]
fn what_the_guard_passes_as_a_write_is_one_statement_for_microsofts_parser() {
    let mut parser = Parser::start();
    let mut random = Random::new(seed());
    let writes = list(WRITES);
    let writes = writes.iter().map(|case| mutate::pieces(&case.sql));
    let writes: Vec<Vec<String>> = writes.collect();
    let others: Vec<Vec<String>> = known().into_iter().chain(writes.clone()).collect();
    let many = statements();
    let (mut asked, mut passed, mut unparsed, mut written) = (0, 0, 0, 0);
    let mut dangers: BTreeMap<String, String> = BTreeMap::new();
    let mut errors: BTreeMap<String, String> = BTreeMap::new();
    while asked < many {
        let texts = (0..ROUND.min(many - asked)).map(|_| {
            let mut tokens = random.pick(&writes).clone();
            if random.chance(95) {
                mutate::mutate(&mut random, &mut tokens, &others);
            }
            mutate::render(&mut random, &tokens)
        });
        let texts: Vec<String> = texts.collect();
        asked += texts.len();
        let some: Vec<String> = texts.into_iter().filter(|text| passes(text)).collect();
        passed += some.len();
        let trees = parser.trees(&some);
        for (text, tree) in some.iter().zip(&trees) {
            match danger(tree) {
                _ if !tree.errors.is_empty() => {
                    unparsed += 1;
                    shorter(&mut errors, super::kind(&tree.errors[0]), text);
                }
                None => written += 1,
                Some(what) => shorter(&mut dangers, what, text),
            }
        }
    }
    println!(
        "of {asked} statements {passed} passed; {written} are one write, {unparsed} no T-SQL of 2019"
    );
    show(&errors);
    assert!(written * 20 > asked, "hardly anything passes the guard");
    for text in dangers.values_mut() {
        *text = shrink::shrink(text, |text| {
            let tree = parser.tree(text);
            passes(text) && tree.errors.is_empty() && danger(&tree).is_some()
        });
    }
    assert!(dangers.is_empty(), "the guard passed {dangers:#?}");
}

#[test]
fn every_kind_of_write_is_read_by_the_parser_and_passes() {
    let mut parser = Parser::start();
    for Case { id, sql, .. } in list(WRITES) {
        assert_eq!(guard::check_write(&sql, &BOUND), Ok(()), "{id}: {sql}");
        let tree = parser.tree(&sql);
        assert_eq!(tree.errors, Vec::<String>::new(), "{id}: {sql}");
        assert_eq!(danger(&tree), None, "{id}: {sql}");
    }
}

fn passes(text: &str) -> bool {
    guard::check_write(text, &BOUND).is_ok()
}

/// What the tree has that it may not.
fn danger(tree: &Tree) -> Option<String> {
    let [statement] = tree.statements.as_slice() else {
        return Some(tree.statements.join(", "));
    };
    if tree.batches != 1 || !may_be(statement) {
        return Some(format!("{} batches of {statement}", tree.batches));
    }
    let node = tree
        .nodes
        .iter()
        .find(|node| NEVER.contains(&node.as_str()));
    let elsewhere = |fact: &&String| {
        let name = fact.strip_prefix("table ");
        **fact == "into" || name.is_some_and(|name| name.split('.').count() > 2)
    };
    node.or(tree.facts.iter().find(elsewhere)).cloned()
}

fn may_be(statement: &str) -> bool {
    if DML.contains(&statement) {
        return true;
    }
    let verbs = ["CreateOrAlter", "Create", "Alter", "Drop"];
    let found = verbs
        .iter()
        .find_map(|verb| Some((*verb, statement.strip_prefix(verb)?)));
    let Some((verb, what)) = found else {
        return false;
    };
    let code = ["Procedure", "Function", "Trigger"];
    if code.iter().any(|code| what.contains(code)) {
        return verb == "Drop";
    }
    OBJECTS.iter().any(|object| what.contains(object))
        && !["External", "SchemaCollection", "Security"]
            .iter()
            .any(|other| what.contains(other))
}

const WRITES: &str = "../../host/tests/data/writes";

const DML: [&str; 4] = [
    "DeleteStatement",
    "InsertStatement",
    "MergeStatement",
    "UpdateStatement",
];

const OBJECTS: [&str; 8] = [
    "Index",
    "Schema",
    "Sequence",
    "Statistics",
    "Synonym",
    "Table",
    "Type",
    "View",
];

/// What changes rows besides the statement's own verb, runs text or reaches outside.
const NEVER: [&str; 8] = [
    "AdHocTableReference",
    "BulkOpenRowset",
    "DataModificationTableReference",
    "ExecuteInsertSource",
    "ExecuteSpecification",
    "OpenQueryTableReference",
    "OpenRowsetTableReference",
    "PredicateSetStatement",
];
