//! The tables of a scope as resources: `mssql://LABEL/SCHEMA/TABLE`, each with
//! its description as text.

use std::borrow::Cow;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, try_join_all};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::database::{Database, Error, TableName};
use crate::runtime::database_problem;
use crate::tools::{
    CallContext, Resource, ResourceBody, ResourceContents, ResourceProvider, ResourceTemplate,
    ToolError,
};

/// Tables and views of the databases that a scope reads, by label.
pub(super) struct Tables(pub(super) Vec<(String, Database)>);

impl Tables {
    async fn of(&self, label: &str, database: &Database) -> Result<Vec<Resource>, ToolError> {
        let tables = database.tables().await.map_err(database_problem)?;
        let resources = tables.iter().map(|table| Resource {
            uri: uri(label, &table.name),
            name: table.name.to_string(),
            description: Some(table.comment.clone().unwrap_or_else(|| {
                format!(
                    "Columns, keys and indexes of the {} {}",
                    table.kind, table.name
                )
            })),
            title: None,
            mime_type: Some(JSON),
            size: None,
        });
        Ok(resources.collect())
    }

    async fn described(&self, uri: &str) -> Result<Option<Vec<ResourceContents>>, ToolError> {
        let Some((label, name)) = parse(uri) else {
            return Ok(None);
        };
        let Some((_, database)) = self.0.iter().find(|(known, _)| *known == label) else {
            return Ok(None);
        };
        match database.describe(&name).await {
            Ok(text) => Ok(Some(vec![ResourceContents {
                uri: uri.to_owned(),
                mime_type: Some(JSON),
                body: ResourceBody::Text(text),
            }])),
            Err(Error::UnknownName(_)) => Ok(None),
            Err(error) => Err(database_problem(error)),
        }
    }
}

impl ResourceProvider for Tables {
    fn list(&self, _: CallContext) -> BoxFuture<'_, Result<Vec<Resource>, ToolError>> {
        let of_each = self
            .0
            .iter()
            .map(|(label, database)| self.of(label, database));
        async { Ok(try_join_all(of_each).await?.concat()) }.boxed()
    }

    fn templates(&self) -> Cow<'_, [ResourceTemplate]> {
        Cow::Borrowed(TEMPLATES)
    }

    fn read<'a>(
        &'a self,
        uri: &'a str,
        _: CallContext,
    ) -> BoxFuture<'a, Result<Option<Vec<ResourceContents>>, ToolError>> {
        self.described(uri).boxed()
    }
}

fn uri(label: &str, name: &TableName) -> String {
    let [label, schema, table] =
        [label, &name.schema, &name.name].map(|part| utf8_percent_encode(part, RESERVED));
    format!("{SCHEME}{label}/{schema}/{table}")
}

/// Percent-encodes a part of an id of a record, points included.
pub(super) fn encoded(part: &str) -> String {
    utf8_percent_encode(part, IN_IDS).to_string()
}

fn parse(uri: &str) -> Option<(String, TableName)> {
    let mut parts = uri.strip_prefix(SCHEME)?.split('/');
    let mut part = || {
        let decoded = percent_decode_str(parts.next()?).decode_utf8().ok()?;
        Some(decoded.into_owned()).filter(|part| !part.is_empty())
    };
    let parsed = (
        part()?,
        TableName {
            schema: part()?,
            name: part()?,
        },
    );
    parts.next().is_none().then_some(parsed)
}

const SCHEME: &str = "mssql://";
const JSON: Cow<'static, str> = Cow::Borrowed("application/json");
const TEMPLATES: &[ResourceTemplate] = &[ResourceTemplate {
    uri_template: Cow::Borrowed("mssql://{database}/{schema}/{table}"),
    name: Cow::Borrowed("table"),
    title: None,
    description: Some(Cow::Borrowed(
        "Columns, keys and indexes of a table or view",
    )),
    mime_type: Some(JSON),
}];
/// All but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// The same with the point, which stands between schema and table.
const IN_IDS: &AsciiSet = &RESERVED.add(b'.');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_leads_back_to_the_table_whatever_its_name() {
        let name = |schema: &str, name: &str| TableName {
            schema: schema.to_owned(),
            name: name.to_owned(),
        };
        for (label, table, written) in [
            ("sales", name("dbo", "Orders"), "mssql://sales/dbo/Orders"),
            (
                "a b",
                name("dbo", "Order/Details ñ%"),
                "mssql://a%20b/dbo/Order%2FDetails%20%C3%B1%25",
            ),
        ] {
            assert_eq!(uri(label, &table), written);
            assert_eq!(parse(written), Some((label.to_owned(), table)));
        }
        for text in [
            "",
            "mssql://",
            "mssql://sales/dbo",
            "mssql://sales//Orders",
            "mssql://sales/dbo/Orders/",
            "mssql://sales/dbo/%ff",
            "file:///etc/passwd",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
