//! The tables of a database, ready to be looked up: ten thousand are no more work for
//! a call than ten.

use std::collections::HashMap;
use std::ops::Deref;

use super::tables::{Table, TableName};

/// Tables and views, by schema and name.
#[derive(Debug, Default)]
pub struct Tables {
    list: Vec<Table>,
    /// In lower case, in the order of `list`.
    folded: Vec<TableName>,
    /// Places of the tables of a name, in lower case, whatever their schema.
    by_name: HashMap<String, Vec<usize>>,
}

impl Tables {
    /// Takes them in the order in which they are to be listed.
    pub(super) fn new(list: Vec<Table>) -> Self {
        let folded: Vec<TableName> = list
            .iter()
            .map(|table| TableName {
                schema: fold(&table.name.schema),
                name: fold(&table.name.name),
            })
            .collect();
        let mut by_name: HashMap<String, Vec<usize>> = HashMap::with_capacity(list.len());
        for (at, name) in folded.iter().enumerate() {
            by_name.entry(name.name.clone()).or_default().push(at);
        }
        Self {
            list,
            folded,
            by_name,
        }
    }

    /// Those of that name, and of that schema where one is given, in any case.
    pub(super) fn named(&self, schema: Option<&str>, name: &str) -> Vec<&Table> {
        let schema = schema.map(fold);
        let places = self.by_name.get(&fold(name)).into_iter().flatten();
        places
            .filter(|at| {
                let found = self.folded.get(**at);
                let schema = schema.as_ref();
                schema.is_none_or(|schema| found.is_some_and(|name| name.schema == *schema))
            })
            .filter_map(|at| self.list.get(*at))
            .collect()
    }

    /// Each with its name in lower case.
    pub(super) fn folded(&self) -> impl Iterator<Item = (&TableName, &Table)> {
        self.folded.iter().zip(&self.list)
    }
}

impl Deref for Tables {
    type Target = [Table];

    fn deref(&self) -> &[Table] {
        &self.list
    }
}

/// As names are compared.
pub(super) fn fold(name: &str) -> String {
    name.to_lowercase()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn ten_thousand_tables_are_looked_up_as_fast_as_ten() {
        let table = |at: usize| Table {
            name: TableName {
                schema: format!("Schema{}", at % 20),
                name: format!("Table With A Long Name {}", at / 2),
            },
            kind: "table",
            approximate_rows: None,
            comment: None,
            object_id: 0,
            in_default_schema: false,
        };
        let tables = Tables::new((0..10_000).map(table).collect());
        assert_eq!(tables.len(), 10_000);
        let begun = Instant::now();
        for at in 0..1_000 {
            let name = format!("TABLE with a long NAME {at}");
            assert_eq!(tables.named(None, &name).len(), 2);
            assert_eq!(tables.named(Some("schema99"), &name).len(), 0);
        }
        // One pass over ten thousand names takes longer than all of these.
        let each = begun.elapsed() / 2_000;
        assert!(each < Duration::from_micros(200), "{each:?}");
    }
}
