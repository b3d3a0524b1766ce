//! Tokens of T-SQL, exactly as SQL Server reads them, or a refusal wherever
//! two readers could differ.

use super::denial::Denial;
use super::keywords::contains;

/// A token and where it begins in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    /// Its text, quotes included.
    pub(super) text: &'a str,
    /// Byte offset.
    pub(super) start: usize,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An unquoted word: keyword or name.
    Word,
    /// `[…]` or `"…"`: always a name (QUOTED_IDENTIFIER is ON).
    Quoted,
    /// `'…'` or `N'…'`
    String,
    /// Integers, decimals, floats, `0x…`, `$…`
    Number,
    /// `@name`
    Variable,
    /// `@@NAME`
    Global,
    /// One character of punctuation.
    Mark(u8),
}

impl Token<'_> {
    /// Whether it is this keyword, unquoted.
    pub(super) fn is(&self, keyword: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(keyword)
    }

    /// Whether it is one of these keywords, unquoted.
    pub(super) fn is_any(&self, keywords: &[&str]) -> bool {
        keywords.iter().any(|keyword| self.is(keyword))
    }

    pub(super) fn is_mark(&self, mark: u8) -> bool {
        self.kind == Kind::Mark(mark)
    }

    /// Byte offset behind it.
    pub(super) fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// The name it stands for, quotes undone.
    pub(super) fn name(&self) -> String {
        let inner = || {
            let mut chars = self.text.chars();
            chars.next();
            chars.next_back();
            chars.as_str()
        };
        match self.text.as_bytes().first() {
            Some(b'[') => inner().replace("]]", "]"),
            Some(b'"') => inner().replace("\"\"", "\""),
            _ => self.text.to_owned(),
        }
    }
}

/// Splits `sql` into tokens; comments and blanks are gone.
pub(super) fn lex(sql: &str) -> Result<Vec<Token<'_>>, Denial> {
    if sql.len() > MAX_BYTES {
        return Err(Denial::statement(
            sql,
            MAX_BYTES,
            "A statement longer than 64 KiB",
            "Shorten it; pass long lists as a parameter and read them with OPENJSON.",
        ));
    }
    let mut lexer = Lexer { sql, at: 0 };
    let mut tokens = Vec::with_capacity(sql.len() / 5);
    while let Some(token) = lexer.token()? {
        if tokens.len() == MAX_TOKENS {
            return Err(Denial::statement(
                sql,
                token.start,
                "A statement of more than 5 000 words and marks",
                "Shorten it; pass long lists as a parameter and read them with OPENJSON.",
            ));
        }
        tokens.push(token);
    }
    Ok(tokens)
}

/// The tokens up to where reading ends, and whether that is the end of the text:
/// for who tells of a statement that was refused.
pub(super) fn readable(sql: &str) -> (Vec<Token<'_>>, bool) {
    let mut lexer = Lexer { sql, at: 0 };
    let mut tokens = Vec::with_capacity(sql.len().min(MAX_BYTES) / 5);
    while tokens.len() < MAX_TOKENS {
        match lexer.token() {
            Ok(Some(token)) => tokens.push(token),
            Ok(None) => return (tokens, true),
            Err(_) => break,
        }
    }
    (tokens, false)
}

struct Lexer<'a> {
    sql: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn token(&mut self) -> Result<Option<Token<'a>>, Denial> {
        self.blanks()?;
        let start = self.at;
        let Some(first) = self.peek(0) else {
            return Ok(None);
        };
        let kind = match first {
            b'\'' => self.string()?,
            b'n' | b'N' if self.peek(1) == Some(b'\'') => {
                self.at += 1;
                self.string()?
            }
            b'[' => self.quoted(b']', "A name without its closing ]")?,
            b'"' => self.quoted(b'"', "A name without its closing quote")?,
            b'0'..=b'9' => self.number()?,
            b'.' if self.peek(1).is_some_and(|next| next.is_ascii_digit()) => self.number()?,
            b'$' => self.money()?,
            b'@' => self.variable()?,
            b'#' => {
                return Err(Denial::statement(
                    self.sql,
                    start,
                    "A temporary table",
                    "Use a common table expression: WITH t AS (SELECT …) SELECT … FROM t.",
                ));
            }
            b'(' | b')' | b',' | b'.' | b'+' | b'-' | b'*' | b'/' | b'%' | b'&' | b'|' | b'^'
            | b'~' | b'<' | b'>' | b'=' | b'!' | b':' | b';' | b'{' | b'}' => {
                self.at += 1;
                Kind::Mark(first)
            }
            _ => self.word()?,
        };
        let text = self.sql.get(start..self.at).unwrap_or_default();
        Ok(Some(Token { kind, text, start }))
    }

    /// Skips white space and comments.
    fn blanks(&mut self) -> Result<(), Denial> {
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some(b' ' | b'\t' | b'\n'), _) => self.at += 1,
                (Some(b'\r'), Some(b'\n')) => self.at += 2,
                (Some(b'-'), Some(b'-')) => self.line_comment()?,
                (Some(b'/'), Some(b'*')) => self.block_comment()?,
                _ => return Ok(()),
            }
        }
    }

    fn line_comment(&mut self) -> Result<(), Denial> {
        while let Some(next) = self.letter() {
            if next == '\n' {
                break;
            }
            self.hidden(next)?;
            self.at += next.len_utf8();
        }
        Ok(())
    }

    /// Block comments nest in T-SQL.
    fn block_comment(&mut self) -> Result<(), Denial> {
        let start = self.at;
        let mut depth = 0_u32;
        while let Some(next) = self.letter() {
            match (next, self.peek(1)) {
                ('/', Some(b'*')) => {
                    depth += 1;
                    self.at += 2;
                }
                ('*', Some(b'/')) => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return Ok(());
                    }
                }
                _ => {
                    self.hidden(next)?;
                    self.at += next.len_utf8();
                }
            }
        }
        Err(self.unterminated(start, "A comment without its closing */"))
    }

    fn string(&mut self) -> Result<Kind, Denial> {
        self.delimited(b'\'', "A string without its closing quote")?;
        Ok(Kind::String)
    }

    fn quoted(&mut self, close: u8, what: &str) -> Result<Kind, Denial> {
        self.delimited(close, what)?;
        Ok(Kind::Quoted)
    }

    /// From the opening quote to the closing one; doubled, it is content.
    fn delimited(&mut self, close: u8, what: &str) -> Result<(), Denial> {
        let start = self.at;
        self.at += 1;
        while let Some(next) = self.letter() {
            if next == char::from(close) {
                self.at += 1;
                if self.peek(0) != Some(close) {
                    return Ok(());
                }
            } else {
                self.hidden(next)?;
            }
            self.at += next.len_utf8();
        }
        Err(self.unterminated(start, what))
    }

    fn number(&mut self) -> Result<Kind, Denial> {
        let start = self.at;
        if self.peek(0) == Some(b'0') && matches!(self.peek(1), Some(b'x' | b'X')) {
            self.at += 2;
            self.skip(|next| next.is_ascii_hexdigit());
        } else {
            self.digits();
            if matches!(self.peek(0), Some(b'e' | b'E')) {
                self.at += 1;
                if matches!(self.peek(0), Some(b'+' | b'-')) {
                    self.at += 1;
                    // `1e--'`: a comment to one reader, minus and a string to another.
                    if !self.peek(0).is_some_and(|next| next.is_ascii_digit()) {
                        return Err(Denial::statement(
                            self.sql,
                            start,
                            "An exponent without digits",
                            "Write the digits, as in 1e-3.",
                        ));
                    }
                }
                self.skip(|next| next.is_ascii_digit());
            }
        }
        self.apart(start)
    }

    /// `$1.5`, or a column that every table of a kind has: `$node_id`.
    fn money(&mut self) -> Result<Kind, Denial> {
        let start = self.at;
        self.at += 1;
        let rest = self.sql.as_bytes().get(self.at..).unwrap_or_default();
        let letters = rest
            .iter()
            .take_while(|next| next.is_ascii_alphabetic() || **next == b'_')
            .count();
        let pseudo = self.sql.get(self.at..self.at + letters).unwrap_or_default();
        if contains(&PSEUDO_COLUMNS, pseudo) {
            self.at += letters;
            self.apart(start)?;
            return Ok(Kind::Word);
        }
        self.digits();
        self.apart(start)
    }

    fn digits(&mut self) {
        self.skip(|next| next.is_ascii_digit());
        if self.peek(0) == Some(b'.') {
            self.at += 1;
            self.skip(|next| next.is_ascii_digit());
        }
    }

    /// SQL Server reads `1DELETE` as a number and a keyword, and `1e` as a
    /// number; nobody writes so.
    fn apart(&self, start: usize) -> Result<Kind, Denial> {
        match self.letter() {
            Some(next) if next.is_alphanumeric() || matches!(next, '_' | '@' | '#' | '$') => {
                Err(Denial::statement(
                    self.sql,
                    start,
                    "A number that runs into a word",
                    "Put a space after the number.",
                ))
            }
            _ => Ok(Kind::Number),
        }
    }

    fn variable(&mut self) -> Result<Kind, Denial> {
        let start = self.at;
        let global = self.peek(1) == Some(b'@');
        self.at += if global { 2 } else { 1 };
        let name = self.at;
        self.skip(|next| next.is_ascii_alphanumeric() || matches!(next, b'_' | b'#' | b'$' | b'@'));
        if name == self.at || self.letter().is_some_and(|next| !next.is_ascii()) {
            return Err(Denial::statement(
                self.sql,
                start,
                "A variable of this name",
                "Name parameters with letters, digits and underscores.",
            ));
        }
        Ok(if global { Kind::Global } else { Kind::Variable })
    }

    fn word(&mut self) -> Result<Kind, Denial> {
        let start = self.at;
        while let Some(next) = self.letter() {
            let continues =
                self.at > start && (next.is_ascii_digit() || matches!(next, '@' | '#' | '$'));
            if !(next.is_ascii_alphabetic() || next == '_' || continues || is_foreign(next)) {
                break;
            }
            self.at += next.len_utf8();
        }
        if self.at > start {
            return Ok(Kind::Word);
        }
        Err(Denial::statement(
            self.sql,
            start,
            "A character that is neither a letter nor a mark of T-SQL",
            "Use plain spaces and ASCII marks; put other characters in a string or in brackets.",
        ))
    }

    /// Refuses control characters and line breaks that readers disagree on.
    fn hidden(&self, next: char) -> Result<(), Denial> {
        let harmless = match next {
            '\t' | '\n' => true,
            '\r' => self.peek(1) == Some(b'\n'),
            '\u{2028}' | '\u{2029}' => false,
            _ => !next.is_control(),
        };
        if harmless {
            return Ok(());
        }
        Err(Denial::statement(
            self.sql,
            self.at,
            "A control character",
            "Use plain spaces and line breaks.",
        ))
    }

    fn unterminated(&self, start: usize, what: &str) -> Denial {
        Denial::statement(
            self.sql,
            start,
            what,
            "Close it; a quote inside is doubled.",
        )
    }

    fn skip(&mut self, accept: impl Fn(u8) -> bool) {
        while self.peek(0).is_some_and(&accept) {
            self.at += 1;
        }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.sql.as_bytes().get(self.at + ahead).copied()
    }

    fn letter(&self) -> Option<char> {
        self.sql.get(self.at..)?.chars().next()
    }
}

/// Letters of other scripts that cannot be taken for ASCII ones: none that
/// folds to ASCII, and none of the look-alike blocks.
fn is_foreign(letter: char) -> bool {
    if letter.is_ascii() || !letter.is_alphabetic() {
        return false;
    }
    let look_alike = matches!(u32::from(letter),
        0xAA | 0xBA | 0x130 | 0x2100..=0x214F | 0x2460..=0x24FF | 0xFB00..=0xFB4F
        | 0xFF00..=0xFFEF | 0x1D400..=0x1D7FF | 0x1F100..=0x1F1FF);
    // ß becomes SS, two letters: no keyword hides there. ſ becomes S.
    let folds = alone_and_ascii(letter.to_lowercase()) || alone_and_ascii(letter.to_uppercase());
    !look_alike && !folds
}

fn alone_and_ascii(mut folded: impl Iterator<Item = char>) -> bool {
    matches!((folded.next(), folded.next()), (Some(only), None) if only.is_ascii())
}

/// Behind a `$`.
const PSEUDO_COLUMNS: [&str; 7] = [
    "ACTION", "EDGE_ID", "FROM_ID", "IDENTITY", "NODE_ID", "ROWGUID", "TO_ID",
];

const MAX_BYTES: usize = 64 * 1024;
const MAX_TOKENS: usize = 5_000;
