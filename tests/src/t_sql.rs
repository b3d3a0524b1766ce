//! A database of the embedded server as T-SQL that a SQL Server takes: so that the
//! company of the demo can be had on a real one.

use std::fmt::Write as _;

use chrono::NaiveDate;
use demo_sqlserver::schema::{ColumnDef, Database, ForeignKey, Key, Table};
use demo_sqlserver::{Length, SqlType, Udt, Value};

/// A script for `sqlcmd` that makes `database` where it is not there yet, with all of
/// its rows, and the log-ins `mcp_reader` and `mcp_writer` with the passwords in the
/// variables `READER_PASSWORD` and `WRITER_PASSWORD`.
pub fn t_sql(database: &Database) -> String {
    let name = quoted(&database.name);
    let text = literal(&database.name);
    let mut script = format!(
        "-- The sample company, as the embedded SQL Server of the demo has it. Made from there:\n\
         -- UPDATE=1 cargo test the_script_of_the_sample_company\n\
         SET NOCOUNT ON;\nGO\n\
         -- What was left half made is made anew; what is whole stays.\n\
         DECLARE @whole int = 0;\n\
         IF DB_ID({text}) IS NOT NULL\n    EXEC sys.sp_executesql N'SELECT @whole = COUNT(*) FROM {name}.sys.extended_properties WHERE class = 0 AND name = N''{DONE}''', N'@whole int OUTPUT', @whole OUTPUT;\n\
         IF DB_ID({text}) IS NOT NULL AND @whole = 0\n\
         BEGIN\n    ALTER DATABASE {name} SET SINGLE_USER WITH ROLLBACK IMMEDIATE;\n    DROP DATABASE {name};\nEND;\nGO\n\
         IF DB_ID({text}) IS NULL\n    CREATE DATABASE {name} COLLATE {COLLATION};\nELSE\n    SET NOEXEC ON;\nGO\n\
         USE {name};\nGO\n"
    );
    for schema in database.schemas.iter().filter(|schema| *schema != "dbo") {
        batch(&mut script, &format!("CREATE SCHEMA {};", quoted(schema)));
    }
    for table in &database.tables {
        batch(&mut script, &create(table));
        for index in &table.indexes {
            let unique = if index.unique { "UNIQUE " } else { "" };
            let columns = index.columns.iter().map(|(column, descending)| {
                let order = if *descending { " DESC" } else { "" };
                format!("{}{order}", quoted(column))
            });
            let columns: Vec<String> = columns.collect();
            let mut text = format!(
                "CREATE {unique}NONCLUSTERED INDEX {} ON {} ({})",
                quoted(&index.name),
                of_table(table),
                columns.join(", ")
            );
            if !index.included.is_empty() {
                let _ = write!(text, " INCLUDE ({})", list(&index.included));
            }
            batch(&mut script, &format!("{text};"));
        }
        insert(&mut script, table);
    }
    // After all rows, whatever their order.
    for table in &database.tables {
        for key in &table.foreign_keys {
            batch(&mut script, &references(table, key));
        }
    }
    for view in &database.views {
        let name = format!("{}.{}", quoted(&view.schema), quoted(&view.name));
        batch(
            &mut script,
            &format!("CREATE VIEW {name} AS\n{};", view.definition),
        );
    }
    describe(&mut script, database);
    batch(
        &mut script,
        &format!("EXEC sys.sp_addextendedproperty @name = N'{DONE}', @value = N'yes';"),
    );
    script += "SET NOEXEC OFF;\nGO\n";
    let _ = writeln!(script, "USE {name};\nGO");
    script += LOG_INS;
    script
}

fn create(table: &Table) -> String {
    let mut lines: Vec<String> = table
        .columns
        .iter()
        .map(|column| define(table, column))
        .collect();
    let mut constraint = |kind: &str, key: &Key| {
        lines.push(format!(
            "CONSTRAINT {} {kind} ({})",
            quoted(&key.name),
            list(&key.columns)
        ));
    };
    if let Some(key) = &table.primary_key {
        constraint("PRIMARY KEY CLUSTERED", key);
    }
    for key in &table.unique {
        constraint("UNIQUE NONCLUSTERED", key);
    }
    for check in &table.checks {
        lines.push(format!(
            "CONSTRAINT {} CHECK {}",
            quoted(&check.name),
            check.definition
        ));
    }
    format!(
        "CREATE TABLE {} (\n    {}\n);",
        of_table(table),
        lines.join(",\n    ")
    )
}

fn define(table: &Table, column: &ColumnDef) -> String {
    let name = quoted(&column.name);
    if let Some(expression) = &column.computed {
        return format!("{name} AS {expression}");
    }
    let mut text = format!("{name} {}", type_name(column.sql_type));
    if let Some((seed, increment)) = column.identity {
        let _ = write!(text, " IDENTITY({seed},{increment})");
    }
    text += if column.nullable {
        " NULL"
    } else {
        " NOT NULL"
    };
    if let Some(default) = &column.default {
        let constraint = format!("DF_{}_{}", table.name.replace(' ', "_"), column.name);
        let _ = write!(
            text,
            " CONSTRAINT {} DEFAULT {default}",
            quoted(&constraint)
        );
    }
    text
}

fn references(table: &Table, key: &ForeignKey) -> String {
    let (schema, name) = &key.references;
    format!(
        "ALTER TABLE {} WITH CHECK ADD CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {}.{} ({});",
        of_table(table),
        quoted(&key.name),
        list(&key.columns),
        quoted(schema),
        quoted(name),
        list(&key.referenced_columns)
    )
}

fn insert(script: &mut String, table: &Table) {
    let stored: Vec<&ColumnDef> = table
        .columns
        .iter()
        .filter(|column| column.computed.is_none())
        .collect();
    // The server gives row versions itself.
    let given = |column: &ColumnDef| column.sql_type != SqlType::RowVersion;
    let names = stored.iter().filter(|column| given(column));
    let names: Vec<String> = names.map(|column| column.name.clone()).collect();
    let has_identity = stored.iter().any(|column| column.identity.is_some());
    for rows in table.rows.chunks(ROWS) {
        let mut text = String::new();
        if has_identity {
            let _ = writeln!(text, "SET IDENTITY_INSERT {} ON;", of_table(table));
        }
        let _ = writeln!(
            text,
            "INSERT INTO {} ({}) VALUES",
            of_table(table),
            list(&names)
        );
        let rows = rows.iter().map(|row| {
            let values = stored.iter().zip(row).filter(|(column, _)| given(column));
            let values = values.map(|(column, value)| expression(column.sql_type, value));
            format!("({})", values.collect::<Vec<_>>().join(", "))
        });
        text += &rows.collect::<Vec<_>>().join(",\n");
        text += ";";
        if has_identity {
            let _ = write!(text, "\nSET IDENTITY_INSERT {} OFF;", of_table(table));
        }
        batch(script, &text);
    }
}

/// A value as a column of that type takes it; with the type where the rows of one
/// INSERT would else have another in common.
fn expression(sql_type: SqlType, value: &Value) -> String {
    match (sql_type, value) {
        (_, Value::Variant(inner)) => {
            let (base, value) = &**inner;
            let value = expression(*base, value);
            format!("CAST(CAST({value} AS {}) AS sql_variant)", type_name(*base))
        }
        (SqlType::Decimal { scale, .. }, Value::Decimal(digits)) => {
            let digits = with_point(*digits, scale.into());
            format!("CAST({digits} AS {})", type_name(sql_type))
        }
        (SqlType::Udt(_), Value::Bytes(bytes)) => {
            format!("CAST(0x{} AS {})", hexadecimal(bytes), type_name(sql_type))
        }
        // datetime reads three digits of a second from a text, datetime2 all of them.
        (_, Value::DateTime(_, ticks)) if ticks % 10_000_000 > 0 => {
            format!("CAST({} AS datetime2(7))", simple(value))
        }
        _ => simple(value),
    }
}

fn simple(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Bit(bit) => u8::from(*bit).to_string(),
        Value::Int(number) => number.to_string(),
        Value::Real(number) => format!("{number:e}"),
        Value::Float(number) => format!("{number:e}"),
        Value::Money(amount) => with_point(i128::from(*amount), 4),
        Value::Text(text) => literal(text),
        Value::Bytes(bytes) => format!("0x{}", hexadecimal(bytes)),
        Value::Guid(bytes) => {
            let hex = hexadecimal(bytes);
            let parts = [
                &hex[..8],
                &hex[8..12],
                &hex[12..16],
                &hex[16..20],
                &hex[20..],
            ];
            format!("'{}'", parts.join("-"))
        }
        Value::Date(days) => format!("'{}'", date(i64::from(*days))),
        Value::Time(ticks) => format!("'{}'", time(*ticks)),
        Value::DateTime(days, ticks) => {
            format!("'{}T{}'", date(i64::from(*days)), time(*ticks))
        }
        Value::DateTimeOffset(days, ticks, offset) => {
            let minutes = i64::from(*offset);
            let local = i64::try_from(*ticks).expect("a day's ticks") + minutes * TICKS_PER_MINUTE;
            let days = i64::from(*days) + local.div_euclid(TICKS_PER_DAY);
            let ticks = u64::try_from(local.rem_euclid(TICKS_PER_DAY)).expect("not negative");
            let sign = if minutes < 0 { '-' } else { '+' };
            let (hours, minutes) = (minutes.abs() / 60, minutes.abs() % 60);
            format!(
                "'{}T{}{sign}{hours:02}:{minutes:02}'",
                date(days),
                time(ticks)
            )
        }
        Value::Decimal(_) | Value::Variant(_) => panic!("{value:?} has a type of its own"),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

fn describe(script: &mut String, database: &Database) {
    let mut property = |text: &str, schema: &str, kind: &str, name: &str, column: Option<&str>| {
        let mut call = format!(
            "EXEC sys.sp_addextendedproperty N'MS_Description', {}, N'SCHEMA', {}, N'{kind}', {}",
            literal(text),
            literal(schema),
            literal(name)
        );
        if let Some(column) = column {
            let _ = write!(call, ", N'COLUMN', {}", literal(column));
        }
        let _ = writeln!(script, "{call};");
    };
    for table in &database.tables {
        if let Some(comment) = &table.comment {
            property(comment, &table.schema, "TABLE", &table.name, None);
        }
        for column in &table.columns {
            if let Some(comment) = &column.comment {
                property(
                    comment,
                    &table.schema,
                    "TABLE",
                    &table.name,
                    Some(&column.name),
                );
            }
        }
    }
    for view in &database.views {
        if let Some(comment) = &view.comment {
            property(comment, &view.schema, "VIEW", &view.name, None);
        }
    }
    *script += "GO\n";
}

fn batch(script: &mut String, text: &str) {
    let _ = writeln!(script, "{text}\nGO");
}

fn type_name(sql_type: SqlType) -> String {
    let length = |length| match length {
        Length::Limited(length) => length.to_string(),
        Length::Max => "max".to_owned(),
    };
    match sql_type {
        SqlType::Bit => "bit".to_owned(),
        SqlType::TinyInt => "tinyint".to_owned(),
        SqlType::SmallInt => "smallint".to_owned(),
        SqlType::Int => "int".to_owned(),
        SqlType::BigInt => "bigint".to_owned(),
        SqlType::Real => "real".to_owned(),
        SqlType::Float => "float".to_owned(),
        SqlType::Decimal { precision, scale } => format!("decimal({precision},{scale})"),
        SqlType::SmallMoney => "smallmoney".to_owned(),
        SqlType::Money => "money".to_owned(),
        SqlType::Char(size) => format!("char({size})"),
        SqlType::VarChar(size) => format!("varchar({})", length(size)),
        SqlType::NChar(size) => format!("nchar({size})"),
        SqlType::NVarChar(size) => format!("nvarchar({})", length(size)),
        SqlType::Text => "text".to_owned(),
        SqlType::NText => "ntext".to_owned(),
        SqlType::Binary(size) => format!("binary({size})"),
        SqlType::VarBinary(size) => format!("varbinary({})", length(size)),
        SqlType::Image => "image".to_owned(),
        SqlType::RowVersion => "rowversion".to_owned(),
        SqlType::UniqueIdentifier => "uniqueidentifier".to_owned(),
        SqlType::Date => "date".to_owned(),
        SqlType::Time(scale) => format!("time({scale})"),
        SqlType::DateTime => "datetime".to_owned(),
        SqlType::SmallDateTime => "smalldatetime".to_owned(),
        SqlType::DateTime2(scale) => format!("datetime2({scale})"),
        SqlType::DateTimeOffset(scale) => format!("datetimeoffset({scale})"),
        SqlType::Xml => "xml".to_owned(),
        SqlType::Variant => "sql_variant".to_owned(),
        SqlType::Udt(Udt::Geography) => "geography".to_owned(),
        SqlType::Udt(Udt::Geometry) => "geometry".to_owned(),
        SqlType::Udt(Udt::HierarchyId) => "hierarchyid".to_owned(),
    }
}

fn of_table(table: &Table) -> String {
    format!("{}.{}", quoted(&table.schema), quoted(&table.name))
}

fn list(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
    names.join(", ")
}

fn quoted(name: &str) -> String {
    format!("[{}]", name.replace(']', "]]"))
}

/// `sqlcmd` would put a variable in place of `$(…)`, and a line of `GO` ends a batch
/// in a string too: so neither is left whole.
fn literal(text: &str) -> String {
    let text = text.replace('\'', "''").replace("$(", "$' + N'(");
    format!(
        "N'{}'",
        text.replace("\r\n", "' + CHAR(13) + CHAR(10) + N'")
            .replace('\n', "' + CHAR(10) + N'")
    )
}

fn with_point(digits: i128, scale: usize) -> String {
    let sign = if digits < 0 { "-" } else { "" };
    let digits = format!("{:0width$}", digits.unsigned_abs(), width = scale + 1);
    let (whole, rest) = digits.split_at(digits.len() - scale);
    match rest {
        "" => format!("{sign}{whole}"),
        rest => format!("{sign}{whole}.{rest}"),
    }
}

/// The date of a day since 0001-01-01.
fn date(days: i64) -> String {
    let days = i32::try_from(days + 1).expect("a day of SQL Server");
    let date = NaiveDate::from_num_days_from_ce_opt(days).expect("a day of SQL Server");
    date.to_string()
}

fn time(ticks: u64) -> String {
    let (seconds, rest) = (ticks / 10_000_000, ticks % 10_000_000);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let text = format!("{hours:02}:{minutes:02}:{seconds:02}");
    match rest {
        0 => text,
        rest => format!("{text}.{rest:07}"),
    }
}

const LOG_INS: &str = "\
-- A log-in that reads, and one that writes rows and nothing else.
IF SUSER_ID(N'mcp_reader') IS NULL
    CREATE LOGIN [mcp_reader] WITH PASSWORD = N'$(READER_PASSWORD)';
ELSE
    ALTER LOGIN [mcp_reader] WITH PASSWORD = N'$(READER_PASSWORD)';
IF SUSER_ID(N'mcp_writer') IS NULL
    CREATE LOGIN [mcp_writer] WITH PASSWORD = N'$(WRITER_PASSWORD)';
ELSE
    ALTER LOGIN [mcp_writer] WITH PASSWORD = N'$(WRITER_PASSWORD)';
IF USER_ID(N'mcp_reader') IS NULL
    CREATE USER [mcp_reader] FOR LOGIN [mcp_reader];
IF USER_ID(N'mcp_writer') IS NULL
    CREATE USER [mcp_writer] FOR LOGIN [mcp_writer];
GO
ALTER ROLE [db_datareader] ADD MEMBER [mcp_reader];
ALTER ROLE [db_denydatawriter] ADD MEMBER [mcp_reader];
DENY EXECUTE, ALTER TO [mcp_reader];
ALTER ROLE [db_datareader] ADD MEMBER [mcp_writer];
ALTER ROLE [db_datawriter] ADD MEMBER [mcp_writer];
DENY EXECUTE, ALTER TO [mcp_writer];
GO
";
/// A property of the database that says that all of it is there.
const DONE: &str = "mssql-mcp: whole";
const COLLATION: &str = "SQL_Latin1_General_CP1_CI_AS";
/// Of one INSERT; SQL Server takes 1 000, and compiles fewer faster.
const ROWS: usize = 200;
const TICKS_PER_MINUTE: i64 = 60 * 10_000_000;
const TICKS_PER_DAY: i64 = 24 * 60 * TICKS_PER_MINUTE;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_so_that_they_stay_what_they_are() {
        for (days, text) in [
            (0, "0001-01-01"),
            (58, "0001-02-28"),
            (59, "0001-03-01"),
            (719_162, "1970-01-01"),
            (730_178, "2000-02-29"),
            (730_179, "2000-03-01"),
            (693_654, "1900-03-01"),
            (3_652_058, "9999-12-31"),
        ] {
            assert_eq!(date(days), text);
        }
        assert_eq!(time(863_999_999_999), "23:59:59.9999999");
        for (digits, scale, text) in [
            (1, 4, "0.0001"),
            (-125, 2, "-1.25"),
            (7, 0, "7"),
            (-5, 1, "-0.5"),
        ] {
            assert_eq!(with_point(digits, scale), text);
        }
        let offset = expression(
            SqlType::DateTimeOffset(0),
            &Value::DateTimeOffset(719_162, 0, -90),
        );
        let text = "'1969-12-31T22:30:00-01:30'";
        assert_eq!(offset, text);
        assert_eq!(literal("a'b\n$(c)"), "N'a''b' + CHAR(10) + N'$' + N'(c)'");
    }
}
