//! SELECT statements of every form that a reading scope may use, grown from the
//! grammar of T-SQL as lists of tokens.

mod expression;
mod query;
mod relation;
mod words;

use super::random::Random;

/// A statement that a reading scope may run, by the rules of the guard, in the
/// grammar of SQL Server 2019.
pub(super) fn statement(random: &mut Random) -> Vec<String> {
    let mut draft = Draft {
        random,
        tokens: Vec::new(),
        budget: 0,
        newer: false,
        window_name: None,
    };
    draft.budget = 4 + draft.random.below(50);
    draft.statement();
    draft.tokens
}

/// The same with what came after 2019.
pub(super) fn newer_statement(random: &mut Random) -> Vec<String> {
    let mut draft = Draft {
        random,
        tokens: Vec::new(),
        budget: 0,
        newer: true,
        window_name: None,
    };
    draft.budget = 4 + draft.random.below(30);
    draft.statement();
    draft.tokens
}

/// A statement as it grows.
struct Draft<'r> {
    random: &'r mut Random,
    tokens: Vec<String>,
    /// How much may still grow; at 0 every choice is the smallest.
    budget: usize,
    newer: bool,
    /// What the SELECT at hand says at its end: `WINDOW … AS (…)`.
    window_name: Option<String>,
}

impl Draft<'_> {
    /// Adds tokens that stand apart in `text`.
    fn put(&mut self, text: &str) {
        self.tokens.extend(text.split(' ').map(str::to_owned));
    }

    /// Adds one token, blanks and all.
    fn one(&mut self, token: &str) {
        self.tokens.push(token.to_owned());
    }

    fn put_any(&mut self, texts: &[&'static str]) {
        let text = self.random.word(texts);
        self.put(text);
    }

    /// Whether to add something optional.
    fn maybe(&mut self, percent: usize) -> bool {
        self.budget > 0 && self.random.chance(percent)
    }

    /// Takes from the budget; whether something is left.
    fn spend(&mut self) -> bool {
        let left = self.budget > 0;
        self.budget = self.budget.saturating_sub(1);
        left
    }

    /// Between `least` and `most` of what `part` writes, with commas.
    fn list(&mut self, least: usize, most: usize, mut part: impl FnMut(&mut Self)) {
        let many = if self.budget == 0 {
            least
        } else {
            least + self.random.below(most - least + 1)
        };
        for index in 0..many {
            if index > 0 {
                self.put(",");
            }
            part(self);
        }
    }

    /// `(` what `part` writes `)`
    fn enclosed(&mut self, part: impl FnOnce(&mut Self)) {
        self.put("(");
        part(self);
        self.put(")");
    }
}
