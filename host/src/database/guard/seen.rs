//! What a statement names, with its places in the text, for a policy to judge
//! and to rewrite.

use std::collections::HashMap;
use std::ops::Range;

use super::lexer::{Kind, Token};
use super::phrases::{self, is_name};

/// Names of a statement that passed. Ranges are in bytes of its text.
#[derive(Debug, Default)]
pub struct Seen {
    /// Every table, view and catalogue view after FROM, JOIN, APPLY or a comma,
    /// in their order.
    pub relations: Vec<Relation>,
    /// Names of two and more parts that are no relations: columns.
    pub qualified: Vec<Qualified>,
    /// Functions that tell of objects by name or number.
    pub metadata: Vec<Call>,
    /// Where CONTAINS or FREETEXT stands, which ask an index.
    pub full_text: Option<usize>,
    /// The columns of the result bear the names of the columns of the only
    /// relation they can come from.
    pub plain: bool,
}

/// A name where a table is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// Before the dot.
    pub schema: Option<String>,
    /// The last part, quotes undone.
    pub table: String,
    /// How it is read.
    pub kind: RelationKind,
    /// Whether a common table expression in scope has this name.
    pub cte: Cte,
    /// The name itself.
    pub name: Range<usize>,
    /// From the name to the end of what belongs to it: alias, hints,
    /// FOR SYSTEM_TIME, TABLESAMPLE.
    pub whole: Range<usize>,
    /// Its alias.
    pub alias: Option<Alias>,
    /// A hint among them picks an index, whose order the rows then have.
    pub picks_index: bool,
}

/// How a relation is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelationKind {
    /// By its name.
    Table,
    /// A view of `sys` or `INFORMATION_SCHEMA`.
    Catalogue,
    /// By CONTAINSTABLE or FREETEXTTABLE, which take a table alone.
    FullText,
}

/// How a bare name stands to the common table expressions before it. One that
/// comes later, or that it is not in, is not visible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cte {
    /// None has this name.
    No,
    /// One is written exactly so.
    Exact,
    /// One differs in case: the same name or not, by the database's collation.
    OtherCase,
}

/// A correlation name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// The name as written.
    pub text: Range<usize>,
    /// With AS.
    pub whole: Range<usize>,
}

/// A column by the names before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Qualified {
    /// Its parts, quotes undone; `*` is none of them.
    pub parts: Vec<String>,
    /// `.*` follows.
    pub star: bool,
    /// From its first part to its second.
    pub first: Range<usize>,
}

/// A function call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// As written.
    pub name: String,
    /// Where.
    pub at: usize,
}

/// Takes down what the walk comes by.
#[derive(Debug, Default)]
pub(super) struct Collector {
    pub(super) seen: Seen,
    /// Names of the common table expressions so far, by their lower case.
    ctes: HashMap<String, String>,
}

impl Collector {
    pub(super) fn cte(&mut self, name: String) {
        self.ctes.insert(name.to_lowercase(), name);
    }

    /// A relation whose name takes the tokens `from..to`.
    pub(super) fn relation(
        &mut self,
        tokens: &[Token<'_>],
        (from, to): (usize, usize),
        parts: &[String],
        kind: RelationKind,
    ) {
        let (schema, table) = match parts {
            [table] => (None, table),
            [.., schema, table] => (Some(schema), table),
            [] => return,
        };
        let cte = match self.ctes.get(&table.to_lowercase()) {
            Some(_) if schema.is_some() => Cte::No,
            Some(name) if name == table => Cte::Exact,
            Some(_) => Cte::OtherCase,
            None => Cte::No,
        };
        let tail = if kind == RelationKind::FullText {
            phrases::Tail {
                end: to,
                alias: None,
            }
        } else {
            phrases::tail(tokens, to)
        };
        self.seen.relations.push(Relation {
            schema: schema.cloned(),
            table: table.clone(),
            kind,
            cte,
            picks_index: tokens
                .get(to..tail.end)
                .is_some_and(|tail| tail.iter().any(|it| it.is_any(&["INDEX", "FORCESEEK"]))),
            name: bytes(tokens, from, to),
            whole: bytes(tokens, from, tail.end),
            alias: tail.alias.map(|(name, from)| Alias {
                text: bytes(tokens, name, name + 1),
                whole: bytes(tokens, from, name + 1),
            }),
        });
    }

    /// A column of several parts whose name takes the tokens `from..to`.
    pub(super) fn qualified(
        &mut self,
        tokens: &[Token<'_>],
        (from, to): (usize, usize),
        parts: &[String],
    ) {
        let star = matches!(tokens.get(to..to + 2),
            Some([dot, star]) if dot.is_mark(b'.') && star.is_mark(b'*'));
        self.seen.qualified.push(Qualified {
            parts: parts.to_vec(),
            star,
            // Schema, dot, table.
            first: bytes(tokens, from, (from + 3).min(to)),
        });
    }
}

fn bytes(tokens: &[Token<'_>], from: usize, to: usize) -> Range<usize> {
    let start = tokens.get(from).map_or(0, |token| token.start);
    let end = to
        .checked_sub(1)
        .and_then(|last| tokens.get(last))
        .map_or(start, Token::end);
    start..end.max(start)
}

/// Whether the statement is `SELECT column, … FROM table …` of one table, without
/// aliases of columns, expressions and further arms: then its result's columns are the
/// table's.
pub(super) fn is_plain(tokens: &[Token<'_>], relations: &[Relation]) -> bool {
    let [relation] = relations else {
        return false;
    };
    let Some(after_list) = plain_list(tokens) else {
        return false;
    };
    let named = tokens.get(after_list + 1);
    let after = tokens
        .iter()
        .find(|token| token.start >= relation.whole.end);
    named.is_some_and(|named| named.start == relation.name.start)
        && after.is_none_or(|after| after.is_any(&["WHERE", "ORDER", "OPTION"]))
        && !tokens
            .iter()
            .any(|token| token.is_any(&["UNION", "EXCEPT", "INTERSECT"]))
}

/// The index of FROM behind a list of columns and stars.
fn plain_list(tokens: &[Token<'_>]) -> Option<usize> {
    if !tokens.first()?.is("SELECT") {
        return None;
    }
    let mut at = 1;
    if tokens.get(at)?.is_any(&["DISTINCT", "ALL"]) {
        at += 1;
    }
    if tokens.get(at)?.is("TOP") {
        at = match tokens.get(at + 1)?.kind {
            Kind::Number => at + 2,
            _ => phrases::closing(tokens, at + 1)?,
        };
        at += usize::from(tokens.get(at)?.is("PERCENT"));
        if tokens.get(at)?.is("WITH") {
            at += 2;
        }
    }
    loop {
        // name {. name} [. *]
        loop {
            let part = tokens.get(at)?;
            if !(is_name(part) || part.is_mark(b'*')) {
                return None;
            }
            at += 1;
            if part.is_mark(b'*') || !tokens.get(at)?.is_mark(b'.') {
                break;
            }
            at += 1;
        }
        let next = tokens.get(at)?;
        if next.is("FROM") {
            return Some(at);
        }
        if !next.is_mark(b',') {
            return None;
        }
        at += 1;
    }
}
