//! A question in words: what it counts, when, how many, and what else it says.

use crate::lexicon::{concept, fold, is_stop_word, month, number};

/// A question, taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Question {
    /// The words that mean something, in order.
    pub(crate) words: Vec<Word>,
    /// "top 10", "10 mejores"
    pub(crate) limit: Option<u32>,
    /// "in 1997"
    pub(crate) year: Option<u16>,
    /// "en marzo de 1997"
    pub(crate) month: Option<u8>,
}

/// A word of the question.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// As written.
    pub(crate) text: String,
    /// See [`concept`].
    pub(crate) concept: String,
    /// After "by", "por", "per": says how to measure or to group.
    pub(crate) after_by: bool,
    /// Stands right behind the word before it: "product categories".
    pub(crate) adjacent: bool,
    /// In quotes: looked for in the data as it stands.
    pub(crate) quoted: bool,
}

impl Question {
    /// Takes a question apart.
    pub(crate) fn parse(text: &str) -> Self {
        let mut question = Self::default();
        let mut after_by = false;
        let mut adjacent = false;
        let mut negated = false;
        for (token, quoted) in tokens(text) {
            let folded = fold(token);
            if quoted {
                question.push(token, &folded, after_by, adjacent, true);
                continue;
            }
            let follows = std::mem::replace(&mut adjacent, false);
            if matches!(folded.as_str(), "by" | "por" | "per" | "segun") {
                after_by = true;
                continue;
            }
            if matches!(folded.as_str(), "not" | "sin" | "no" | "without") {
                negated = true;
                continue;
            }
            // Where a phrase begins that says neither measure nor group.
            if matches!(
                folded.as_str(),
                "in" | "en" | "during" | "durante" | "from" | "to" | "a"
            ) {
                after_by = false;
            }
            if question.take_number(&folded) || is_stop_word(&folded) {
                continue;
            }
            question.push(token, &folded, after_by, follows, false);
            adjacent = true;
            if std::mem::take(&mut negated) {
                question.negate_last();
            }
        }
        // "may" is a month only beside a year, and "march" a verb otherwise.
        if question.year.is_none() {
            question.month = None;
        }
        question.join_places();
        question
    }

    /// Whether one of the words has this concept.
    pub(crate) fn has(&self, concept: &str) -> bool {
        self.words.iter().any(|word| word.is(concept))
    }

    fn push(&mut self, token: &str, folded: &str, after_by: bool, adjacent: bool, quoted: bool) {
        self.words.push(Word {
            text: token.to_owned(),
            concept: concept(folded),
            after_by,
            adjacent,
            quoted,
        });
    }

    /// "not shipped", "sin enviar"
    fn negate_last(&mut self) {
        if let Some(last) = self.words.last_mut().filter(|word| word.is("ship")) {
            "pending".clone_into(&mut last.concept);
        }
    }

    fn take_number(&mut self, folded: &str) -> bool {
        if let Some(month) = month(folded) {
            self.month = Some(month);
            return true;
        }
        let digits = folded.parse::<u32>().ok();
        match digits {
            Some(year) if folded.len() == 4 && (1900..2100).contains(&year) => {
                self.year = u16::try_from(year).ok();
                true
            }
            Some(limit) if (1..=1000).contains(&limit) && self.limit.is_none() => {
                self.limit = Some(limit);
                true
            }
            _ => match number(folded) {
                Some(limit) if self.limit.is_none() => {
                    self.limit = Some(limit);
                    true
                }
                _ => false,
            },
        }
    }

    /// "Reino Unido" is one place.
    fn join_places(&mut self) {
        let mut joined: Vec<Word> = Vec::with_capacity(self.words.len());
        for word in self.words.drain(..) {
            if let Some(last) = joined.last_mut() {
                let both = format!("{} {}", last.text, word.text);
                if crate::lexicon::translation(&fold(&both)).is_some() {
                    last.concept = fold(&both);
                    last.text = both;
                    continue;
                }
            }
            joined.push(word);
        }
        self.words = joined;
    }
}

impl Word {
    /// Whether this is the word's concept, and not a quotation of it.
    pub(crate) fn is(&self, concept: &str) -> bool {
        !self.quoted && self.concept == concept
    }
}

/// Words and quoted phrases (true); punctuation inside a word stays in it.
fn tokens(text: &str) -> Vec<(&str, bool)> {
    let mut tokens = Vec::new();
    for (at, part) in text.split(['"', '“', '”', '«', '»']).enumerate() {
        if at % 2 == 1 {
            let phrase = part.trim();
            if !phrase.is_empty() {
                tokens.push((phrase, true));
            }
            continue;
        }
        tokens.extend(
            part.split(|character: char| {
                !(character.is_alphanumeric()
                    || matches!(character, '\'' | '.' | '@' | '&' | '_' | '-'))
            })
            .flat_map(|word| {
                // "best-selling" is two words; a code such as A-17 is one.
                let compound = word
                    .split('-')
                    .all(|half| half.chars().all(char::is_alphabetic));
                let parts: Vec<&str> = if compound {
                    word.split('-').collect()
                } else {
                    vec![word]
                };
                parts
            })
            .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
            .filter(|word| !word.is_empty())
            .map(|word| (word, false)),
        );
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    fn concepts(text: &str) -> Vec<String> {
        Question::parse(text)
            .words
            .into_iter()
            .map(|word| word.concept)
            .collect()
    }

    #[test]
    fn numbers_years_and_months_are_told_apart() {
        let question = Question::parse("5 mejores clientes en marzo de 1997");
        assert_eq!(question.limit, Some(5));
        assert_eq!(question.year, Some(1997));
        assert_eq!(question.month, Some(3));
        assert_eq!(
            concepts("5 mejores clientes en marzo de 1997"),
            ["best", "customer"]
        );
    }

    #[test]
    fn both_languages_come_to_the_same_words() {
        assert_eq!(
            concepts("top 10 customers by revenue"),
            concepts("10 mejores clientes por ingresos")
        );
    }

    #[test]
    fn what_follows_by_ends_where_a_place_or_time_begins() {
        let question = Question::parse("ventas por país en Alemania");
        let after: Vec<_> = question.words.iter().map(|word| word.after_by).collect();
        assert_eq!(after, [false, true, false]);
    }

    #[test]
    fn quotations_and_two_word_places_stay_together() {
        let question = Question::parse("orders of \"Around the Horn\" in Reino Unido");
        let words: Vec<_> = question
            .words
            .iter()
            .map(|word| word.text.as_str())
            .collect();
        assert_eq!(words, ["orders", "Around the Horn", "Reino Unido"]);
    }
}
