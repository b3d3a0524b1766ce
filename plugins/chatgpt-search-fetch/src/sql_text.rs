//! Which table a SELECT reads, when it reads one table and shows its columns
//! as they are: then its rows have the ids of that table's rows.

/// A SELECT over one table.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SingleTable {
    /// Name as written.
    pub(crate) table: String,
    /// Columns shown under their own names; `*` for all of them.
    columns: Vec<String>,
}

impl SingleTable {
    /// Reads a statement; `None` for joins, groups, expressions of sets and
    /// whatever else makes a row more than a row of the table.
    pub(crate) fn of(sql: &str) -> Option<Self> {
        let tokens = tokens(sql);
        let mut rest = tokens.as_slice();
        take_word(&mut rest, "select")?;
        if tokens
            .iter()
            .any(|token| token.depth == 0 && OTHERWISE.iter().any(|word| token.is(word)))
        {
            return None;
        }
        if take_word(&mut rest, "top").is_some() {
            skip_top(&mut rest)?;
        }
        let from = rest
            .iter()
            .position(|token| token.depth == 0 && token.is("from"))?;
        let (items, after) = rest.split_at_checked(from)?;
        let columns = items
            .split(|token| token.depth == 0 && token.text == ",")
            .filter_map(plain_column)
            .collect();
        let table = table_name(after.get(1..)?)?;
        Some(Self { table, columns })
    }

    /// Whether the column is shown as it is.
    pub(crate) fn shows(&self, column: &str) -> bool {
        self.columns
            .iter()
            .any(|shown| shown == "*" || shown.eq_ignore_ascii_case(column))
    }
}

#[derive(Debug, Clone, Copy)]
struct Token<'a> {
    text: &'a str,
    depth: usize,
}

impl Token<'_> {
    fn is(&self, word: &str) -> bool {
        self.text.eq_ignore_ascii_case(word)
    }

    fn is_name(&self) -> bool {
        self.text
            .starts_with(|first: char| first.is_alphabetic() || matches!(first, '_' | '[' | '"'))
    }

    /// The name without its quoting.
    fn name(&self) -> String {
        match self.text.chars().next() {
            Some('[') => self.text.trim_matches(['[', ']']).replace("]]", "]"),
            Some('"') => self.text.trim_matches('"').to_owned(),
            _ => self.text.to_owned(),
        }
    }
}

fn take_word(rest: &mut &[Token<'_>], word: &str) -> Option<()> {
    let (first, after) = rest.split_first()?;
    first.is(word).then_some(())?;
    *rest = after;
    Some(())
}

/// `TOP 10` or `TOP (10)`
fn skip_top(rest: &mut &[Token<'_>]) -> Option<()> {
    let (first, mut after) = rest.split_first()?;
    if first.text == "(" {
        let end = after.iter().position(|token| token.depth == 0)?;
        after = after.get(end + 1..)?;
    }
    *rest = after;
    Some(())
}

/// `a`, `t.a`, `*`, `t.*`
fn plain_column(item: &[Token<'_>]) -> Option<String> {
    let last = match item {
        [column] => column,
        [table, point, column] if table.is_name() && point.text == "." => column,
        _ => return None,
    };
    (last.is_name() || last.text == "*").then(|| last.name())
}

/// `a` or `s.a`, with or without an alias, and no second table.
fn table_name(tokens: &[Token<'_>]) -> Option<String> {
    let (first, mut rest) = tokens.split_first().filter(|(first, _)| first.is_name())?;
    let mut name = first.text.to_owned();
    while let [point, part, after @ ..] = rest {
        if point.text != "." {
            break;
        }
        name.push('.');
        name.push_str(part.text);
        rest = after;
    }
    let second = rest
        .iter()
        .take_while(|token| {
            !["where", "order", "option"]
                .iter()
                .any(|word| token.is(word))
        })
        .any(|token| matches!(token.text, "," | "("));
    (!second).then_some(name)
}

fn tokens(sql: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut depth = 0_usize;
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |at| at + 2),
            '[' => delimited(rest, ']'),
            '"' => delimited(rest, '"'),
            '\'' => delimited(rest, '\''),
            _ if first.is_alphanumeric() || first == '_' => rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        let (text, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        rest = after;
        let comment = text.starts_with("--") || text.starts_with("/*");
        if comment || first.is_whitespace() || first == ';' {
            continue;
        }
        if first == ')' {
            depth = depth.saturating_sub(1);
        }
        tokens.push(Token { text, depth });
        if first == '(' {
            depth += 1;
        }
    }
    tokens
}

/// Length of a quoted text, in which the closing character is doubled.
fn delimited(text: &str, close: char) -> usize {
    let mut at = 1;
    while let Some(found) = text.get(at..).and_then(|rest| rest.find(close)) {
        at += found + 1;
        if !text.get(at..).is_some_and(|rest| rest.starts_with(close)) {
            return at;
        }
        at += 1;
    }
    text.len()
}

/// Words that make a row something else than a row of one table.
const OTHERWISE: [&str; 10] = [
    "join",
    "group",
    "distinct",
    "union",
    "intersect",
    "except",
    "apply",
    "pivot",
    "unpivot",
    "having",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_table_with_its_columns_is_recognised() {
        for sql in [
            "SELECT * FROM dbo.Orders",
            "select top 5 OrderID, Freight from dbo.Orders where OrderID in (1, 2) order by 1",
            "SELECT TOP (5) o.[OrderID] FROM dbo.Orders AS o;",
            "SELECT /* , x */ OrderID -- why\n FROM dbo.Orders",
        ] {
            let found = SingleTable::of(sql).unwrap();
            assert_eq!(found.table, "dbo.Orders", "{sql}");
            assert!(found.shows("orderid"), "{sql}");
        }
        let quoted = SingleTable::of("SELECT * FROM [Order Details]").unwrap();
        assert_eq!(quoted.table, "[Order Details]");
    }

    #[test]
    fn whatever_is_more_than_rows_of_one_table_is_not() {
        for sql in [
            "SELECT DISTINCT City FROM Customers",
            "SELECT City, COUNT(*) FROM Customers GROUP BY City",
            "SELECT * FROM a JOIN b ON a.x = b.x",
            "SELECT * FROM a, b",
            "SELECT * FROM f(1)",
            "SELECT 1",
            "WITH c AS (SELECT 1 AS a) SELECT a FROM c",
        ] {
            assert_eq!(SingleTable::of(sql), None, "{sql}");
        }
    }

    #[test]
    fn another_column_under_the_keys_name_is_not_the_key() {
        let sql = "SELECT Name AS CustomerID FROM Customers";
        assert!(!SingleTable::of(sql).unwrap().shows("CustomerID"));
    }
}
