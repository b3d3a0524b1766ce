//! What may be done to a statement so that it is another, or looks like another.

mod phrases;
mod words;

use super::random::Random;

/// A few changes to `tokens`; `others` gives pieces of further statements.
pub(super) fn mutate(random: &mut Random, tokens: &mut Vec<String>, others: &[Vec<String>]) {
    for _ in 0..1 + random.below(3) {
        once(random, tokens, others);
    }
}

fn once(random: &mut Random, tokens: &mut Vec<String>, others: &[Vec<String>]) {
    if tokens.is_empty() {
        tokens.push("SELECT".to_owned());
    }
    let at = random.below(tokens.len());
    match random.below(22) {
        0 | 1 => {
            tokens.remove(at);
        }
        2 => {
            let token = tokens[at].clone();
            tokens.insert(at, token);
        }
        3 => {
            let other = random.below(tokens.len());
            tokens.swap(at, other);
        }
        4..7 => tokens.insert(at, random.word(&words::RESERVED).to_owned()),
        7 => tokens[at] = random.word(&words::RESERVED).to_owned(),
        8 => tokens.insert(at, random.word(&words::OTHERS).to_owned()),
        9 => tokens.insert(at, random.word(&words::MARKS).to_owned()),
        10 | 11 => splice(tokens, at, &pieces(random.word(&phrases::STATEMENTS))),
        12 => {
            let end = tokens.len();
            splice(tokens, end, &pieces(random.word(&phrases::STATEMENTS)));
        }
        13 => {
            // In parentheses, as a table and as a value.
            let inner = format!("( {} )", random.word(&phrases::STATEMENTS));
            tokens.splice(at..=at, pieces(&inner));
        }
        14 => {
            let other = random.pick(others);
            let from = random.below(other.len());
            tokens.truncate(at);
            tokens.extend_from_slice(&other[from..]);
        }
        15 => {
            let other = random.pick(others);
            let from = random.below(other.len());
            let to = (from + 1 + random.below(12)).min(other.len());
            splice(tokens, at, &other[from..to]);
        }
        16 => {
            let end = tokens.len();
            let other = random.pick(others);
            splice(tokens, end, other);
        }
        17 => splice(tokens, at, &pieces(random.word(&phrases::PHRASES))),
        18 => {
            let end = tokens.len();
            splice(tokens, end, &pieces(random.word(&phrases::PHRASES)));
        }
        19 => within(random, &mut tokens[at]),
        20 => tokens[at] = format!("[{}]", tokens[at]),
        _ => {
            // The next token runs into this one.
            if at + 1 < tokens.len() {
                let next = tokens.remove(at + 1);
                tokens[at].push_str(&next);
            }
        }
    }
}

fn splice(tokens: &mut Vec<String>, at: usize, piece: &[String]) {
    tokens.splice(at..at, piece.iter().cloned());
}

/// Changes a letter, or puts a mark into the token.
fn within(random: &mut Random, token: &mut String) {
    let letters: Vec<char> = token.chars().collect();
    let at = random.below(letters.len() + 1);
    let (before, after) = letters.split_at(at);
    let before: String = before.iter().collect();
    let after: String = after.iter().collect();
    *token = if random.chance(25) {
        let wide = |letter: char| match letter {
            'A'..='z' => char::from_u32(u32::from(letter) + 0xFEE0).unwrap_or(letter),
            _ => letter,
        };
        before + &after.chars().map(wide).collect::<String>()
    } else {
        before + random.word(&phrases::HIDDEN) + &after
    };
}

/// The statement as text, with blanks and comments of every kind between its tokens.
pub(super) fn render(random: &mut Random, tokens: &[String]) -> String {
    let wild = random.chance(25);
    let hostile = random.chance(6);
    let mut text = String::new();
    for (index, token) in tokens.iter().enumerate() {
        if index > 0 {
            let apart = if wild && random.chance(25) {
                random.word(&phrases::BLANKS)
            } else if hostile && random.chance(15) {
                random.word(&phrases::HIDDEN)
            } else {
                " "
            };
            text.push_str(apart);
        }
        text.push_str(token);
    }
    if wild && random.chance(30) {
        text.push_str(random.word(&["--", "-- end", "/* end */", "\n", "--\n--", "/*/**/*/"]));
    }
    text
}

/// Tokens of T-SQL, as far as a mutation wants them: strings, quoted names, words,
/// numbers, comments, marks.
pub(super) fn pieces(sql: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = sql.trim_start();
    while let Some(first) = rest.chars().next() {
        let second = rest[first.len_utf8()..].chars().next();
        let length = match (first, second) {
            ('-', Some('-')) => rest.find('\n').map_or(rest.len(), |end| end + 1),
            ('/', Some('*')) => rest.find("*/").map_or(rest.len(), |end| end + 2),
            ('N' | 'n', Some('\'')) => 1 + quoted(&rest[1..], '\''),
            ('\'' | '"', _) => quoted(rest, first),
            ('[', _) => quoted(rest, ']'),
            (':', Some(':')) => 2,
            ('0'..='9', _) | ('.' | '$', Some('0'..='9')) => number(rest),
            _ if is_word(first) => rest.find(|letter| !is_word(letter)).unwrap_or(rest.len()),
            _ => first.len_utf8(),
        };
        let (token, behind) = rest.split_at(length);
        tokens.push(token.to_owned());
        rest = behind.trim_start();
    }
    tokens
}

/// How long the quoted token is; a doubled closing quote is content.
fn quoted(text: &str, close: char) -> usize {
    let mut letters = text.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        if letter == close && letters.next_if(|(_, next)| *next == close).is_none() {
            return at + close.len_utf8();
        }
    }
    text.len()
}

/// How long the number is, with what may follow `e`.
fn number(text: &str) -> usize {
    let mut before = ' ';
    text.find(|letter: char| {
        let exponent = matches!(before, 'e' | 'E') && matches!(letter, '+' | '-');
        before = letter;
        !(is_word(letter) || letter == '.' || exponent)
    })
    .unwrap_or(text.len())
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '@' | '#' | '$')
}
