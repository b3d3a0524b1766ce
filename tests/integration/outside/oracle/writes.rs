//! The same for statements that write: what the guard passes is one statement for
//! Microsoft's parser, of a kind that may be, with nothing inside it that changes rows
//! for itself, and with names of this database alone.

use std::collections::BTreeMap;

use mssql_mcp::database::guard;

use super::parser::{Parser, Tree};
use super::random::Random;
use super::{BOUND, ROUND, known, mutate, seed, shorter, show, shrink, statements};

#[test]
fn what_the_guard_passes_as_a_write_is_one_statement_for_microsofts_parser() {
    let mut parser = Parser::start();
    let mut random = Random::new(seed());
    let writes: Vec<Vec<String>> = WRITES.iter().map(|sql| mutate::pieces(sql)).collect();
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
    for sql in WRITES {
        assert_eq!(guard::check_write(sql, &BOUND), Ok(()), "{sql}");
        let tree = parser.tree(sql);
        assert_eq!(tree.errors, Vec::<String>::new(), "{sql}");
        assert_eq!(danger(&tree), None, "{sql}");
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

const WRITES: [&str; 30] = [
    "INSERT INTO dbo.t (a) VALUES (@p1)",
    "INSERT dbo.t DEFAULT VALUES",
    "INSERT TOP (5) INTO dbo.t (a) OUTPUT inserted.a SELECT a FROM dbo.u UNION ALL SELECT a FROM dbo.v EXCEPT SELECT 1",
    "INSERT INTO dbo.t WITH (TABLOCK) (a) (SELECT a FROM dbo.u) UNION (SELECT 1)",
    "INSERT INTO dbo.t (a, b) SELECT CASE WHEN x = 1 THEN 2 END, NEXT VALUE FOR dbo.s FROM dbo.u AS u WHERE EXISTS (SELECT 1 FROM dbo.v AS v WHERE v.id = u.id) OPTION (MERGE JOIN)",
    "UPDATE t SET a = 1 FROM dbo.t AS t JOIN dbo.u AS u ON u.id = t.id",
    "UPDATE dbo.t WITH (HOLDLOCK) SET a = (SELECT MAX(x) FROM dbo.u), b = DEFAULT OUTPUT deleted.a INTO dbo.log (a) WHERE dbo.t.id = @p1",
    "UPDATE TOP (3) dbo.t SET a += 1, b = CASE a WHEN 1 THEN 'x' ELSE NULL END WHERE a IN (1, 2) OR b LIKE '%x'",
    "UPDATE dbo.t SET Doc.modify('insert <a/> into /r') WHERE t.Doc.value('a', 'int') = 1",
    "DELETE TOP (5) FROM dbo.t OUTPUT deleted.id WHERE a = @p1",
    "DELETE t FROM dbo.t AS t INNER MERGE JOIN dbo.u AS u ON u.id = t.id",
    "DELETE FROM dbo.t WHERE a BETWEEN 1 AND @p2 AND NOT EXISTS (SELECT * FROM dbo.u WHERE u.id = t.id)",
    "WITH c AS (SELECT 1 AS a) INSERT INTO dbo.t SELECT a FROM c",
    "WITH c AS (SELECT TOP (1) id FROM dbo.t ORDER BY id) DELETE FROM c",
    "WITH c (a) AS (SELECT 1), d AS (SELECT 2 AS a) UPDATE dbo.t SET a = c.a FROM c",
    "MERGE dbo.t AS t USING dbo.s AS s ON t.id = s.id WHEN MATCHED THEN UPDATE SET v = s.v WHEN NOT MATCHED BY SOURCE THEN DELETE WHEN NOT MATCHED THEN INSERT (v) VALUES (s.v);",
    "MERGE INTO dbo.t WITH (HOLDLOCK) AS t USING (VALUES (1, 'x')) AS s (id, v) ON t.id = s.id WHEN MATCHED THEN DELETE OUTPUT deleted.id;",
    "CREATE TABLE dbo.x (a int IDENTITY(1, 1) PRIMARY KEY, b int REFERENCES dbo.t (a) ON DELETE CASCADE ON UPDATE NO ACTION, c int REFERENCES dbo.u (a) ON DELETE SET NULL, CONSTRAINT k CHECK (b > 0))",
    "ALTER TABLE dbo.x ADD c nvarchar(50) NOT NULL CONSTRAINT d DEFAULT N''",
    "ALTER TABLE dbo.x ALTER COLUMN c nvarchar(60) NULL",
    "ALTER TABLE dbo.x DROP COLUMN IF EXISTS c",
    "ALTER TABLE dbo.x DROP CONSTRAINT d",
    "DROP TABLE IF EXISTS dbo.x, dbo.y",
    "CREATE OR ALTER VIEW dbo.v AS WITH c AS (SELECT 1 AS a) SELECT a FROM c UNION SELECT 2 AS a",
    "CREATE UNIQUE NONCLUSTERED INDEX i ON dbo.t (a) INCLUDE (b) WHERE a > 1",
    "ALTER INDEX ALL ON dbo.t REBUILD",
    "CREATE SEQUENCE dbo.s AS int START WITH 1 INCREMENT BY 1",
    "CREATE SCHEMA sales",
    "CREATE SYNONYM dbo.s FOR dbo.t",
    "DROP PROCEDURE dbo.p",
];
