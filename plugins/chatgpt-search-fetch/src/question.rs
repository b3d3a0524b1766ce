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
    /// "first quarter of 1997", "Q1 1997"
    pub(crate) quarter: Option<u8>,
    /// "between 1997-01-01 and 1997-01-31": first and last day, as yyyymmdd.
    pub(crate) days: Option<(String, String)>,
    /// "over 10000", "de menos de 10"
    pub(crate) threshold: Option<Threshold>,
}

/// A number that something must be above or below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Threshold {
    /// `>` or `<`.
    pub(crate) operator: &'static str,
    /// Digits, with a point at most.
    pub(crate) number: String,
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
    /// Behind "without", "sin", "not": what there must be none of.
    pub(crate) negated: bool,
}

impl Question {
    /// Takes a question apart.
    pub(crate) fn parse(text: &str) -> Self {
        let mut question = Self::default();
        let mut after_by = false;
        let mut adjacent = false;
        let mut negated = false;
        let text = without_thousands(text);
        let tokens = tokens(&text);
        let mut next = 0;
        while let Some(&(token, quoted)) = tokens.get(next) {
            next += 1;
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
            if matches!(
                folded.as_str(),
                "not" | "sin" | "no" | "without" | "never" | "nunca"
            ) {
                negated = true;
                continue;
            }
            let behind = tokens.get(next..).unwrap_or_default();
            if let Some(taken) = question.take_threshold(&folded, behind) {
                next += taken;
                continue;
            }
            if let Some(taken) = question.take_quarter(&folded, behind) {
                next += taken;
                continue;
            }
            // Where a phrase begins that says neither measure nor group.
            if matches!(
                folded.as_str(),
                "in" | "en" | "during" | "durante" | "from" | "to" | "a"
            ) {
                after_by = false;
            }
            if question.take_day(&folded) || question.take_number(&folded) || is_stop_word(&folded)
            {
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
            question.quarter = None;
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
            negated: false,
        });
    }

    /// "not shipped", "sin enviar"
    fn negate_last(&mut self) {
        let Some(last) = self.words.last_mut() else {
            return;
        };
        if last.is("ship") {
            "pending".clone_into(&mut last.concept);
        } else {
            last.negated = true;
        }
    }

    /// "over 100", "more than 100", "menos de 100"; gives how many more tokens
    /// it took.
    fn take_threshold(&mut self, folded: &str, behind: &[(&str, bool)]) -> Option<usize> {
        let operator = match folded {
            "over" | "above" | "exceeding" | "more" | "greater" | "higher" | "mas" | "mayor"
            | "mayores" | "superior" | "superiores" | "encima" => ">",
            "under" | "below" | "less" | "fewer" | "lower" | "cheaper" | "menos" | "menor"
            | "menores" | "inferior" | "inferiores" | "debajo" => "<",
            _ => return None,
        };
        let filler = |word: &str| {
            matches!(
                fold(word).as_str(),
                "than" | "de" | "que" | "a" | "of" | "los"
            )
        };
        let at = behind.iter().position(|(word, _)| !filler(word))?;
        let (number, quoted) = behind.get(at)?;
        let plain = number.parse::<f64>().is_ok()
            && number
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'.')
            && number.len() <= 18;
        if *quoted || !plain || self.threshold.is_some() {
            return None;
        }
        self.threshold = Some(Threshold {
            operator,
            number: (*number).to_owned(),
        });
        Some(at + 1)
    }

    /// "Q1", "first quarter", "primer trimestre"; gives how many more tokens it
    /// took.
    fn take_quarter(&mut self, folded: &str, behind: &[(&str, bool)]) -> Option<usize> {
        let (quarter, taken) = match folded {
            "q1" => (1, 0),
            "q2" => (2, 0),
            "q3" => (3, 0),
            "q4" => (4, 0),
            "first" | "1st" | "primer" | "1er" => (1, 1),
            "second" | "2nd" | "segundo" => (2, 1),
            "third" | "3rd" | "tercer" => (3, 1),
            "fourth" | "4th" | "last" | "cuarto" | "ultimo" => (4, 1),
            _ => return None,
        };
        if taken == 1 {
            let (word, _) = behind.first()?;
            matches!(fold(word).as_str(), "quarter" | "trimestre").then_some(())?;
        }
        self.quarter = Some(quarter);
        Some(taken)
    }

    /// "1997-01-31"
    fn take_day(&mut self, folded: &str) -> bool {
        let parts: Vec<&str> = folded.split('-').collect();
        let [year, month, day] = parts.as_slice() else {
            return false;
        };
        let digits = |text: &str, length: usize| {
            text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        if !(digits(year, 4) && digits(month, 2) && digits(day, 2)) {
            return false;
        }
        let found = format!("{year}{month}{day}");
        self.days = Some(match self.days.take() {
            Some((first, _)) if found < first => (found, first),
            Some((first, _)) => (first, found),
            None => (found.clone(), found),
        });
        true
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

/// "10,000" is one number.
fn without_thousands(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let digit = |at: Option<usize>| {
        at.and_then(|at| characters.get(at))
            .is_some_and(char::is_ascii_digit)
    };
    characters
        .iter()
        .enumerate()
        .filter(|(at, character)| {
            let grouped = digit(at.checked_sub(1))
                && (1..=3).all(|ahead| digit(Some(at + ahead)))
                && !digit(Some(at + 4));
            **character != ',' || !grouped
        })
        .map(|(_, character)| character)
        .collect()
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
    fn a_number_behind_a_comparison_is_a_threshold_and_no_limit() {
        for (text, operator, number) in [
            ("orders over $10,000", ">", "10000"),
            ("pedidos de más de 10000 euros", ">", "10000"),
            ("products priced under 10.5", "<", "10.5"),
            ("productos de menos de 10", "<", "10"),
        ] {
            let question = Question::parse(text);
            let threshold = question.threshold.unwrap();
            assert_eq!(
                (threshold.operator, threshold.number.as_str()),
                (operator, number)
            );
            assert_eq!(question.limit, None, "{text}");
        }
        assert_eq!(
            Question::parse("los 5 clientes con más pedidos").threshold,
            None
        );
    }

    #[test]
    fn days_and_quarters_are_times() {
        let question = Question::parse("orders between 1997-01-31 and 1997-01-01");
        assert_eq!(question.days, Some(("19970101".into(), "19970131".into())));
        for text in ["Q2 1997 orders", "pedidos del segundo trimestre de 1997"] {
            let question = Question::parse(text);
            assert_eq!(
                (question.year, question.quarter),
                (Some(1997), Some(2)),
                "{text}"
            );
            assert_eq!(question.words.len(), 1, "{text}");
        }
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
