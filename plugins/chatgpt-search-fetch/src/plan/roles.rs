//! The part that each word of a question plays: which tables it names, and
//! which words are values to look for in the data.

use crate::catalogue::{Catalogue, Table};
use crate::lexicon::{fold, is_known, translation};
use crate::question::{Question, Word};

/// Who is who in a question.
#[derive(Debug)]
pub(crate) struct Roles {
    /// Tables named before any "by", best first.
    pub(crate) subjects: Vec<usize>,
    /// Tables named after it, best first.
    pub(crate) groups: Vec<usize>,
    /// Values.
    pub(crate) literals: Vec<Literal>,
}

/// A value to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Literal {
    /// As the question writes it, and as the data may: without accents, in
    /// English, in the singular.
    pub(crate) forms: Vec<String>,
}

impl Roles {
    /// Gives each word its part.
    pub(crate) fn of(question: &Question, catalogue: &Catalogue) -> Self {
        let values = || {
            question
                .words
                .iter()
                .filter(|word| is_literal(word, catalogue))
        };
        // Beside names, a word in small letters is a filler that no list has.
        let names = values().any(is_name);
        let literals = values()
            .filter(|word| !names || is_name(word))
            .map(Literal::of)
            .take(MOST_LITERALS)
            .collect();
        Self {
            subjects: named(catalogue, &question.words, false),
            groups: named(catalogue, &question.words, true),
            literals,
        }
    }

    /// Tables named anywhere in the question.
    pub(crate) fn named(&self) -> impl Iterator<Item = usize> + '_ {
        self.subjects.iter().chain(&self.groups).copied()
    }
}

impl Literal {
    fn of(word: &Word) -> Self {
        let folded = fold(&word.text);
        let mut forms = vec![word.text.clone()];
        let mut add = |form: &str| {
            if !form.is_empty() && !forms.iter().any(|known| known.eq_ignore_ascii_case(form)) {
                forms.push(form.to_owned());
            }
        };
        add(&folded);
        if let Some(english) = translation(&folded) {
            add(english);
        }
        if !word.quoted && folded.len() > 4 {
            add(folded.strip_suffix('s').unwrap_or(""));
        }
        Self { forms }
    }
}

/// Written as names are: in quotes, with a capital or a digit, or a known place.
fn is_name(word: &Word) -> bool {
    word.quoted
        || word
            .text
            .chars()
            .any(|c| c.is_uppercase() || c.is_numeric())
        || translation(&fold(&word.text)).is_some()
}

fn is_literal(word: &Word, catalogue: &Catalogue) -> bool {
    if word.text.len() > LONGEST_LITERAL {
        return false;
    }
    if word.quoted || translation(&fold(&word.text)).is_some() {
        return true;
    }
    let names_something = catalogue.tables.iter().any(|table| {
        let columns = table.columns.iter().flat_map(|column| &column.concepts);
        table
            .concepts
            .iter()
            .chain(columns)
            .any(|concept| *concept == word.concept)
    });
    !is_known(&word.concept) && !names_something
}

/// Tables by how well the words name them. Each word counts for the tables it
/// names best: "order" is Orders before it is Order Details.
fn named(catalogue: &Catalogue, words: &[Word], after_by: bool) -> Vec<usize> {
    let mut scored: Vec<(usize, f32)> = catalogue
        .tables
        .iter()
        .enumerate()
        .filter_map(|(index, table)| {
            let mut score = score(table, words, after_by)?;
            if describes_another(catalogue, table, words) {
                score -= 0.2;
            }
            // Of two tables with one name, the one that others hang on.
            let links = catalogue
                .tables
                .iter()
                .flat_map(|child| &child.parents)
                .filter(|link| link.table == index)
                .count()
                + table.parents.len();
            let tie = f32::from(u8::try_from(links.min(50)).unwrap_or(50)) / 1000.0;
            Some((index, score + tie))
        })
        .collect();
    scored.sort_by(|left, right| right.1.total_cmp(&left.1));
    scored.into_iter().map(|(index, _)| index).collect()
}

/// "product categories" are categories: the word before only describes.
fn describes_another(catalogue: &Catalogue, table: &Table, words: &[Word]) -> bool {
    let names = |concepts: &[String], word: &Word| concepts.iter().any(|concept| word.is(concept));
    words.windows(2).any(|pair| match pair {
        [word, next] => {
            next.adjacent
                && names(&table.concepts, word)
                && !names(&table.concepts, next)
                && !is_generic(&next.concept)
                && catalogue
                    .tables
                    .iter()
                    .any(|other| matches!(other.concepts.as_slice(), [own] if next.is(own)))
        }
        _ => false,
    })
}

/// Matched words × share of the name they cover; earlier in the question is
/// worth more. `None` for a table that is not named.
fn score(table: &Table, words: &[Word], after_by: bool) -> Option<f32> {
    let mut matched = 0.0_f32;
    let mut first = None;
    for concept in &table.concepts {
        let at = words
            .iter()
            .position(|word| word.after_by == after_by && word.is(concept));
        if let Some(at) = at {
            matched += if is_generic(concept) { 0.3 } else { 1.0 };
            first = Some(first.map_or(at, |first: usize| first.min(at)));
        }
    }
    let size = f32::from(u8::try_from(table.concepts.len()).ok()?);
    let position = f32::from(u8::try_from(first?.min(20)).ok()?);
    let view = if table.view { 0.6 } else { 1.0 };
    let score = matched * matched / size * view - 0.05 * position;
    (score > 0.15).then_some(score)
}

/// A word that measures or describes before it names a table.
fn is_generic(concept: &str) -> bool {
    matches!(
        concept,
        "revenue" | "detail" | "name" | "date" | "total" | "price" | "ship" | "amount" | "year"
    )
}

/// Values looked for: each is compared with every text column.
const MOST_LITERALS: usize = 8;
/// Bytes of a value: longer ones are no name, and cost time in every row.
const LONGEST_LITERAL: usize = 128;
