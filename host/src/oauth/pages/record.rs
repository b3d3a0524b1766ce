//! The page of one record, for people who follow a citation.

use askama::Template;

use super::Texts;

/// One record of a database.
#[derive(Debug, Template)]
#[template(path = "record.html")]
pub(crate) struct RecordPage<'a> {
    pub(crate) t: &'static Texts,
    /// Schema and name of its table.
    pub(crate) table: &'a str,
    /// Its key, as people read it.
    pub(crate) key: &'a str,
    /// What the table is for.
    pub(crate) comment: Option<&'a str>,
    pub(crate) fields: &'a [RecordLine],
    /// Part of a value is missing.
    pub(crate) is_cut: bool,
    /// Who reads; none where nobody signs in.
    pub(crate) subject: Option<&'a str>,
    /// Path of the page, and the token of a form that goes there.
    pub(crate) target: &'a str,
    pub(crate) csrf: &'a str,
}

/// One column of a record.
#[derive(Debug)]
pub(crate) struct RecordLine {
    pub(crate) name: String,
    pub(crate) sql_type: String,
    pub(crate) comment: Option<String>,
    /// None for NULL.
    pub(crate) value: Option<String>,
    /// Path of the record that it refers to.
    pub(crate) href: Option<String>,
}
