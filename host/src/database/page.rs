//! Pages of a result: OFFSET and FETCH where the statement has an order of its own,
//! else rows that are read and passed over.

use std::borrow::Cow;

use super::error::Error;
use super::guard::Checked;
use super::value::Page;

/// How one page is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    /// From 1.
    number: u32,
    /// Rows on a page.
    pub(super) size: u64,
    /// Rows before it that come over the wire and are passed over.
    pub(super) skip: u64,
    ordered: bool,
}

/// The statement that gives `page` of `sql`, and how its rows are read.
///
/// # Errors
/// [`Error::InvalidParameter`] for a page that cannot be, or not within bounds.
pub(super) fn plan(
    sql: &str,
    page: Page,
    checked: Checked,
    max_rows: u64,
) -> Result<(Cow<'_, str>, Window), Error> {
    let refused = |name: &str, reason: String| {
        Err(Error::InvalidParameter {
            name: name.to_owned(),
            reason,
        })
    };
    if checked.returns_one_document {
        let reason = "FOR JSON and FOR XML give one document, which has no pages; leave page and \
                      page_size away, or FOR";
        return refused("page", reason.to_owned());
    }
    let size = page.size.map_or(max_rows.min(USUAL), u64::from);
    if size == 0 || size > max_rows {
        let reason = format!("{size} is not between 1 and {max_rows}, the rows of one result here");
        return refused("page_size", reason);
    }
    let Some(before) = page.number.checked_sub(1) else {
        return refused("page", "pages count from 1".to_owned());
    };
    let before = u64::from(before) * size;
    let window = Window {
        number: page.number,
        size,
        skip: before,
        ordered: checked.ordered,
    };
    let parts = checked.page_at.and_then(|at| sql.split_at_checked(at));
    if let Some((head, tail)) = parts {
        if i64::try_from(before).is_err() {
            return refused("page", format!("no table has {before} rows before it"));
        }
        let rows = size + 1;
        let sql = format!("{head} OFFSET {before} ROWS FETCH NEXT {rows} ROWS ONLY{tail}");
        return Ok((sql.into(), Window { skip: 0, ..window }));
    }
    if before > MAX_SKIPPED {
        let reason = format!(
            "the {before} rows before it would have to be read, and {MAX_SKIPPED} are the most; \
             write ORDER BY a unique key, without TOP or OFFSET, so that the server can start \
             there, or narrow the statement with WHERE"
        );
        return refused("page", reason);
    }
    Ok((sql.into(), window))
}

impl Window {
    /// Appends the member of the document; `more` rows follow the page, or belong to it
    /// where it `is_cut`.
    pub(super) fn write(&self, out: &mut Vec<u8>, more: bool, is_cut: bool) {
        let Self { number, size, .. } = self;
        let member =
            format!(",\"pagination\":{{\"page\":{number},\"page_size\":{size},\"has_more\":{more}");
        out.extend_from_slice(member.as_bytes());
        if is_cut {
            out.extend_from_slice(CUT);
        } else if !self.ordered {
            out.extend_from_slice(UNSTABLE);
        }
        out.push(b'}');
    }
}

/// Bytes that [`Window::write`] appends at most: numbers of 20 digits.
pub(super) const ROOM: usize = 96 + UNSTABLE.len();
const UNSTABLE: &[u8] = b",\"note\":\"The order of rows is not stable: without ORDER BY the next \
    page may repeat rows of this one or miss some. ORDER BY a unique key.\"";
const CUT: &[u8] = b",\"note\":\"This page was cut, and its other rows are on no other page. \
    Ask for it again with a smaller page_size.\"";
/// Rows on a page that nobody gave a size.
const USUAL: u64 = 100;
/// Rows that are read and passed over: about a second of narrow rows.
pub(super) const MAX_SKIPPED: u64 = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(sql: &str, number: u32, size: Option<u32>) -> Result<(String, Window), Error> {
        let checked = super::super::guard::check(sql, &[]).unwrap();
        let page = Page { number, size };
        plan(sql, page, checked, 1_000).map(|(sql, window)| (sql.into_owned(), window))
    }

    #[test]
    fn an_ordered_statement_starts_at_its_page() {
        let (sql, window) = planned("SELECT a FROM t ORDER BY a;", 3, Some(20)).unwrap();
        assert_eq!(
            sql,
            "SELECT a FROM t ORDER BY a OFFSET 40 ROWS FETCH NEXT 21 ROWS ONLY;"
        );
        assert_eq!((window.size, window.skip), (20, 0));
    }

    #[test]
    fn any_other_is_read_past_the_pages_before() {
        for sql in ["SELECT a FROM t", "SELECT TOP 90 a FROM t ORDER BY a"] {
            let (same, window) = planned(sql, 2, None).unwrap();
            assert_eq!(same, sql);
            assert_eq!((window.size, window.skip), (100, 100));
        }
        let text = |window: Window| {
            let mut out = Vec::new();
            window.write(&mut out, true, false);
            assert!(out.len() <= ROOM);
            String::from_utf8(out).unwrap()
        };
        let (_, unstable) = planned("SELECT a FROM t", u32::MAX / 43_000, Some(1)).unwrap();
        assert!(text(unstable).contains("not stable"));
        let (_, stable) = planned("SELECT TOP 9 a FROM t ORDER BY a", 1, Some(5)).unwrap();
        assert_eq!(
            text(stable),
            ",\"pagination\":{\"page\":1,\"page_size\":5,\"has_more\":true}"
        );
    }

    #[test]
    fn a_page_that_cannot_be_is_told_why() {
        let ordered = "SELECT a FROM t ORDER BY a";
        for (sql, number, size, name, said) in [
            (ordered, 0, None, "page", "from 1"),
            (ordered, 1, Some(0), "page_size", "between 1 and 1000"),
            (ordered, 1, Some(1_001), "page_size", "between 1 and 1000"),
            ("SELECT a FROM t", 1_002, Some(100), "page", "ORDER BY"),
            ("SELECT a FROM t FOR JSON PATH", 1, None, "page", "FOR JSON"),
        ] {
            match planned(sql, number, size) {
                Err(Error::InvalidParameter { name: at, reason }) => {
                    assert_eq!(at, name);
                    assert!(reason.contains(said), "{reason}");
                }
                other => panic!("{sql}: {other:?}"),
            }
        }
        assert!(planned("SELECT a FROM t", 1_001, Some(100)).is_ok());
        assert!(planned(ordered, u32::MAX, Some(1_000)).is_ok());
    }
}
