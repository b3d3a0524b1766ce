//! The databases of a scope, for tools that let the model choose one.

use std::fmt;

use serde_json::{Value, json};

use crate::host::{DEFAULT_DATABASE, Host, Sharing};
use crate::{Ability, Error, Failure, Options, Param, Table, TableName};

/// The labels of a scope's databases; the first is the default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Databases(Vec<String>);

impl Databases {
    /// Those of the scope, as the host sets them for every tool set.
    pub fn of<H: Host>(host: &H) -> Self {
        Self::listed(&host.config("databases").unwrap_or_default())
    }

    /// Those of a list with commas.
    #[must_use]
    pub fn listed(list: &str) -> Self {
        let labels = list.split(',').map(str::trim);
        let labels = labels.filter(|label| !label.is_empty());
        Self(labels.map(str::to_owned).collect())
    }

    /// The labels, the default first.
    #[must_use]
    pub fn labels(&self) -> &[String] {
        &self.0
    }

    /// Whether there is a choice.
    #[must_use]
    pub fn are_several(&self) -> bool {
        self.0.len() > 1
    }

    /// The label to hand to the host for what a caller chose.
    ///
    /// # Errors
    /// [`Failure::InvalidArguments`] with all labels where there is none of that
    /// name.
    pub fn choose<'a>(&self, given: Option<&'a str>) -> Result<&'a str, Failure> {
        match given {
            None | Some(DEFAULT_DATABASE) => Ok(DEFAULT_DATABASE),
            Some(label) if self.0.first().is_some_and(|first| first == label) => {
                Ok(DEFAULT_DATABASE)
            }
            Some(label) if self.0.iter().any(|known| known == label) => Ok(label),
            Some(label) => Err(Failure::argument(
                "/database",
                format!(
                    "there is no database {label:?} here; there is {}",
                    self.0.join(", ")
                ),
            )),
        }
    }

    /// Adds the argument `database` to an input schema, where there is a choice.
    pub(crate) fn add_to(&self, schema: String) -> String {
        if !self.are_several() {
            return schema;
        }
        let Ok(mut schema) = serde_json::from_str::<Value>(&schema) else {
            return schema;
        };
        if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
            let argument = json!({
                "type": "string",
                "description": format!(
                    "Database to use; {} unless told.",
                    self.0.first().map_or("", String::as_str)
                ),
                "enum": self.0,
            });
            properties.insert("database".to_owned(), argument);
        }
        schema.to_string()
    }
}

/// A host whose default database is another one.
pub struct On<'a, H> {
    host: &'a H,
    database: &'a str,
}

impl<'a, H: Host> On<'a, H> {
    /// `database` is a label, or [`DEFAULT_DATABASE`] for the scope's own default.
    pub fn new(host: &'a H, database: &'a str) -> Self {
        Self { host, database }
    }

    /// The label that it was made with.
    #[must_use]
    pub fn database(&self) -> &'a str {
        self.database
    }

    fn label<'b>(&'b self, asked: &'b str) -> &'b str {
        if asked == DEFAULT_DATABASE {
            self.database
        } else {
            asked
        }
    }

    /// Values of one database are not those of another.
    fn key(&self, key: &str) -> String {
        if self.database == DEFAULT_DATABASE {
            key.to_owned()
        } else {
            format!("@{}/{key}", self.database)
        }
    }
}

impl<H> fmt::Debug for On<'_, H> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("On")
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}

impl<H: Host> Host for On<'_, H> {
    type Cursor = H::Cursor;

    fn query(
        &self,
        database: &str,
        sql: &str,
        params: &[Param],
        options: Option<Options>,
    ) -> Result<Self::Cursor, Error> {
        self.host.query(self.label(database), sql, params, options)
    }

    fn query_page(
        &self,
        database: &str,
        sql: &str,
        params: &[Param],
        options: Option<Options>,
        page: u32,
        page_size: Option<u32>,
    ) -> Result<Self::Cursor, Error> {
        let database = self.label(database);
        self.host
            .query_page(database, sql, params, options, page, page_size)
    }

    fn tables(&self, database: &str) -> Result<Vec<Table>, Error> {
        self.host.tables(self.label(database))
    }

    fn describe(&self, database: &str, table: &TableName) -> Result<String, Error> {
        self.host.describe(self.label(database), table)
    }

    fn primary_key(&self, database: &str, table: &TableName) -> Result<Vec<String>, Error> {
        self.host.primary_key(self.label(database), table)
    }

    fn resolve(&self, database: &str, name: &str) -> Result<TableName, Error> {
        self.host.resolve(self.label(database), name)
    }

    fn config(&self, key: &str) -> Option<String> {
        self.host.config(key)
    }

    fn cache_get(&self, sharing: Sharing, key: &str) -> Option<Vec<u8>> {
        self.host.cache_get(sharing, &self.key(key))
    }

    fn cache_set(&self, sharing: Sharing, key: &str, value: &[u8], ttl_ms: u64) {
        self.host.cache_set(sharing, &self.key(key), value, ttl_ms);
    }

    fn seal(&self, plain: &[u8]) -> String {
        self.host.seal(plain)
    }

    fn open(&self, sealed: &str) -> Option<Vec<u8>> {
        self.host.open(sealed)
    }

    fn remaining_ms(&self) -> u64 {
        self.host.remaining_ms()
    }

    fn progress(&self, done: f64, total: Option<f64>, message: Option<&str>) {
        self.host.progress(done, total, message);
    }

    fn can_ask(&self, what: Ability) -> bool {
        self.host.can_ask(what)
    }

    fn answers(&self) -> Option<String> {
        self.host.answers()
    }

    fn state(&self) -> Option<Vec<u8>> {
        self.host.state()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeHost;

    #[test]
    fn a_choice_is_one_of_those_that_are_there() {
        let several = Databases::listed("sales, archive");
        assert_eq!(several.choose(None), Ok(""));
        assert_eq!(several.choose(Some("archive")), Ok("archive"));
        assert_eq!(several.choose(Some("sales")), Ok(""));
        let Err(Failure::InvalidArguments(wrong)) = several.choose(Some("hr")) else {
            panic!("taken");
        };
        assert!(wrong[0].message.contains("sales, archive"));
    }

    #[test]
    fn the_argument_is_there_where_there_is_a_choice() {
        let schema = r#"{"type":"object","properties":{}}"#;
        assert_eq!(Databases::listed("sales").add_to(schema.to_owned()), schema);
        let several = Databases::listed("sales,archive").add_to(schema.to_owned());
        let several: Value = serde_json::from_str(&several).unwrap();
        let argument = &several["properties"]["database"];
        assert_eq!(argument["enum"], json!(["sales", "archive"]));
    }

    #[test]
    fn another_default_is_asked_and_keeps_its_values_apart() {
        let host = FakeHost::new().caching();
        let archive = On::new(&host, "archive");
        for asked in ["", "sales"] {
            archive.query(asked, "SELECT 1", &[], None).unwrap();
        }
        let labels: Vec<_> = host
            .queries()
            .into_iter()
            .map(|sent| sent.database)
            .collect();
        assert_eq!(labels, ["archive", "sales"]);
        archive.cache_set(Sharing::PerUser, "k", b"v", 1_000);
        assert_eq!(host.cache_get(Sharing::PerUser, "k"), None);
        assert_eq!(
            archive.cache_get(Sharing::PerUser, "k").as_deref(),
            Some(&b"v"[..])
        );
    }
}
