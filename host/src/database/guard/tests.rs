//! Statements to refuse and to pass: the two shared lists, and more of our own that go
//! through the whole breadth of SELECT.

use std::time::{Duration, Instant};

use serde::Deserialize;

use super::{Cte, Denial, RelationKind, check, inspect};

#[derive(Deserialize)]
struct Case {
    id: String,
    sql: String,
}

fn cases(json: &str) -> Vec<Case> {
    serde_json::from_str(json).unwrap()
}

fn denied(sql: &str) -> Denial {
    match check(sql, &["p1"]) {
        Ok(_) => panic!("passed: {sql}"),
        Err(denial) => denial,
    }
}

#[test]
fn every_hostile_statement_is_refused_with_a_hint() {
    let shared = cases(include_str!("../../../tests/data/sql-refuse.json"));
    assert_eq!(shared.len(), 109);
    let more = cases(include_str!("../../../tests/data/sql-refuse-more.json"));
    assert!(more.len() > shared.len());
    let all = shared.into_iter().chain(more);
    let wrong: Vec<String> = all
        .filter_map(|case| match check(&case.sql, &["p1"]) {
            Ok(_) => Some(format!("{} passed: {}", case.id, case.sql)),
            Err(denial) if denial.hint.is_none() => Some(format!("{} has no hint", case.id)),
            Err(_) => None,
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_legitimate_statement_passes() {
    let shared = cases(include_str!("../../../tests/data/sql-legit.json"));
    assert_eq!(shared.len(), 42);
    let more = cases(include_str!("../../../tests/data/sql-legit-more.json"));
    assert!(more.len() > shared.len());
    let all = shared.into_iter().chain(more);
    let wrong: Vec<String> = all
        .filter_map(|case| {
            let denial = check(&case.sql, &["p1"]).err()?;
            Some(format!("{}: {denial} {}", case.id, case.sql))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_query_of_the_embedded_database_passes() {
    for case in cases(include_str!("../../../tests/data/tsql-queries.json")) {
        if let Err(denial) = check(&case.sql, &[]) {
            panic!("{} refused: {denial} {}", case.id, case.sql);
        }
    }
}

#[test]
fn a_second_list_is_refused() {
    for sql in [
        "SELECT 1 SHUTDOWN",
        "SELECT a FROM t SHUTDOWN",
        "SELECT a FROM t COMMIT",
        "SELECT a FROM t ROLLBACK",
        "SELECT a FROM t THROW",
        "SELECT 1 CONTINUE",
        "SELECT 1 FETCH NEXT FROM c",
        "SELECT 1 // x",
        "SELECT E'\\'; DELETE FROM t --'",
        "SELECT * FROM t WHERE EXISTS (DELETE FROM x)",
        "WITH c AS (DELETE FROM x) SELECT 1",
        "SELECT * FROM (MERGE t USING s ON 1=1 WHEN MATCHED THEN DELETE OUTPUT deleted.*) q",
        "(DELETE FROM t)",
        "SELECT a FROM OPENXML(@p1,'/a')",
        "SELECT 1 SELECT 2",
        "(SELECT 1) (SELECT 2)",
        "SELECT (1) SELECT 2",
        "WITH c AS (SELECT 1 a) SELECT * FROM c SELECT 2",
        "SELECT 1DELETE FROM t",
        "SELECT 1eDELETE FROM t",
        "SELECT 0x1FxDELETE FROM t",
        "SELECT $1DELETE FROM t",
        "SELECT a FROM t, other..secrets",
        "SELECT a FROM t, srv.db.dbo.x",
        "SELECT a FROM t JOIN master.dbo.x ON 1=1",
        "SELECT a FROM (t JOIN master.dbo.x ON 1=1)",
        "SELECT a FROM t WHERE x IN (SELECT 1 FROM master.dbo.y)",
        "SELECT (SELECT TOP 1 x FROM [master].[dbo].[y])",
        "SELECT a FROM t FOR SYSTEM_TIME ALL, master.dbo.y",
        "SELECT a FROM t CROSS APPLY dbo.fn(1) x",
        "SELECT a FROM t OUTER APPLY (SELECT * FROM [master]..y) z",
        "SELECT a FROM t WITH (TABLOCKX)",
        "SELECT a FROM t x (XLOCK)",
        "SELECT a FROM t (UPDLOCK)",
        "SELECT a FROM t WITH (NOLOCK, HOLDLOCK)",
        "SELECT a FROM t AS x WITH (SERIALIZABLE)",
        "SELECT a FROM [sys].[sql_logins]",
        "SELECT a FROM \"sys\".\"sysprocesses\"",
        "SELECT a FROM sys.dm_exec_sql_text(0x01)",
        "SELECT a FROM sys.dm_exec_sessions",
        "SELECT a FROM sys.sql_modules",
        "SELECT a FROM sysusers",
        "SELECT a FROM dbo.sysprocesses",
        "SELECT a FROM [#t]",
        "SELECT a FROM @p1",
        "SELECT a FROM @tables",
        "SELECT @p1 = a FROM t",
        "SELECT TOP 1 @p1 = a FROM t",
        "SELECT b, @p1 += a FROM t",
        "SELECT @@SERVERNAME",
        "SELECT SESSION_CONTEXT(N'tenant')",
        "SELECT master.dbo.fn_varbintohexstr(0x1)",
        "SELECT sys.fn_get_sql(0x1)",
        "SELECT dbo.ToString(1)",
        "SELECT [dbo].[f] (1)",
        "SELECT [xp_cmdshell]('dir')",
        "SELECT a FROM ::fn_helpcollations()",
        "SELECT a FROM t OPTION (MAXRECURSION 32767)",
        "SELECT a FROM t OPTION (USE HINT('ENABLE_PARALLEL_PLAN_PREFERENCE'))",
        "SELECT a FROM t OPTION (RECOMPILE) DELETE FROM t",
        "SELECT a FROM t OPTION (TABLE HINT(t, TABLOCKX))",
        "SELECT a FROM (SELECT a FROM t OPTION (RECOMPILE)) x",
        "SELECT a FROM t USE HINT master",
        "SELECT CASE WHEN 1=1 THEN 1 END END CONVERSATION 'x'",
        "SELECT a FROM t SEND ON CONVERSATION 'x'",
        "SELECT a FROM t lbl: SELECT 2",
        "SELECT {fn CURRENT_USER()}",
        "SELECT a FROM {oj t}",
        "SELECT ſelect FROM t",
        "SELECT 1 \u{212A}ILL 5",
        "SELECT a FROM t /* unterminated",
        "SELECT 'unterminated",
        "SELECT [unterminated",
        "SELECT a FROM t WHERE (1=1",
        "SELECT a FROM t)",
        "SELECT CASE WHEN 1=1 THEN 1",
        "SELECT a FROM",
        "SELECT a FROM t,",
        "WITH c AS (SELECT 1 a)",
        "SELECT a -- \u{2028} DELETE FROM t",
        "SELECT PWDENCRYPT('x')",
        "SELECT value, SUSER_NAME(value) FROM GENERATE_SERIES(1, 500)",
        "SELECT [suser_sname](0x01 + CAST(value AS binary(4))) FROM GENERATE_SERIES(1, 500)",
        "SELECT value, DB_NAME(value), DB_ID('x') FROM GENERATE_SERIES(1, 500)",
        "SELECT DB_ID(N'master')",
        "SELECT SUSER_ID('sa')",
        "SELECT USER_ID('x')",
        "SELECT USER_NAME (/**/ 1)",
        "SELECT ROUTINE_DEFINITION FROM INFORMATION_SCHEMA.ROUTINES",
        "SELECT a FROM t TABLE",
    ] {
        denied(sql);
    }
}

#[test]
fn a_second_list_passes() {
    for sql in [
        "(SELECT 1) UNION ALL (SELECT 2) ORDER BY 1;",
        "SELECT TRIM(' x' FROM name), TRIM(name) FROM dbo.t",
        "SELECT a FROM t WHERE a IS NOT DISTINCT FROM b",
        "SELECT a, COUNT(*) FROM t GROUP BY a WITH ROLLUP",
        "SELECT a FROM (t JOIN u ON t.id = u.id) JOIN ((v)) ON 1=1, w",
        "SELECT x.n.value('.', 'int') FROM dbo.d CROSS APPLY d.doc.nodes('/a/b') AS x(n)",
        "SELECT doc.query('/a').value('(/b)[1]', 'int') FROM dbo.d",
        "SELECT geography::Point(47.6, -122.3, 4326).STDistance(Loc) FROM dbo.Geo",
        "SELECT hierarchyid::GetRoot().ToString()",
        "SELECT a FROM t (NOLOCK) JOIN u x (NOLOCK, INDEX(ix_1)) ON t.id = x.id",
        "SELECT a FROM t WITH (INDEX = ix_a, FORCESEEK) WHERE a > @p1",
        "SELECT a FROM t WHERE @p1 = a AND (@P1 IS NULL OR @p1 = b)",
        "SELECT JSON_OBJECT('a':1, 'b':x) FROM t",
        "WITH a(x, y) AS (SELECT 1, 2), b AS (SELECT x FROM a) SELECT * FROM a JOIN b ON a.x = b.x",
        "WITH XMLNAMESPACES ('urn:x' AS x) SELECT doc.value('(x:a)[1]', 'int') FROM dbo.d",
        "SELECT * FROM (VALUES (1),(2)) AS v(n) CROSS JOIN dbo.t",
        "SELECT CAST(a AS decimal(9,2)), CAST(b AS [nvarchar](max)) FROM t",
        "SELECT SUM(x) OVER w FROM t WINDOW w AS (PARTITION BY a ORDER BY b)",
        "SELECT Straße, größe, 名前 FROM dbo.Läden",
        "SELECT 1 /* a /* nested */ comment */ -- and a line",
        "SELECT 'it''s', N'x', \"a \"\"b\"\"\", [c]]d] FROM t",
        "SELECT dbo.Orders.OrderID FROM dbo.Orders",
        "SELECT a FROM t FOR SYSTEM_TIME AS OF '2024-01-01' AS x, u",
        "SELECT 1e3, 1.5E-2, .5, 5., 0x, 0xAB, $1.5, -1",
        "SELECT a\r\nFROM\tt",
        "SELECT a FROM t WHERE b != 1 AND c <> 2 AND d !< 3",
        "SELECT LEFT(a, 2), RIGHT(a, 1), COALESCE(a, b), NULLIF(a, b), CURRENT_TIMESTAMP FROM t",
        "SELECT a FROM t ORDER BY a OFFSET (@p1) ROWS FETCH NEXT (5) ROWS ONLY",
        "SELECT DB_NAME(), SUSER_SNAME( /* me */ ), USER_ID(), t.user_name, user_name FROM t",
        "SELECT user_name FROM OPENJSON('[]') WITH (user_name nvarchar(50), db_name int)",
        "SELECT VIEW_DEFINITION FROM INFORMATION_SCHEMA.VIEWS",
    ] {
        if let Err(denial) = check(sql, &["p1"]) {
            panic!("refused: {denial} {sql}");
        }
    }
}

#[test]
fn refusals_name_the_token_its_place_and_the_way_out() {
    let write = denied("SELECT 1\n  DELETE FROM t");
    assert_eq!(write.code, "write-not-allowed");
    assert!(write.message.contains("not allowed in read-only mode"));
    assert!(
        write.message.contains("DELETE at line 2, column 3"),
        "{write}"
    );
    assert!(write.hint.unwrap().contains("[DELETE]"));
    assert_eq!(
        denied("SELECT a FROM master.dbo.t").code,
        "table-not-allowed"
    );
    assert_eq!(denied("SELECT dbo.f(1)").code, "function-not-allowed");
    assert_eq!(
        denied("SELECT a FROM OPENROWSET(1)").code,
        "function-not-allowed"
    );
    assert_eq!(denied("SELECT 1; SELECT 2").code, "statement-not-allowed");
    assert_eq!(denied("DROP TABLE t").code, "write-not-allowed");
    assert_eq!(denied("SELECT NEXT VALUE FOR s").code, "write-not-allowed");
}

#[test]
fn text_tokens_and_nesting_are_bounded() {
    denied(&format!("SELECT '{}'", "x".repeat(64 * 1024)));
    denied(&format!("SELECT 1{}", "+1".repeat(3_000)));
    denied(&format!(
        "SELECT {}1{}",
        "(".repeat(10_000),
        ")".repeat(10_000)
    ));
    let unions = "SELECT 1".to_owned() + &" UNION ALL SELECT 1".repeat(2_000);
    denied(&unions);
}

#[test]
fn documents_and_tables_are_noticed() {
    let document = check("SELECT a FROM dbo.t FOR JSON PATH", &[]).unwrap();
    assert!(document.returns_one_document && document.reads_a_table);
    let inner = check("SELECT (SELECT 1 a FOR JSON PATH) AS j", &[]).unwrap();
    assert!(!inner.returns_one_document && !inner.reads_a_table);
    let cte = check("WITH c AS (SELECT 1 a) SELECT a FROM c", &[]).unwrap();
    assert!(!cte.reads_a_table);
    assert!(
        !check("SELECT name FROM sys.tables", &[])
            .unwrap()
            .reads_a_table
    );
}

/// The relations of a statement: kind, schema and name, alias, what belongs to it.
fn relations(sql: &str) -> Vec<String> {
    let (_, seen) = inspect(sql, &["p1"], &[]).expect(sql);
    let relations = seen.relations.iter().map(|relation| {
        let kind = match (relation.kind, relation.cte) {
            (RelationKind::Catalogue, _) => "catalogue ",
            (RelationKind::FullText, _) => "full-text ",
            (RelationKind::Table, Cte::No) => "",
            (RelationKind::Table, Cte::Exact) => "cte ",
            (RelationKind::Table, Cte::OtherCase) => "cte? ",
        };
        let schema = relation.schema.as_deref().unwrap_or("-");
        let alias = relation.alias.as_ref();
        let alias = alias.map_or("", |alias| &sql[alias.text.clone()]);
        let tail = &sql[relation.name.end..relation.whole.end];
        format!("{kind}{schema}.{} {alias}|{tail}", relation.table)
    });
    relations.collect()
}

#[test]
fn every_relation_is_seen_with_what_belongs_to_it() {
    for (sql, wanted) in [
        (
            "SELECT a FROM t, dbo.[u v] AS x",
            &["-.t |", "dbo.u v x| AS x"][..],
        ),
        (
            "SELECT a FROM t WITH (NOLOCK) JOIN u x (NOLOCK) ON x.a = t.a",
            &["-.t | WITH (NOLOCK)", "-.u x| x (NOLOCK)"],
        ),
        (
            "SELECT a FROM t WITH (INDEX(1)) CROSS APPLY (SELECT 1 FROM u) y",
            &["-.t | WITH (INDEX(1))", "-.u |"],
        ),
        (
            "SELECT a FROM t FOR SYSTEM_TIME FROM '1' TO @p1 AS x TABLESAMPLE (5 ROWS) REPEATABLE (1)",
            &["-.t x| FOR SYSTEM_TIME FROM '1' TO @p1 AS x TABLESAMPLE (5 ROWS) REPEATABLE (1)"],
        ),
        (
            "SELECT a FROM t FOR SYSTEM_TIME CONTAINED IN ('1', '2') x, u FOR PATH AS y",
            &[
                "-.t x| FOR SYSTEM_TIME CONTAINED IN ('1', '2') x",
                "-.u y| FOR PATH AS y",
            ],
        ),
        ("SELECT a FROM t FOR JSON PATH", &["-.t |"]),
        (
            "SELECT a FROM t PIVOT (MAX(a) FOR b IN ([x])) p",
            &["-.t |"],
        ),
        (
            "SELECT a FROM t WINDOW w AS (ORDER BY a), v AS (w)",
            &["-.t |"],
        ),
        (
            "SELECT a FROM t WINDOW JOIN u ON 1=1",
            &["-.t WINDOW| WINDOW", "-.u |"],
        ),
        (
            "SELECT a FROM t INNER HASH JOIN u ON 1=1",
            &["-.t |", "-.u |"],
        ),
        (
            "SELECT a FROM sys.tables x, OPENJSON('') j",
            &["catalogue sys.tables x| x"],
        ),
        (
            "SELECT a FROM CONTAINSTABLE(dbo.t, *, 'x') AS k JOIN t ON 1=1",
            &["full-text dbo.t |", "-.t |"],
        ),
        (
            "WITH a AS (SELECT 1 FROM b), b (x) AS (SELECT 1 FROM a, B, b) SELECT 1 FROM b, dbo.b, [a]",
            &[
                "-.b |",
                "cte -.a |",
                "cte? -.B |",
                "cte -.b |",
                "cte -.b |",
                "dbo.b |",
                "cte -.a |",
            ],
        ),
        (
            "WITH XMLNAMESPACES ('u' AS x) SELECT 1 FROM XMLNAMESPACES",
            &["-.XMLNAMESPACES |"],
        ),
        (
            "SELECT TRIM(a FROM b), (SELECT 1 FROM c) FROM d WHERE a IS DISTINCT FROM e ORDER BY f",
            &["-.c |", "-.d |"],
        ),
        (
            "SELECT a FROM p x, e y, p z WHERE MATCH(x-(y)->z)",
            &["-.p x| x", "-.e y| y", "-.p z| z"],
        ),
    ] {
        assert_eq!(relations(sql), wanted, "{sql}");
    }
}

#[test]
fn columns_with_their_tables_and_functions_on_objects_are_seen() {
    let sql = "SELECT dbo.t.a, [dbo].t.*, t.b, OBJECT_ID('x'), UPPER(a) FROM dbo.t";
    let (_, seen) = inspect(sql, &[], &[]).unwrap();
    let columns: Vec<(&str, usize, bool)> = seen
        .qualified
        .iter()
        .map(|column| (&sql[column.first.clone()], column.parts.len(), column.star))
        .collect();
    assert_eq!(
        columns,
        [("dbo.t", 3, false), ("[dbo].t", 2, true), ("t.b", 2, false)]
    );
    let calls: Vec<&str> = seen
        .metadata
        .iter()
        .map(|call| call.name.as_str())
        .collect();
    assert_eq!(calls, ["OBJECT_ID"]);
}

#[test]
fn user_functions_are_called_where_they_are_allowed() {
    let allowed = [("dbo".to_owned(), "Fn_X".to_owned())];
    for (sql, passes) in [
        ("SELECT dbo.fn_x(DEFAULT, 1), [DBO].[FN_X](a) FROM t", true),
        (
            "SELECT a FROM dbo.fn_x(1) AS x CROSS APPLY dbo.fn_x(x.a) y",
            true,
        ),
        ("SELECT dbo.fn_y(1)", false),
        ("SELECT fn_x(1)", false),
        ("SELECT db.dbo.fn_x(1)", false),
        ("SELECT a FROM hr.fn_x(1)", false),
    ] {
        assert_eq!(inspect(sql, &[], &allowed).is_ok(), passes, "{sql}");
    }
}

#[test]
fn hints_say_what_would_pass() {
    for (sql, wanted) in [
        ("SELECT a FROM t WITH (HOLDLOCK)", "NOLOCK"),
        ("SELECT a FROM t HOLDLOCK", "NOLOCK"),
        ("SELECT a INTO x FROM t", "Leave INTO"),
        ("SELECT a FROM s.d.dbo.t", "Linked servers"),
        ("SELECT a FROM d.dbo.t", "Other databases"),
        ("SELECT @x", "parameter"),
        ("DECLARE @x int = 1 SELECT @x", "parameters"),
        ("EXEC dbo.p", "Procedures"),
        ("USE x", "Leave it out"),
        ("SELECT 1; SELECT 2", "one statement"),
        ("SELECT a FROM t INNER REMOTE JOIN u ON 1=1", "LOOP"),
        ("SELECT a FROM t OPTION (QUERYTRACEON 1)", "MAXDOP"),
        ("SELECT NEXT VALUE FOR s", "sys.sequences"),
        ("SELECT Suser_Sname(0x01)", "SUSER_SNAME() without"),
        ("SELECT a FROM t COMMIT", "[COMMIT]"),
    ] {
        let hint = denied(sql).hint.unwrap();
        assert!(hint.contains(wanted), "{sql}: {hint}");
    }
}

/// 64 KiB or 5 000 tokens of what would be slow if anything were, each read in a fraction
/// of a second by the slowest build: a rule of quadratic time takes minutes.
#[test]
fn time_is_linear_in_the_length() {
    let fill = |head: &str, piece: &str, tail: &str| {
        let count = ((64 * 1024 - head.len() - tail.len()) / piece.len()).min(1_200);
        format!("{head}{}{tail}", piece.repeat(count))
    };
    let ctes: String = (0..600).map(|n| format!("c{n} AS (SELECT 1 a),")).collect();
    for sql in [
        format!("SELECT '{}'", "x".repeat(64 * 1024 - 9)),
        format!("SELECT /*{}*/ 1", "/*".repeat(30_000)),
        format!("SELECT 1 --{}", "-".repeat(65_000)),
        format!("SELECT {}", "[".repeat(65_000)),
        format!("SELECT {} FROM t", "é".repeat(32_000)),
        fill("SELECT 1 FROM t", ", dbo.t", ""),
        fill("SELECT a", ".a", " FROM t"),
        fill("SELECT 1 FROM t x (INDEX(1", ",1", "))"),
        fill("SELECT 1 FROM t", " (NOLOCK), u", ""),
        fill("SELECT ", "(1),", "1"),
        fill("SELECT 1", " UNION ALL SELECT 1", ""),
        fill("SELECT ", "CASE WHEN 1=1 THEN ", "1"),
        fill("SELECT 1 FROM t WHERE MATCH(a", "-(b)->a", ")"),
        fill(
            "SELECT 1 FROM t FOR SYSTEM_TIME CONTAINED IN ('1'",
            ",'1'",
            ")",
        ),
        fill("SELECT 1 FROM t", " FOR SYSTEM_TIME ALL", ""),
        fill("SELECT 1 FROM t OPTION (RECOMPILE", ",RECOMPILE", ")"),
        format!(
            "WITH {ctes} z AS (SELECT 1 a) SELECT 1 FROM c1{}",
            ", C2".repeat(300)
        ),
    ] {
        assert!(sql.len() <= 64 * 1024);
        let shortest = (0..5).map(|_| {
            let started = Instant::now();
            _ = inspect(&sql, &[], &[]);
            started.elapsed()
        });
        let shortest = shortest.min().unwrap();
        assert!(
            shortest < Duration::from_millis(100),
            "{shortest:?}: {sql:.60}"
        );
    }
}
