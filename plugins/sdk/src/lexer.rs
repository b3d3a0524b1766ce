//! The words, variables and marks of T-SQL, outside strings, quoted names and
//! comments.

/// What is neither blank nor quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// A keyword, an unquoted name or a number.
    Word(&'a str),
    /// `@name`, without the `@`.
    Variable(&'a str),
    /// `@@NAME`
    Global,
    /// Any other character.
    Mark(char),
}

/// Reads a text; what is never closed ends with it.
pub(crate) struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        Self { rest: text }
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or("");
    }

    fn line_comment(&mut self) {
        let end = self.rest.find('\n').unwrap_or(self.rest.len());
        self.skip(end);
    }

    /// Block comments nest in T-SQL.
    fn block_comment(&mut self) {
        let mut depth = 0_u32;
        loop {
            match self.rest.as_bytes() {
                [] => return,
                [b'/', b'*', ..] => {
                    depth += 1;
                    self.skip(2);
                }
                [b'*', b'/', ..] => {
                    depth -= 1;
                    self.skip(2);
                    if depth == 0 {
                        return;
                    }
                }
                _ => self.skip_one(),
            }
        }
    }

    fn skip_one(&mut self) {
        let mut letters = self.rest.chars();
        letters.next();
        self.rest = letters.as_str();
    }

    /// From the opening quote past the closing one; doubled, it is content.
    fn quoted(&mut self, close: char) {
        self.skip(1);
        while let Some(at) = self.rest.find(close) {
            self.skip(at + 1);
            if !self.rest.starts_with(close) {
                return;
            }
            self.skip(1);
        }
        self.rest = "";
    }

    /// The word that begins after `prefix` bytes.
    fn word(&mut self, prefix: usize) -> &'a str {
        self.skip(prefix);
        let end = self
            .rest
            .find(|next: char| !is_inner(next))
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let first = self.rest.chars().next()?;
            match self.rest.as_bytes() {
                [b'-', b'-', ..] => self.line_comment(),
                [b'/', b'*', ..] => self.block_comment(),
                [b'\'' | b'"', ..] => self.quoted(first),
                [b'[', ..] => self.quoted(']'),
                [b'@', b'@', ..] => {
                    self.word(2);
                    return Some(Token::Global);
                }
                [b'@', ..] => return Some(Token::Variable(self.word(1))),
                _ if is_inner(first) => return Some(Token::Word(self.word(0))),
                _ if first.is_whitespace() => self.skip_one(),
                _ => {
                    self.skip_one();
                    return Some(Token::Mark(first));
                }
            }
        }
    }
}

/// What a name can go on with.
fn is_inner(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '@' | '#' | '$')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(text: &str) -> Vec<&str> {
        Tokens::of(text)
            .filter_map(|token| match token {
                Token::Variable(name) => Some(name),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn variables_are_found_where_sql_server_finds_them() {
        assert_eq!(variables("TOP(@n)WHERE a=@b+@_c1"), ["n", "b", "_c1"]);
        for none in [
            "SELECT '@a', N'it''s @b'",
            "SELECT [@a]]@b], \"@c\"\"@d\" FROM t",
            "SELECT 1 -- @a",
            "SELECT /* @a /* @b */ @c */ 1",
            "SELECT @@ROWCOUNT, @@a",
            "SELECT mail@example FROM t",
            "SELECT 'never closed @a",
        ] {
            assert_eq!(variables(none), Vec::<&str>::new(), "{none}");
        }
        assert_eq!(variables("SELECT 1 -- it's\n, @a /* ' */ + @b"), ["a", "b"]);
    }

    #[test]
    fn marks_stand_alone() {
        assert_eq!(
            Tokens::of("a.b(1)").collect::<Vec<_>>(),
            [
                Token::Word("a"),
                Token::Mark('.'),
                Token::Word("b"),
                Token::Mark('('),
                Token::Word("1"),
                Token::Mark(')')
            ]
        );
    }
}
