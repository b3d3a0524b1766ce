//! From a question and the catalogue to statements. Nothing here runs them.

mod lookup;
mod measure;
mod rank;
mod roles;
mod select;
mod shapes;

#[cfg(test)]
mod tests;

use crate::catalogue::Catalogue;
use crate::plan::roles::Roles;
use crate::question::Question;

/// What to run for a question, and which tables it names.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// In order: what answers best comes first.
    pub(crate) steps: Vec<Step>,
    /// Tables named in the question, best first, then those with columns that
    /// it names.
    pub(crate) tables: Vec<usize>,
    /// The question is about tables, not about rows.
    pub(crate) about_tables: bool,
}

/// Ways to one answer: the first that finds rows ends the step.
#[derive(Debug, Default)]
pub(crate) struct Step {
    pub(crate) attempts: Vec<Statement>,
}

/// A statement and what to make of its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) sql: String,
    /// All of them text.
    pub(crate) params: Vec<(String, String)>,
    pub(crate) gives: Gives,
    /// For the list of what was searched.
    pub(crate) says: String,
}

/// What a row is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Gives {
    /// A whole row of the table.
    Rows(usize),
    /// A row of the table, with other columns than its own.
    Ranked(usize),
    /// A row without a key.
    Aggregate,
}

/// A question with what is known about it.
struct Context<'c> {
    question: &'c Question,
    roles: Roles,
    catalogue: &'c Catalogue,
    most: u32,
}

/// Plans the answers to a question, none longer than `most` rows.
pub(crate) fn plan(question: &Question, catalogue: &Catalogue, most: u32) -> Plan {
    let context = Context {
        roles: Roles::of(question, catalogue),
        question,
        catalogue,
        most,
    };
    // A question is mostly of one shape; the first that fits answers it.
    let shaped = shapes::late(&context)
        .or_else(|| shapes::pending(&context))
        .or_else(|| shapes::stock(&context))
        .or_else(|| shapes::without(&context))
        .or_else(|| shapes::threshold(&context))
        .or_else(|| shapes::extreme_price(&context))
        .or_else(|| rank::rank(&context))
        .or_else(|| rank::group(&context))
        .or_else(|| shapes::count(&context))
        .or_else(|| rank::total(&context))
        .or_else(|| shapes::recent(&context))
        .or_else(|| lookup::rows(&context));
    let mut tables: Vec<usize> = Vec::new();
    for table in context.roles.named() {
        if !tables.contains(&table) {
            tables.push(table);
        }
    }
    let mut steps: Vec<Step> = shaped.into_iter().collect();
    if !context.roles.literals.is_empty() {
        steps.extend(lookup::anywhere(&context));
    }
    for (index, table) in catalogue.tables.iter().enumerate() {
        let described = table.columns.iter().any(|column| {
            question
                .words
                .iter()
                .any(|word| !word.quoted && column.concepts.contains(&word.concept))
        });
        if described && !tables.contains(&index) {
            tables.push(index);
        }
    }
    steps.retain(|step| !step.attempts.is_empty());
    Plan {
        steps,
        tables,
        about_tables: question.has("table")
            || (context.roles.literals.is_empty()
                && question.year.is_none()
                && question.days.is_none()
                && question.threshold.is_none()
                && question.words.len() == 1),
    }
}

impl Context<'_> {
    /// How many rows to ask for.
    fn top(&self) -> u32 {
        self.question.limit.unwrap_or(self.most).clamp(1, self.most)
    }

    fn table(&self, index: usize) -> Option<&crate::catalogue::Table> {
        self.catalogue.tables.get(index)
    }

    /// The table of details that the question names besides the entity:
    /// "customers with most orders" names Orders, and "largest orders" no Order
    /// Details.
    fn details_of(&self, entity: usize) -> Option<usize> {
        let own = &self.table(entity)?.concepts;
        self.roles.named().find(|&index| {
            let apart = self.table(index).is_some_and(|table| {
                self.question.words.iter().any(|word| {
                    let names =
                        |concepts: &[String]| concepts.iter().any(|concept| word.is(concept));
                    names(&table.concepts) && !names(own)
                })
            });
            apart && index != entity && self.catalogue.path(index, entity).is_some()
        })
    }

    fn name(&self, index: usize) -> String {
        self.table(index).map_or_else(String::new, |table| {
            format!("{}.{}", table.name.schema, table.name.name)
        })
    }
}
