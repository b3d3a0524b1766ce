//! The tables of the scope as a question sees them: names as concepts, keys as
//! ways from a table to the tables it belongs to.

use mssql_mcp_sdk::{DEFAULT_DATABASE, Error, Host, TableName, sql};
use serde::Deserialize;

use crate::lexicon::{concept, fold};

/// The tables that can be searched.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    /// In the order the host lists them.
    pub(crate) tables: Vec<Table>,
    /// How many tables there are besides, of which only SQL knows.
    pub(crate) left_out: usize,
}

/// A table or view.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: TableName,
    pub(crate) view: bool,
    pub(crate) comment: Option<String>,
    pub(crate) concepts: Vec<String>,
    pub(crate) columns: Vec<Column>,
    /// Columns of the primary key.
    pub(crate) key: Vec<String>,
    pub(crate) parents: Vec<Link>,
}

/// A column.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// As SQL Server writes it.
    pub(crate) sql_type: String,
    pub(crate) kind: Kind,
    pub(crate) concepts: Vec<String>,
}

/// What can be done with a column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    /// Text that can be searched, and neither sorted nor grouped by.
    LongText,
    /// Whole numbers.
    Integer,
    /// Exact fractions, money among them.
    Decimal,
    Date,
    Other,
}

/// A foreign key.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) columns: Vec<String>,
    /// Index of the table it leads to.
    pub(crate) table: usize,
    pub(crate) referenced: Vec<String>,
}

impl Catalogue {
    /// Reads the catalogue from the host: one call for the list and one for
    /// each table, of which no more than [`MOST_TABLES`] are described.
    pub(crate) fn read<H: Host>(host: &H) -> Result<Self, Error> {
        let mut documents = Vec::new();
        let tables = host.tables(DEFAULT_DATABASE)?;
        let left_out = tables.len().saturating_sub(MOST_TABLES);
        for table in tables.into_iter().take(MOST_TABLES) {
            let description = host.describe(DEFAULT_DATABASE, &table.name)?;
            // A document that is not as agreed leaves the table unsearched.
            if let Ok(document) = serde_json::from_str::<Document>(&description) {
                documents.push((table, document));
            }
        }
        Ok(Self {
            left_out,
            ..Self::of(documents)
        })
    }

    fn of(documents: Vec<(mssql_mcp_sdk::Table, Document)>) -> Self {
        let names: Vec<TableName> = documents
            .iter()
            .map(|(table, _)| table.name.clone())
            .collect();
        let tables = documents
            .into_iter()
            .map(|(table, document)| Table {
                concepts: concepts(&table.name.name),
                view: table.kind == "view",
                name: table.name,
                comment: table.comment,
                columns: document.columns.into_iter().map(Column::from).collect(),
                key: document.primary_keys,
                parents: document
                    .foreign_keys
                    .into_iter()
                    .filter_map(|key| key.link(&names))
                    .collect(),
            })
            .collect();
        let mut catalogue = Self {
            tables,
            left_out: 0,
        };
        catalogue.infer_links();
        catalogue
    }

    /// Where no foreign key is declared, a column named like the whole key of
    /// exactly one other table leads there.
    fn infer_links(&mut self) {
        let mut inferred: Vec<(usize, Link)> = Vec::new();
        for (child, table) in self.tables.iter().enumerate() {
            for column in table.columns.iter().filter(|_| !table.view) {
                let linked = table
                    .parents
                    .iter()
                    .any(|link| link.columns.contains(&column.name));
                let own = matches!(table.key.as_slice(), [key] if *key == column.name);
                if linked || own {
                    continue;
                }
                let mut parents = self
                    .tables
                    .iter()
                    .enumerate()
                    .filter(|(parent, candidate)| {
                        *parent != child
                            && !candidate.view
                            && matches!(candidate.key.as_slice(),
                            [key] if key.eq_ignore_ascii_case(&column.name))
                    });
                if let (Some((parent, candidate)), None) = (parents.next(), parents.next()) {
                    inferred.push((
                        child,
                        Link {
                            columns: vec![column.name.clone()],
                            table: parent,
                            referenced: candidate.key.clone(),
                        },
                    ));
                }
            }
        }
        for (child, link) in inferred {
            if let Some(table) = self.tables.get_mut(child) {
                table.parents.push(link);
            }
        }
    }

    /// The way from a table to one it belongs to: the link to follow from each
    /// table on the way, shortest first found.
    pub(crate) fn path(&self, from: usize, to: usize) -> Option<Vec<(usize, &Link)>> {
        self.ancestors(from)
            .into_iter()
            .find(|(table, _)| *table == to)
            .map(|(_, path)| path)
    }

    /// The table itself, then what it belongs to, nearest first, each once.
    pub(crate) fn ancestors(&self, from: usize) -> Vec<(usize, Vec<(usize, &Link)>)> {
        let mut found: Vec<(usize, Vec<(usize, &Link)>)> = vec![(from, Vec::new())];
        let mut next = 0;
        while let Some((table, path)) = found.get(next).cloned() {
            next += 1;
            if path.len() >= LONGEST_PATH {
                continue;
            }
            let links = self
                .tables
                .get(table)
                .map_or(&[][..], |table| &table.parents);
            for link in links {
                if found.iter().all(|(seen, _)| *seen != link.table) {
                    let mut longer = path.clone();
                    longer.push((table, link));
                    found.push((link.table, longer));
                }
            }
        }
        found
    }
}

impl Table {
    /// One table by its name, without the tables it belongs to.
    pub(crate) fn read<H: Host>(host: &H, name: TableName) -> Result<Self, Error> {
        let description = host.describe(DEFAULT_DATABASE, &name)?;
        let document: Document = serde_json::from_str(&description)
            .map_err(|error| Error::Other(format!("The description is not as agreed: {error}.")))?;
        Ok(Self {
            concepts: concepts(&name.name),
            name,
            view: false,
            comment: document.comment,
            columns: document.columns.into_iter().map(Column::from).collect(),
            key: document.primary_keys,
            parents: Vec::new(),
        })
    }

    /// What to select for whole rows, from `table`: an alias with its point, or "".
    pub(crate) fn whole_rows(&self, table: &str) -> String {
        let columns = self.columns.iter();
        sql::whole_rows(
            table,
            columns.map(|column| (&*column.name, &*column.sql_type)),
        )
    }

    /// Columns whose values a word can be looked for in.
    pub(crate) fn text_columns(&self) -> impl Iterator<Item = &Column> {
        self.columns
            .iter()
            .filter(|column| matches!(column.kind, Kind::Text | Kind::LongText))
            .take(MOST_COLUMNS)
    }

    /// The column with all these concepts, the shortest name first.
    pub(crate) fn column(&self, kinds: &[Kind], concepts: &[&str]) -> Option<&Column> {
        self.columns
            .iter()
            .filter(|column| kinds.contains(&column.kind) && column.means(concepts))
            .min_by_key(|column| column.concepts.len())
    }

    /// How a row is called: its name, or first and last name.
    pub(crate) fn label(&self) -> Vec<&Column> {
        let named = |part: &str| self.column(&[Kind::Text], &[part, "name"]);
        if let (Some(first), Some(last)) = (named("first"), named("last")) {
            return vec![first, last];
        }
        let own = self
            .columns
            .iter()
            .filter(|column| column.kind == Kind::Text && !self.key.contains(&column.name));
        own.clone()
            .find(|column| {
                ["name", "title", "description"]
                    .iter()
                    .any(|concept| column.means(&[concept]))
            })
            .or_else(|| own.clone().next())
            .into_iter()
            .collect()
    }
}

impl Column {
    /// Whether the name has all these concepts.
    pub(crate) fn means(&self, concepts: &[&str]) -> bool {
        concepts
            .iter()
            .all(|concept| self.concepts.iter().any(|own| own == concept))
    }
}

impl From<ColumnDocument> for Column {
    fn from(column: ColumnDocument) -> Self {
        Self {
            kind: Kind::of(&column.sql_type),
            concepts: concepts(&column.name),
            name: column.name,
            sql_type: column.sql_type,
        }
    }
}

impl Kind {
    fn of(sql_type: &str) -> Self {
        let base = sql_type
            .split('(')
            .next()
            .unwrap_or("")
            .trim()
            .to_ascii_lowercase();
        match base.as_str() {
            "char" | "varchar" | "nchar" | "nvarchar" | "sysname" => Self::Text,
            "text" | "ntext" => Self::LongText,
            "tinyint" | "smallint" | "int" | "bigint" => Self::Integer,
            "decimal" | "numeric" | "money" | "smallmoney" => Self::Decimal,
            "date" | "datetime" | "datetime2" | "smalldatetime" | "datetimeoffset" => Self::Date,
            _ => Self::Other,
        }
    }
}

/// "OrderDetails", "order_details", "Order Details" → order, detail.
fn concepts(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut before = ' ';
    let mut characters = name.chars().peekable();
    while let Some(character) = characters.next() {
        let begins = character.is_uppercase()
            && (before.is_lowercase() || characters.peek().is_some_and(|next| next.is_lowercase()));
        if (begins || !character.is_alphanumeric()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if character.is_alphanumeric() {
            word.push(character);
        }
        before = character;
    }
    words.push(word);
    words
        .iter()
        .filter(|word| !word.is_empty())
        // "FirstName" is no superlative.
        .map(|word| match fold(word).as_str() {
            plain @ ("first" | "last" | "number") => plain.to_owned(),
            folded => concept(folded),
        })
        .collect()
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    comment: Option<String>,
    columns: Vec<ColumnDocument>,
    #[serde(default)]
    primary_keys: Vec<String>,
    #[serde(default)]
    foreign_keys: Vec<ForeignKey>,
}

#[derive(Deserialize)]
struct ColumnDocument {
    name: String,
    #[serde(rename = "type")]
    sql_type: String,
}

#[derive(Deserialize)]
struct ForeignKey {
    columns: Vec<String>,
    references: References,
}

#[derive(Deserialize)]
struct References {
    schema: String,
    table: String,
    columns: Vec<String>,
}

impl ForeignKey {
    fn link(self, names: &[TableName]) -> Option<Link> {
        let table = names.iter().position(|name| {
            name.schema == self.references.schema && name.name == self.references.table
        })?;
        Some(Link {
            columns: self.columns,
            table,
            referenced: self.references.columns,
        })
    }
}

/// Of a larger database the rest is reached by SQL.
const MOST_TABLES: usize = 120;
/// Text columns that one statement compares.
const MOST_COLUMNS: usize = 12;
/// Tables from a detail to what it belongs to; four reach a region from an
/// order line.
const LONGEST_PATH: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_apart_at_case_blank_and_underscore() {
        assert_eq!(concepts("OrderDetails"), ["order", "detail"]);
        assert_eq!(concepts("order_details"), ["order", "detail"]);
        assert_eq!(concepts("Order Details"), ["order", "detail"]);
        assert_eq!(concepts("CustomerID"), ["customer", "id"]);
        assert_eq!(concepts("FirstName"), ["first", "name"]);
    }
}
