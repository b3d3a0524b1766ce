//! One SELECT over a table and what it belongs to.
//!
//! Each table of the catalogue is joined once, as `t` and its index. Values
//! are parameters; names are quoted; the rest is plain T-SQL that the strictest
//! guard lets through.

use mssql_mcp_sdk::sql::contains_pattern;
use mssql_mcp_sdk::{quote, quote_table};

use crate::catalogue::{Catalogue, Column};
use crate::plan::roles::Literal;

/// A SELECT in the making.
#[derive(Clone)]
pub(crate) struct Select<'c> {
    catalogue: &'c Catalogue,
    from: String,
    base: usize,
    joined: Vec<usize>,
    conditions: Vec<String>,
    params: Vec<(String, String)>,
}

impl<'c> Select<'c> {
    /// Over the table at `base`.
    pub(crate) fn over(catalogue: &'c Catalogue, base: usize) -> Option<Self> {
        let table = catalogue.tables.get(base)?;
        Some(Self {
            catalogue,
            from: format!("{} AS {}", quote_table(&table.name), alias(base)),
            base,
            joined: vec![base],
            conditions: Vec::new(),
            params: Vec::new(),
        })
    }

    /// Joins a table that the base belongs to, with all on the way; rows that
    /// belong to none of it go.
    pub(crate) fn join(&mut self, table: usize) -> Option<()> {
        self.join_as("JOIN", table)
    }

    /// Joins a table to look into it; rows that belong to none of it stay.
    pub(crate) fn join_loosely(&mut self, table: usize) -> Option<()> {
        self.join_as("LEFT JOIN", table)
    }

    fn join_as(&mut self, how: &str, table: usize) -> Option<()> {
        for (child, link) in self.catalogue.path(self.base, table)? {
            if self.joined.contains(&link.table) {
                continue;
            }
            let parent = self.catalogue.tables.get(link.table)?;
            let on: Vec<String> = link
                .columns
                .iter()
                .zip(&link.referenced)
                .map(|(own, referenced)| {
                    format!(
                        "{} = {}",
                        self::column(link.table, referenced),
                        self::column(child, own)
                    )
                })
                .collect();
            self.from.push_str(&format!(
                " {how} {} AS {} ON {}",
                quote_table(&parent.name),
                alias(link.table),
                on.join(" AND ")
            ));
            self.joined.push(link.table);
        }
        Some(())
    }

    /// Adds a condition.
    pub(crate) fn filter(&mut self, condition: String) {
        self.conditions.push(condition);
    }

    /// Demands each literal in one of the columns, in one of its forms.
    pub(crate) fn find(&mut self, literals: &[Literal], columns: &[(usize, &Column)]) {
        let tests = self.tests(literals, columns);
        self.conditions.extend(tests);
    }

    /// Demands one of the literals.
    pub(crate) fn find_any(&mut self, literals: &[Literal], columns: &[(usize, &Column)]) {
        let tests = self.tests(literals, columns);
        self.conditions.push(format!("({})", tests.join(" OR ")));
    }

    fn tests(&mut self, literals: &[Literal], columns: &[(usize, &Column)]) -> Vec<String> {
        let mut all = Vec::with_capacity(literals.len());
        for literal in literals {
            let mut forms = Vec::new();
            for form in &literal.forms {
                let name = format!("w{}", self.params.len());
                self.params.push((name.clone(), contains_pattern(form)));
                forms.push(name);
            }
            let tests: Vec<String> = columns
                .iter()
                .flat_map(|(table, column)| {
                    let operand = self::column(*table, &column.name);
                    forms.iter().map(move |form| {
                        format!("{operand} COLLATE {FOLDING} LIKE @{form} ESCAPE '\\'")
                    })
                })
                .collect();
            all.push(format!("({})", tests.join(" OR ")));
        }
        all
    }

    /// The statement and its parameters. `what` follows SELECT and TOP; `tail`
    /// is GROUP BY and ORDER BY.
    pub(crate) fn finish(self, what: &str, tail: &str) -> (String, Vec<(String, String)>) {
        let mut sql = format!("SELECT {what} FROM {}", self.from);
        if !self.conditions.is_empty() {
            sql.push_str(" WHERE ");
            sql.push_str(&self.conditions.join(" AND "));
        }
        if !tail.is_empty() {
            sql.push(' ');
            sql.push_str(tail);
        }
        (sql, self.params)
    }
}

/// People leave accents out: "jamon" finds Jamón. Version 100, because older
/// collations give no weight to characters beyond the first plane, and a
/// pattern of them alone would match every row.
const FOLDING: &str = "Latin1_General_100_CI_AI";

/// How a table is called in a statement.
pub(crate) fn alias(table: usize) -> String {
    format!("t{table}")
}

/// A column in a statement.
pub(crate) fn column(table: usize, name: &str) -> String {
    format!("t{table}.{}", quote(name))
}
