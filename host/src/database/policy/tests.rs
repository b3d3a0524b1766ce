//! Decisions and rewriting, over a catalogue in memory.

use super::facts::{Dependency, Facts};
use super::mask::{Column, Computed};
use super::rewrite::Rewritten;
use super::*;
use crate::database::Table;
use crate::database::guard::{Denial, inspect};

const TABLES: [(&str, &str, &str); 11] = [
    ("dbo", "Customers", "table"),
    ("dbo", "Orders", "table"),
    ("dbo", "Salaries", "table"),
    ("dbo", "Order Details", "table"),
    ("sales", "Customers", "table"),
    ("hist", "CustomersHistory", "table"),
    ("dbo", "Cities", "view"),
    ("dbo", "Mails", "view"),
    ("dbo", "Pay", "view"),
    ("dbo", "PayAgain", "view"),
    ("dbo", "Server", "view"),
];

fn id(schema: &str, name: &str) -> i64 {
    TABLES
        .iter()
        .zip(1..)
        .find(|((of, table, _), _)| (*of, *table) == (schema, name))
        .map_or(0, |(_, id)| id)
}

fn column(name: &str, cast: &str, literal: &'static str) -> Column {
    Column {
        name: name.to_owned(),
        cast: cast.to_owned(),
        literal,
        hidden: false,
        is_set: false,
        computed: None,
    }
}

fn computed(name: &str, definition: Option<&str>) -> Column {
    Column {
        computed: Some(Computed(definition.map(str::to_owned))),
        ..column(name, "int", "NULL")
    }
}

fn facts() -> Facts {
    let customers = vec![
        column("Id", "int", "NULL"),
        column("Email", "nvarchar(50)", "N'***'"),
        column("City]x", "varchar(20)", "'***'"),
        Column {
            hidden: true,
            ..column("ValidTo", "datetime2(7)", "NULL")
        },
        computed("Domain", Some("(upper([email]))")),
        computed("Twice", Some("([Id]*(2))")),
        computed("Own", Some("([dbo].[f]([Id]))")),
        computed("Unknown", None),
    ];
    // It keeps what the table computed as plain values.
    let history = customers.iter().map(|column| Column {
        computed: None,
        ..column.clone()
    });
    let history: Vec<Column> = history.collect();
    let reads = |schema: &str, name: &str| Dependency {
        id: Some(id(schema, name)),
        schema: schema.to_owned(),
        name: name.to_owned(),
    };
    let view = |name: &str, of: Dependency| (id("dbo", name), vec![of]);
    let text = |name: &str, text: &str| (id("dbo", name), Some(text.to_owned()));
    Facts {
        synonyms: vec![("dbo".to_owned(), "SalariesToo".to_owned())],
        history: [(id("hist", "CustomersHistory"), id("dbo", "Customers"))].into(),
        dependencies: Some(
            [
                view("Cities", reads("dbo", "Customers")),
                view("Mails", reads("dbo", "Customers")),
                view("Pay", reads("dbo", "Salaries")),
                view("PayAgain", reads("dbo", "Pay")),
                view("Server", reads("dbo", "Orders")),
            ]
            .into(),
        ),
        definitions: [
            text(
                "Cities",
                "CREATE VIEW Cities AS SELECT [City]]x], COUNT(*) AS n FROM Customers",
            ),
            text(
                "Mails",
                "CREATE VIEW Mails AS SELECT c.* FROM Customers AS c",
            ),
            text(
                "Server",
                "CREATE VIEW Server AS SELECT o.Id FROM Orders AS o, sys.tables AS t",
            ),
        ]
        .into(),
        columns: [
            (id("dbo", "Customers"), customers),
            (id("hist", "CustomersHistory"), history),
        ]
        .into(),
    }
}

fn tables() -> Vec<Table> {
    let table = |((schema, name, kind), object_id): (&(&str, &str, &'static str), i64)| Table {
        name: catalog::TableName {
            schema: (*schema).to_owned(),
            name: (*name).to_owned(),
        },
        kind,
        approximate_rows: None,
        comment: None,
        object_id,
        in_default_schema: *schema == "dbo",
    };
    TABLES.iter().zip(1..).map(table).collect()
}

/// Entries of `tables.allow`, `tables.deny` and `mask`.
pub(super) struct Scope {
    policy: Policy,
    standing: Standing,
}

impl Scope {
    pub(super) fn new(allow: &[&str], deny: &[&str], mask: &[&str]) -> Self {
        Self::knowing(&facts(), allow, deny, mask)
    }

    fn knowing(facts: &Facts, allow: &[&str], deny: &[&str], mask: &[&str]) -> Self {
        let texts = |entries: &[&str]| entries.iter().map(|entry| (*entry).to_owned()).collect();
        let policy = Policy::new(&PolicyConfig {
            allow: texts(allow),
            deny: texts(deny),
            mask: texts(mask),
            functions: vec!["dbo.fn_x".to_owned()],
        });
        let policy = policy.unwrap().unwrap();
        let standing = Standing::of(&policy, &tables(), facts);
        Self { policy, standing }
    }

    pub(super) fn read(&self, sql: &str) -> Result<Rewritten, Denial> {
        let (_, seen) = inspect(sql, &["p1"], &self.policy.functions).expect(sql);
        rewrite::apply(&self.policy, &self.standing, sql, &seen)
    }

    fn passes(&self, sql: &str) {
        assert_eq!(self.read(sql), Ok(Rewritten::default()), "{sql}");
    }

    fn refuses(&self, sql: &str) -> Denial {
        self.read(sql).expect_err(sql)
    }

    fn becomes(&self, sql: &str, wanted: &str) {
        let rewritten = self.read(sql).unwrap().sql.expect(sql);
        assert_eq!(rewritten, wanted, "{sql}");
        assert_eq!(sql.matches('\n').count(), rewritten.matches('\n').count());
    }

    fn visible(&self) -> Vec<String> {
        let visible = self.standing.visible();
        visible.iter().map(|table| table.name.to_string()).collect()
    }
}

/// `dbo.Customers` with `Email` masked.
pub(super) const MASKED: &str = "(SELECT [Id], CAST(N'***' AS nvarchar(50)) AS [Email], [City]]x], \
    CAST(NULL AS int) AS [Domain], [Twice], CAST(NULL AS int) AS [Own], \
    CAST(NULL AS int) AS [Unknown] FROM [dbo].[Customers]";

#[test]
fn deny_wins_and_allow_leaves_out_the_rest() {
    let scope = Scope::new(&["DBO.*", "sales.Customers"], &["dbo.salaries"], &[]);
    for sql in [
        "SELECT * FROM dbo.Customers",
        "SELECT * FROM customers c JOIN [dbo].[Order Details] d ON 1 = 1, Sales.CUSTOMERS s",
        "WITH Wages AS (SELECT 1 AS a) SELECT a FROM Wages",
        "SELECT dbo.fn_x(1), value FROM STRING_SPLIT('a,b', ',')",
        "SELECT Salaries FROM dbo.Orders",
    ] {
        scope.passes(sql);
    }
    for sql in [
        "SELECT * FROM dbo.Salaries",
        "SELECT * FROM \"SALARIES\"",
        "SELECT * FROM dbo.Orders, [dbo] . [Salaries]",
        "SELECT (SELECT MAX(Pay) FROM dbo.Salaries)",
        "SELECT * FROM dbo.Orders WHERE EXISTS (SELECT 1 FROM Salaries)",
        "SELECT * FROM (dbo.Orders CROSS JOIN dbo.Salaries)",
        "SELECT 1 UNION SELECT Pay FROM dbo.Salaries",
        "SELECT * FROM dbo.Orders CROSS APPLY (SELECT TOP 1 * FROM dbo.Salaries) x",
        "SELECT * FROM dbo.Salaries (NOLOCK)",
        "SELECT * FROM CONTAINSTABLE(dbo.Salaries, *, 'x') k",
        "SELECT * FROM dbo.Orders FOR SYSTEM_TIME ALL, dbo.Salaries",
        "SELECT * FROM dbo.Orders FOR SYSTEM_TIME CONTAINED IN ((SELECT 1 FROM Salaries), '2')",
        "SELECT TOP (SELECT COUNT(*) FROM Salaries) 1 FROM dbo.Orders",
        "SELECT 1 FROM dbo.Orders ORDER BY 1 OFFSET (SELECT 1 FROM Salaries) ROWS",
        "SELECT * FROM OPENJSON((SELECT * FROM Salaries FOR JSON AUTO)) WITH (a int)",
        "SELECT JSON_OBJECT('a':(SELECT MAX(Pay) FROM Salaries))",
        "SELECT TRIM(' ' FROM (SELECT MAX(Pay) FROM Salaries))",
        "SELECT 1 WHERE 1 IS NOT DISTINCT FROM (SELECT 1 FROM Salaries)",
        "SELECT STRING_AGG(a, ',') WITHIN GROUP (ORDER BY (SELECT 1 FROM Salaries)) FROM dbo.Orders",
        "SELECT * FROM (VALUES ((SELECT MAX(Pay) FROM Salaries))) v (a)",
        "SELECT * FROM dbo.Orders o JOIN dbo.Orders p JOIN Salaries s ON 1 = 1 ON 1 = 1",
        "SELECT * FROM dbo.Orders PIVOT (MAX(a) FOR b IN ([x])) p, Salaries",
        "SELECT SUM(a) OVER w FROM dbo.Orders WINDOW w AS (ORDER BY (SELECT 1 FROM Salaries))",
        "SELECT * FROM hist.CustomersHistory",
        "SELECT * FROM dbo.SalariesToo",
        "SELECT * FROM dbo.Nothing",
        "SELECT * FROM sys.tables",
        "SELECT * FROM INFORMATION_SCHEMA.TABLES",
        "SELECT OBJECT_NAME(5)",
        "SELECT IDENT_CURRENT('dbo.Salaries')",
        // Not yet defined where it is read.
        "WITH a AS (SELECT * FROM Salaries), Salaries AS (SELECT 1 AS x) SELECT * FROM a",
        // In a database that knows case, this is the table.
        "WITH SALARIES AS (SELECT 1 AS a) SELECT * FROM Salaries",
        "WITH salaries AS (SELECT 1 AS a) SELECT * FROM salaries UNION ALL SELECT * FROM dbo.salaries",
    ] {
        scope.refuses(sql);
    }
}

#[test]
fn what_may_not_be_read_is_told_as_what_is_not_there() {
    let scope = Scope::new(&[], &["dbo.Salaries"], &[]);
    let denied = scope.refuses("SELECT *\nFROM dbo.Salaries");
    let absent = scope.refuses("SELECT *\nFROM dbo.Salariez");
    assert_eq!(absent.code, denied.code);
    assert_eq!(denied.code, "table-not-allowed");
    assert_eq!(
        denied.message,
        "dbo.Salaries at line 2, column 6 is no table that may be read here."
    );
    assert_eq!(absent.message, denied.message.replace("ies", "iez"));
    for hint in [denied.hint.unwrap(), absent.hint.unwrap()] {
        assert!(!hint.contains("Salaries"), "{hint}");
    }
    let hint = scope.refuses("SELECT * FROM Ordrs").hint.unwrap();
    assert!(hint.contains("dbo.Orders"), "{hint}");
}

#[test]
fn a_view_is_readable_if_all_it_reads_is() {
    let scope = Scope::new(&[], &["dbo.Salaries"], &[]);
    let visible = scope.visible();
    assert!(visible.contains(&"dbo.Mails".to_owned()), "{visible:?}");
    for hidden in ["dbo.Salaries", "dbo.Pay", "dbo.PayAgain", "dbo.Server"] {
        assert!(!visible.contains(&hidden.to_owned()), "{hidden}");
    }
    let masked = Scope::new(&[], &[], &["dbo.Customers.Email"]).visible();
    assert!(
        masked.contains(&"dbo.Cities".to_owned()),
        "it leaves Email out"
    );
    assert!(!masked.contains(&"dbo.Mails".to_owned()), "it selects all");
    let listed = Scope::new(&["dbo.*", "dbo.Pay"], &["dbo.Salaries"], &[]).visible();
    assert!(listed.contains(&"dbo.Pay".to_owned()), "listed by name");
    assert!(
        listed.contains(&"dbo.PayAgain".to_owned()),
        "it reads that one"
    );
    let wild = Scope::new(&["dbo.P*"], &["dbo.Salaries"], &[]).visible();
    assert!(wild.is_empty(), "{wild:?}");
    let unknown = Facts {
        dependencies: None,
        ..facts()
    };
    let visible = Scope::knowing(&unknown, &["*.*", "dbo.Cities"], &[], &[]).visible();
    assert!(visible.contains(&"dbo.Cities".to_owned()));
    assert!(
        !visible.contains(&"dbo.Mails".to_owned()),
        "nobody knows what it reads"
    );
}

#[test]
fn the_catalogue_is_read_where_allow_names_it() {
    let scope = Scope::new(&["dbo.*", "sys.*"], &["sys.columns"], &[]);
    scope.passes("SELECT name, OBJECT_NAME(object_id) FROM sys.tables");
    scope.refuses("SELECT name FROM sys.columns");
    Scope::new(&["*.*"], &[], &[]).refuses("SELECT name FROM sys.tables");
    Scope::new(&[], &[], &["dbo.Customers.Email"]).refuses("SELECT name FROM sys.tables");
}

#[test]
fn a_masked_table_becomes_a_derived_one_wherever_it_stands() {
    let scope = Scope::new(&[], &[], &["dbo.customers.EMAIL"]);
    for (sql, wanted) in [
        (
            "SELECT * FROM dbo.Customers",
            "SELECT * FROM {M}) AS [Customers]",
        ),
        (
            "SELECT Customers.Email FROM customers WHERE 1=1",
            "SELECT Customers.Email FROM {M}) AS [Customers] WHERE 1=1",
        ),
        (
            "SELECT c.Email e FROM dbo.Customers AS c WITH (NOLOCK) JOIN dbo.Orders o ON o.a = c.Id",
            "SELECT c.Email e FROM {M}   WITH (NOLOCK)) AS c JOIN dbo.Orders o ON o.a = c.Id",
        ),
        (
            "SELECT dbo.Customers.Email, [dbo].Customers.*, DBO.[customers].Id FROM dbo.Customers",
            "SELECT [Customers].Email, [Customers].*, [Customers].Id FROM {M}) AS [Customers]",
        ),
        (
            "SELECT *\nFROM dbo.Customers -- all\nAS\n[c d] (NOLOCK)\nWHERE [c d].Id = 1",
            "SELECT *\nFROM {M} -- all\n \n (NOLOCK)) AS [c d]\nWHERE [c d].Id = 1",
        ),
        (
            "SELECT * FROM Customers FOR SYSTEM_TIME FROM '2020' TO @p1 AS c TABLESAMPLE (5 PERCENT)",
            "SELECT * FROM {M} FOR SYSTEM_TIME FROM '2020' TO @p1   TABLESAMPLE (5 PERCENT)) AS c",
        ),
        (
            "SELECT a FROM dbo.Orders CROSS APPLY (SELECT TOP 1 Email AS a FROM dbo.Customers x) y",
            "SELECT a FROM dbo.Orders CROSS APPLY (SELECT TOP 1 Email AS a FROM {M}  ) AS x) y",
        ),
        (
            "WITH Mine AS (SELECT Email FROM dbo.Customers) SELECT Email FROM Mine",
            "WITH Mine AS (SELECT Email FROM {M}) AS [Customers]) SELECT Email FROM Mine",
        ),
        (
            "SELECT * FROM Customers PIVOT (MAX(Id) FOR Email IN ([a])) AS p",
            "SELECT * FROM {M}) AS [Customers] PIVOT (MAX(Id) FOR Email IN ([a])) AS p",
        ),
        (
            "SELECT 1 EXCEPT SELECT Email FROM Customers,Customers b FOR JSON AUTO",
            "SELECT 1 EXCEPT SELECT Email FROM {M}) AS [Customers],{M}  ) AS b FOR JSON AUTO",
        ),
        (
            "SELECT COUNT(*) OVER w FROM Customers WINDOW w AS (PARTITION BY Email)",
            "SELECT COUNT(*) OVER w FROM {M}) AS [Customers] WINDOW w AS (PARTITION BY Email)",
        ),
    ] {
        scope.becomes(sql, &wanted.replace("{M}", MASKED));
    }
    scope.passes("SELECT * FROM sales.Customers");
    let masked = MASKED.replace("[dbo].[Customers]", "[hist].[CustomersHistory]");
    scope.becomes(
        "SELECT * FROM hist.CustomersHistory",
        &format!("SELECT * FROM {masked}) AS [CustomersHistory]"),
    );
    // What the table computes of it is no secret of its own.
    let scope_of_history = Scope::new(&[], &[], &["hist.CustomersHistory.Email"]);
    scope_of_history.becomes(
        "SELECT Domain FROM hist.CustomersHistory",
        &format!("SELECT Domain FROM {masked}) AS [CustomersHistory]"),
    );
    scope_of_history.passes("SELECT Domain FROM dbo.Customers");
    let hidden = scope.read("SELECT Id, validto FROM Customers").unwrap();
    assert!(hidden.sql.unwrap().contains("[City]]x], [ValidTo], "));
}

#[test]
fn the_set_of_sparse_columns_is_masked_with_any_of_them() {
    let set = Column {
        is_set: true,
        ..column("Sparse", "xml", "NULL")
    };
    let columns = vec![
        column("Id", "int", "NULL"),
        column("Mail", "int", "NULL"),
        set,
    ];
    let facts = Facts {
        columns: [(id("dbo", "Orders"), columns)].into(),
        ..facts()
    };
    Scope::knowing(&facts, &[], &[], &["dbo.Orders.Mail"]).becomes(
        "SELECT Sparse FROM Orders",
        "SELECT Sparse FROM (SELECT [Id], CAST(NULL AS int) AS [Mail], CAST(NULL AS xml) AS [Sparse] \
         FROM [dbo].[Orders]) AS [Orders]",
    );
    // The mask names nothing there.
    Scope::knowing(&facts, &[], &[], &["dbo.Orders.E*"]).becomes(
        "SELECT Sparse FROM Orders",
        "SELECT Sparse FROM (SELECT [Id], [Mail], [Sparse] FROM [dbo].[Orders]) AS [Orders]",
    );
}

#[test]
fn a_view_that_names_columns_within_xquery_may_select_any() {
    let definition = "CREATE VIEW Cities AS SELECT CAST(N'' AS xml)\
        .query('<m>{sql:column(\"c.Email\")}</m>') AS m FROM Customers AS c";
    let mut facts = facts();
    let view = id("dbo", "Cities");
    facts.definitions.insert(view, Some(definition.to_owned()));
    let visible = Scope::knowing(&facts, &[], &[], &["dbo.Customers.Email"]).visible();
    assert!(!visible.contains(&"dbo.Cities".to_owned()), "{visible:?}");
}

#[test]
fn result_columns_are_called_masked_only_where_that_is_certain() {
    let scope = Scope::new(&[], &[], &["dbo.Customers.Email"]);
    let masked = ["Email", "Domain", "Own", "Unknown"];
    for (sql, certain) in [
        ("SELECT TOP (10) * FROM dbo.Customers", true),
        (
            "SELECT DISTINCT c.Email, c.* FROM dbo.Customers c WHERE Id > 1 ORDER BY 1",
            true,
        ),
        ("SELECT Id AS Email FROM dbo.Customers", false),
        ("SELECT Id Email FROM dbo.Customers", false),
        ("SELECT Email = Id FROM dbo.Customers", false),
        (
            "SELECT Email FROM dbo.Customers UNION SELECT Mail FROM dbo.Orders",
            false,
        ),
        (
            "SELECT Email FROM dbo.Customers c JOIN dbo.Orders o ON 1=1",
            false,
        ),
        (
            "SELECT Email FROM dbo.Customers CROSS APPLY OPENJSON('[]') j",
            false,
        ),
    ] {
        let found = scope.read(sql).unwrap().masked;
        assert_eq!(found, if certain { &masked[..] } else { &[] }, "{sql}");
    }
}

#[test]
fn what_a_mask_cannot_keep_is_refused() {
    let scope = Scope::new(&[], &[], &["dbo.Customers.Email"]);
    for sql in [
        "SELECT * FROM CONTAINSTABLE(Customers, Email, 'x') k",
        "SELECT * FROM FREETEXTTABLE(dbo.Customers, *, 'x') k",
        "SELECT Id FROM dbo.Customers WHERE FREETEXT(*, 'smith')",
        "SELECT o.Id FROM Orders o WHERE EXISTS (SELECT 1 FROM Customers c WHERE CONTAINS(c.Email, 'x'))",
        "SELECT Id FROM Customers c WITH (NOLOCK, INDEX(ix_email))",
        "SELECT Id FROM Customers WITH (FORCESEEK(ix_email (Email)))",
        "WITH Customers AS (SELECT Email FROM dbo.Customers) SELECT Email FROM Customers",
        "SELECT * FROM dbo.Mails",
    ] {
        scope.refuses(sql);
    }
    let wide = (0..500).map(|n| column(&format!("C{n}"), "int", "NULL"));
    let wide = Facts {
        columns: [(id("dbo", "Orders"), wide.collect::<Vec<_>>())].into(),
        ..facts()
    };
    let wide = Scope::knowing(&wide, &[], &[], &["dbo.Orders.C1"]);
    let many = format!("SELECT 1 FROM Orders{}", ", Orders".repeat(500));
    assert_eq!(
        wide.read(&many).err().unwrap().code,
        "statement-not-allowed"
    );
    // Renamed since the mask was written: nobody knows what it is called now.
    let lost = Scope::new(&[], &[], &["dbo.Customers.Mail"]);
    lost.refuses("SELECT Id FROM dbo.Customers");
    let unknown = Scope::new(&[], &[], &["dbo.Orders.Freight"]);
    unknown.refuses("SELECT Id FROM dbo.Orders");
}

#[test]
fn a_bare_name_of_dbo_is_sent_with_its_schema_where_another_is_the_default() {
    let mut tables = tables();
    for table in &mut tables {
        table.in_default_schema = table.name.schema == "sales";
    }
    let policy = Policy::new(&PolicyConfig {
        deny: vec!["dbo.Salaries".to_owned()],
        ..PolicyConfig::default()
    });
    let policy = policy.unwrap().unwrap();
    let standing = Standing::of(&policy, &tables, &facts());
    let scope = Scope { policy, standing };
    scope.passes("SELECT * FROM Customers");
    // A synonym of that name in the default schema would be read first.
    scope.becomes(
        "SELECT Orders.a FROM Orders",
        "SELECT Orders.a FROM [dbo].Orders",
    );
    scope.refuses("SELECT * FROM Salaries");
    scope.refuses("SELECT * FROM CustomersHistory");
}

#[test]
fn writes_name_nothing_that_is_kept_back_or_masked() {
    let scope = Scope::new(&[], &["dbo.Salaries"], &["dbo.Customers.Email"]);
    let check = |sql: &str| write::check(&scope.policy, &scope.standing, sql);
    for sql in [
        "INSERT INTO dbo.Orders (a, b) VALUES (1, 2)",
        "UPDATE sales.Customers SET a = 1",
        "INSERT INTO dbo.NewTable (a) SELECT dbo.fn_x(1)",
        "CREATE TABLE dbo.x (a int)",
        "UPDATE dbo.Orders SET Doc.modify('x') WHERE Doc.value('a', 'int') = 1",
        "DELETE FROM o FROM dbo.Orders AS o WHERE o.Id = @p1",
        "UPDATE dbo.Orders SET Salaries = 1 WHERE 5 < Pay AND Salaries IS NULL",
        "INSERT INTO dbo.Orders (Id, Salaries) SELECT Salaries, 1 FROM sales.Customers",
        "WITH c (a) AS (SELECT 1), d (b) AS (SELECT 2) INSERT INTO dbo.Orders (Id) SELECT c.a FROM c, d",
        "INSERT INTO dbo.Orders (Id) SELECT Id FROM Orders (NOLOCK)",
        "INSERT INTO dbo.Orders (Id) SELECT j.value FROM (OPENJSON('[]') AS j CROSS JOIN dbo.Orders)",
    ] {
        assert_eq!(check(sql), Ok(()), "{sql}");
    }
    for sql in [
        "DELETE FROM dbo.Salaries",
        "INSERT INTO Salaries (Id, Pay) VALUES (1, 2)",
        "INSERT INTO dbo.Orders (SELECT Id, Pay FROM Salaries)",
        "INSERT INTO dbo.Orders (Id, Pay) SELECT 1, Pay FROM [Salaries ]",
        "INSERT INTO dbo.Orders (Id, Pay) SELECT 1, Pay FROM [S\u{e1}laries]",
        "INSERT INTO dbo.Orders (Id, Pay) SELECT Id, Pay FROM tvf(1)",
        "INSERT INTO dbo.Orders (Id) SELECT a.Id FROM dbo.Orders a, tvf(1) b",
        "INSERT INTO dbo.Orders (Id) SELECT d.Pay FROM tvf(1) AS d",
        "INSERT INTO dbo.Orders (Id) SELECT d.Pay FROM dbo.Orders a, tvf(1) AS d (Pay)",
        "INSERT INTO dbo.Orders (Id) SELECT d.Pay FROM dbo.Orders a CROSS APPLY [tvf](a.Id) AS d",
        "INSERT INTO dbo.Orders (Id) SELECT d.Pay FROM (tvf(1) AS d CROSS JOIN dbo.Orders)",
        "INSERT INTO dbo.Orders (Id) SELECT d.Pay FROM ::tvf(1) AS d",
        "INSERT INTO dbo.Orders (Id) SELECT d.Pay FROM tvf(NOLOCK, 1) AS d",
        "INSERT INTO dbo.Orders (Name) SELECT OBJECT_NAME(5)",
        "INSERT INTO dbo.Orders (Name) SELECT COL_NAME(5, 1)",
        "INSERT INTO dbo.Orders (Name) SELECT name FROM sys.tables",
        "INSERT INTO dbo.Orders (Id) SELECT hr.value(1)",
        "DELETE Salaries",
        "DELETE o FROM dbo.Orders o, Salaries",
        "DELETE o FROM dbo.Orders o CROSS JOIN (Salaries CROSS JOIN sales.Customers)",
        "MERGE dbo.Orders AS t USING Salaries AS s ON t.Id = s.Id WHEN MATCHED THEN DELETE",
        "INSERT INTO dbo.Orders (Id, Pay) SELECT 1, Pay FROM Salaries",
        "UPDATE Customers SET Id = 1",
        "INSERT INTO dbo.Orders SELECT Email FROM [dbo].[customers]",
        "INSERT INTO dbo.Orders SELECT Pay FROM ThisDb.dbo.Salaries",
        "INSERT INTO dbo.Orders SELECT Pay FROM ThisDb..Salaries",
        "INSERT INTO dbo.Orders SELECT * FROM SalariesToo",
        "INSERT INTO dbo.Orders SELECT * FROM dbo.Pay",
        "INSERT INTO dbo.Orders SELECT * FROM dbo.tvf(1)",
        "CREATE SYNONYM s FOR dbo.Salaries",
        "CREATE VIEW dbo.v AS SELECT * FROM Salaries",
        "ALTER SCHEMA dbo TRANSFER hist.CustomersHistory",
    ] {
        assert!(check(sql).is_err(), "{sql}");
    }
}

#[test]
fn definitions_and_columns_tell_nothing_that_is_kept_back() {
    let standing = Scope::new(&[], &["dbo.Salaries"], &["dbo.Customers.Email"]).standing;
    assert!(standing.is_readable("DBO", "orders"));
    assert!(!standing.is_readable("dbo", "Salaries"));
    assert!(standing.is_masked("dbo", "Customers", "Email"));
    assert!(!standing.is_masked("dbo", "Customers", "Id"));
    assert!(standing.tells_of_hidden("([dbo].[Salaries].[Pay]>(0))"));
    assert!(standing.tells_of_hidden("'unterminated"));
    assert!(!standing.tells_of_hidden("([Salaries]>(0))"));
}

#[test]
fn an_entry_that_is_no_name_is_refused_with_its_key() {
    let of = |config: PolicyConfig| Policy::new(&config).err().unwrap().to_string();
    let text = of(PolicyConfig {
        deny: vec!["Salaries".to_owned()],
        ..PolicyConfig::default()
    });
    assert!(text.starts_with("tables.deny: \"Salaries\""), "{text}");
    let text = of(PolicyConfig {
        mask: vec!["dbo.Customers".to_owned()],
        ..PolicyConfig::default()
    });
    assert!(text.contains("dbo.Customers.Email"), "{text}");
    let text = of(PolicyConfig {
        functions: vec!["dbo.*".to_owned()],
        ..PolicyConfig::default()
    });
    assert!(text.starts_with("functions:"), "{text}");
    assert!(Policy::new(&PolicyConfig::default()).unwrap().is_none());
}
