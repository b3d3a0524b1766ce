//! The tokens of a statement that passed, read a second time by other rules than the
//! guard's.

/// A token and whether a blank or a comment stands before it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Atom<'a> {
    pub(crate) kind: Kind,
    pub(crate) text: &'a str,
    pub(crate) after_blank: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A keyword, a name or a number, unquoted.
    Word,
    /// A string or a quoted name.
    Quoted,
    Mark,
}

/// All of them, or nothing where a quote or a comment has no end.
pub(crate) fn atoms(sql: &str) -> Option<Vec<Atom<'_>>> {
    let mut atoms = Vec::new();
    let mut rest = sql;
    let mut after_blank = false;
    while let Some(first) = rest.chars().next() {
        let (kind, length) = if first.is_whitespace() {
            (None, first.len_utf8())
        } else if rest.starts_with("--") {
            (None, rest.find('\n').unwrap_or(rest.len()))
        } else if rest.starts_with("/*") {
            (None, comment(rest)?)
        } else {
            match first {
                '\'' | '"' => (Some(Kind::Quoted), quoted(rest, first)?),
                '[' => (Some(Kind::Quoted), quoted(rest, ']')?),
                _ if is_word(first) => {
                    let end = rest.find(|letter| !is_word(letter)).unwrap_or(rest.len());
                    (Some(Kind::Word), end)
                }
                _ => (Some(Kind::Mark), first.len_utf8()),
            }
        };
        let (text, behind) = rest.split_at_checked(length)?;
        rest = behind;
        after_blank = match kind {
            Some(kind) => {
                atoms.push(Atom {
                    kind,
                    text,
                    after_blank,
                });
                false
            }
            None => true,
        };
    }
    Some(atoms)
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '@' | '#' | '$')
}

/// How long the quoted token is; a doubled closing quote is content.
fn quoted(text: &str, close: char) -> Option<usize> {
    let mut letters = text.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        if letter == close && letters.next_if(|(_, next)| *next == close).is_none() {
            return Some(at + close.len_utf8());
        }
    }
    None
}

/// How long the comment is, with those in it.
fn comment(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = 0;
    loop {
        let rest = text.get(at..)?;
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return Some(at);
            }
        } else {
            at += rest.chars().next()?.len_utf8();
        }
    }
}
