//! Which tables a name may reach: those of the log-in's own database, and the
//! part of the catalogue that describes them.

use std::borrow::Cow;

use icu_normalizer::DecomposingNormalizerBorrowed;

use super::denial::{Denial, shown};
use super::functions;
use super::keywords::contains;
use super::lexer::Token;

/// A name of one or more parts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Name<'p, 'a> {
    pub(super) first: Token<'a>,
    pub(super) parts: &'p [String],
}

impl Name<'_, '_> {
    pub(super) fn is_function(&self, name: &str) -> bool {
        matches!(self.parts, [only] if only.eq_ignore_ascii_case(name))
    }

    fn dotted(&self) -> String {
        self.parts.join(".")
    }
}

/// What stands behind a relation's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// A table or view of the database.
    Table,
    /// A view of the catalogue, or a function.
    Other,
}

/// Checks a name after FROM, JOIN or APPLY. `allowed` are the user functions that
/// may be called.
pub(super) fn check(
    sql: &str,
    name: Name<'_, '_>,
    called: bool,
    allowed: &[(String, String)],
) -> Result<Found, Denial> {
    if called {
        // t.Doc.nodes('/a') is a method of a column.
        let nodes = matches!(name.parts, [.., _, last] if last == "nodes")
            && !matches!(name.parts, [schema, _] | [_, schema, _] if functions::is_server_schema(schema));
        return if nodes
            || functions::is_row_source(name.parts)
            || functions::is_allowed(name.parts, allowed)
        {
            Ok(Found::Other)
        } else {
            Err(Denial::function(sql, &name.first, &name.dotted()))
        };
    }
    let parts: Vec<Cow<'_, str>> = name.parts.iter().map(|part| folded(part)).collect();
    let (schema, table) = match parts.as_slice() {
        [table] => (None, table),
        [schema, table] if !schema.is_empty() => (Some(schema), table),
        _ => {
            return Err(Denial::table(
                sql,
                &name.first,
                &name.dotted(),
                elsewhere(name.parts),
            ));
        }
    };
    if table.starts_with('#') {
        return Err(Denial::table(
            sql,
            &name.first,
            &name.dotted(),
            "Use a common table expression in place of a temporary table.",
        ));
    }
    match describes(schema.map(|schema| &**schema), table) {
        None => Ok(Found::Table),
        Some(true) => Ok(Found::Other),
        Some(false) => Err(Denial::table(
            sql,
            &name.first,
            &shown(&name.dotted()),
            CATALOGUE,
        )),
    }
}

/// Whether what the catalogue has under that name, whose parts are folded, describes
/// tables; none where it is not of the catalogue.
pub(super) fn describes(schema: Option<&str>, table: &str) -> Option<bool> {
    match schema {
        Some(schema) if schema.eq_ignore_ascii_case("sys") => Some(contains(&SYS, table)),
        Some(schema) if schema.eq_ignore_ascii_case("INFORMATION_SCHEMA") => {
            Some(contains(&INFORMATION_SCHEMA, table))
        }
        // Since SQL Server 7 these answer without a schema, and under dbo.
        _ if contains(&COMPATIBILITY, table) => Some(false),
        _ => None,
    }
}

/// A name as the loosest of collations compares it: without trailing blanks, width and
/// accents. For what is refused by its name, whatever the database's collation.
pub(in crate::database) fn folded(name: &str) -> Cow<'_, str> {
    let name = name.trim_end();
    if name.is_ascii() {
        return Cow::Borrowed(name);
    }
    let decomposed = DecomposingNormalizerBorrowed::new_nfkd();
    let plain = decomposed.normalize_iter(name.chars());
    Cow::Owned(plain.filter(|letter| !is_mark(*letter)).collect())
}

/// The accents that letters of Latin script decompose to.
fn is_mark(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{36f}')
}

/// Whether a name, or a part of one, is of the catalogue: its schemas, and the views
/// of SQL Server 2000 that answer under `dbo`.
pub(in crate::database) fn is_catalogue(part: &str) -> bool {
    contains(&["INFORMATION_SCHEMA", "SYS"], part) || contains(&COMPATIBILITY, part)
}

/// What to do in place of a name of no or too many parts.
fn elsewhere(parts: &[String]) -> &'static str {
    match parts {
        [_, _, _] => {
            "Other databases cannot be read from here: name tables of this one, as schema.table."
        }
        [_, _, _, _, ..] => {
            "Linked servers cannot be read from here: name tables of this database, as schema.table."
        }
        _ => "Name tables of this database alone, as schema.table.",
    }
}

pub(super) const CATALOGUE: &str =
    "Of the catalogue, read sys.tables, sys.columns, sys.indexes, sys.foreign_keys and the like.";

/// Views of `sys` that describe tables: no log-ins, no other sessions' statements, no
/// functions that read files, no source text.
const SYS: [&str; 39] = [
    "ALLOCATION_UNITS",
    "ALL_COLUMNS",
    "ALL_OBJECTS",
    "ALL_PARAMETERS",
    "ALL_VIEWS",
    "CHECK_CONSTRAINTS",
    "COLUMNS",
    "COMPUTED_COLUMNS",
    "DATA_SPACES",
    "DEFAULT_CONSTRAINTS",
    "EXTENDED_PROPERTIES",
    "FOREIGN_KEYS",
    "FOREIGN_KEY_COLUMNS",
    "FULLTEXT_INDEXES",
    "FULLTEXT_INDEX_COLUMNS",
    "IDENTITY_COLUMNS",
    "INDEXES",
    "INDEX_COLUMNS",
    "KEY_CONSTRAINTS",
    "MASKED_COLUMNS",
    "OBJECTS",
    "PARAMETERS",
    "PARTITIONS",
    "PARTITION_FUNCTIONS",
    "PARTITION_SCHEMES",
    "PERIODS",
    "PROCEDURES",
    "SCHEMAS",
    "SEQUENCES",
    "SPATIAL_INDEXES",
    "STATS",
    "STATS_COLUMNS",
    "TABLES",
    "TABLE_TYPES",
    "TRIGGERS",
    "TYPES",
    "VIEWS",
    "XML_INDEXES",
    "XML_SCHEMA_COLLECTIONS",
];

/// All of `INFORMATION_SCHEMA` but the views on privileges, and ROUTINES, which has the
/// source text of code; what a view or a check is made of tells of tables.
const INFORMATION_SCHEMA: [&str; 18] = [
    "CHECK_CONSTRAINTS",
    "COLUMNS",
    "COLUMN_DOMAIN_USAGE",
    "CONSTRAINT_COLUMN_USAGE",
    "CONSTRAINT_TABLE_USAGE",
    "DOMAINS",
    "DOMAIN_CONSTRAINTS",
    "KEY_COLUMN_USAGE",
    "PARAMETERS",
    "REFERENTIAL_CONSTRAINTS",
    "ROUTINE_COLUMNS",
    "SCHEMATA",
    "SEQUENCES",
    "TABLES",
    "TABLE_CONSTRAINTS",
    "VIEWS",
    "VIEW_COLUMN_USAGE",
    "VIEW_TABLE_USAGE",
];

/// Compatibility views of SQL Server 2000: log-ins, sessions, permissions.
const COMPATIBILITY: [&str; 36] = [
    "SYSALTFILES",
    "SYSCACHEOBJECTS",
    "SYSCHARSETS",
    "SYSCOLUMNS",
    "SYSCOMMENTS",
    "SYSCONFIGURES",
    "SYSCONSTRAINTS",
    "SYSCURCONFIGS",
    "SYSDATABASES",
    "SYSDEPENDS",
    "SYSDEVICES",
    "SYSFILEGROUPS",
    "SYSFILES",
    "SYSFOREIGNKEYS",
    "SYSFULLTEXTCATALOGS",
    "SYSINDEXES",
    "SYSINDEXKEYS",
    "SYSLANGUAGES",
    "SYSLOCKINFO",
    "SYSLOCKS",
    "SYSLOGINS",
    "SYSMEMBERS",
    "SYSMESSAGES",
    "SYSOBJECTS",
    "SYSOLEDBUSERS",
    "SYSOPENTAPES",
    "SYSPERFINFO",
    "SYSPERMISSIONS",
    "SYSPROCESSES",
    "SYSPROTECTS",
    "SYSREFERENCES",
    "SYSREMOTELOGINS",
    "SYSSEGMENTS",
    "SYSSERVERS",
    "SYSTYPES",
    "SYSUSERS",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted_for_the_search() {
        for list in [&SYS[..], &INFORMATION_SCHEMA, &COMPATIBILITY] {
            assert!(list.is_sorted());
        }
    }
}
