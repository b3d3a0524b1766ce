//! The derived table that stands for a masked one.

use super::Policy;
use super::pattern::Pattern;
use crate::database::catalog::{Cells, TableName, bracketed, sql_type};
use crate::database::guard::mentions;

/// A column of a table that has masks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    /// As CAST reads it.
    pub(super) cast: String,
    /// `N'***'` or `NULL`.
    pub(super) literal: &'static str,
    /// `*` leaves it out.
    pub(super) hidden: bool,
    /// It is the XML of all sparse columns.
    pub(super) is_set: bool,
    pub(super) computed: Option<Computed>,
}

/// The expression of a computed column, where the server shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Computed(pub(super) Option<String>);

impl Column {
    /// Name, type, its schema, base type, length, precision, scale, hidden, column set,
    /// computed, definition.
    pub(super) fn read(cells: &mut Cells) -> Option<Self> {
        let name = cells.text()?;
        let declared = cells.text()?;
        let schema = cells.text()?;
        let base = cells.text();
        let max_length = cells.number().unwrap_or(0);
        let precision = cells.number().unwrap_or(0);
        let scale = cells.number().unwrap_or(0);
        let cast = match base.as_deref() {
            Some("timestamp") => "binary(8)".to_owned(),
            // Eight bytes of head, four each dimension.
            Some("vector") => format!("vector({})", (max_length - 8).max(4) / 4),
            Some(base) => sql_type(base, max_length, precision, scale),
            // CLR types: the server's own, or somebody's.
            None if schema == "sys" => declared,
            None => format!("{}.{}", bracketed(&schema), bracketed(&declared)),
        };
        let literal = match base.as_deref() {
            Some("nvarchar" | "nchar" | "ntext") => "N'***'",
            Some("varchar" | "char" | "text") => "'***'",
            _ => "NULL",
        };
        let hidden = cells.bit();
        let is_set = cells.bit();
        let computed = cells.bit().then(|| Computed(cells.text()));
        Some(Self {
            name,
            cast,
            literal,
            hidden,
            is_set,
            computed,
        })
    }
}

/// A table or view with masked columns.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Masked {
    name: TableName,
    columns: Vec<(Column, bool)>,
}

impl Masked {
    /// The columns of `table` under the masks that name it or `history_of`, whose
    /// history it is and whose columns are known; `None` where a mask names a column that is
    /// not there.
    pub(super) fn of(
        policy: &Policy,
        table: &TableName,
        history_of: Option<(&TableName, &[Column])>,
        columns: &[Column],
    ) -> Option<Self> {
        let about = |mask: &&Pattern| {
            let names = |name: &TableName| mask.matches(&[&name.schema, &name.name]);
            names(table) || history_of.is_some_and(|(base, _)| names(base))
        };
        let masks: Vec<&Pattern> = policy.mask.iter().filter(about).collect();
        let named = |column: &Column| masks.iter().any(|mask| mask.ends_with(&column.name));
        let found = masks
            .iter()
            .all(|mask| !mask.is_exact(3) || columns.iter().any(|c| mask.ends_with(&c.name)));
        if !found {
            return None;
        }
        let secrets: Vec<String> = columns
            .iter()
            .filter(|column| named(column))
            .map(|column| column.name.to_lowercase())
            .collect();
        // A history keeps what its table computed as values of a plain column.
        let of_base = history_of.map(|(_, base)| base).unwrap_or_default();
        let derived: Vec<String> = columns
            .iter()
            .chain(of_base)
            .filter(|column| derives(column, &secrets))
            .map(|column| column.name.to_lowercase())
            .collect();
        Some(Self {
            name: table.clone(),
            columns: columns
                .iter()
                .map(|column| {
                    let masked = named(column) || derived.contains(&column.name.to_lowercase());
                    (column.clone(), masked)
                })
                .collect(),
        })
    }

    /// Names of the masked columns.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &str> {
        self.columns
            .iter()
            .filter(|(_, masked)| *masked)
            .map(|(column, _)| column.name.as_str())
    }

    /// `(SELECT [a], CAST(N'***' AS nvarchar(50)) AS [b] FROM [dbo].[t]`, without what
    /// follows the name; `wants` tells of a hidden column whether the statement may name
    /// it.
    pub(super) fn select(&self, wants: impl Fn(&str) -> bool) -> String {
        let mut sql = String::from("(SELECT ");
        let shown = self
            .columns
            .iter()
            .filter(|(column, _)| !column.hidden || wants(&column.name));
        for (index, (column, masked)) in shown.enumerate() {
            if index > 0 {
                sql.push_str(", ");
            }
            let name = bracketed(&column.name);
            if *masked {
                let Column { cast, literal, .. } = column;
                sql.push_str(&format!("CAST({literal} AS {cast}) AS {name}"));
            } else {
                sql.push_str(&name);
            }
        }
        sql.push_str(" FROM ");
        sql.push_str(&bracketed(&self.name.schema));
        sql.push('.');
        sql.push_str(&bracketed(&self.name.name));
        sql
    }
}

/// Whether a column may show one of `secrets`: it is the set of all sparse columns, or it
/// is computed and names one, or calls a user function, which reads what it likes, or cannot
/// be read.
fn derives(column: &Column, secrets: &[String]) -> bool {
    if column.is_set && !secrets.is_empty() {
        return true;
    }
    let Some(Computed(definition)) = &column.computed else {
        return false;
    };
    let Some(mentions) = definition.as_deref().and_then(mentions) else {
        return true;
    };
    mentions.names.iter().any(|name| {
        name.called && name.parts.len() > 1
            || name
                .parts
                .iter()
                .any(|part| secrets.contains(&part.to_lowercase()))
    })
}
