//! What "best" is measured by: an expression over a table of details that
//! belong to what is ranked.

use crate::catalogue::{Catalogue, Kind};
use crate::plan::select::column;
use crate::question::Question;

/// A measure over the rows of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Measure {
    /// The table whose rows are summed up.
    pub(crate) base: usize,
    /// The aggregate, in T-SQL.
    pub(crate) expression: String,
    /// What it is called in results.
    pub(crate) label: String,
}

/// How the question measures, before it is known over which table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Money made: price × quantity of details, or an amount.
    Revenue,
    /// Units.
    Quantity,
    /// Rows of a table.
    Rows(usize),
    /// Another number, by its concept.
    Number(&'static str),
}

impl Wanted {
    /// What the question's words ask for, if they do.
    pub(crate) fn of(question: &Question) -> Option<Self> {
        if ["quantity", "unit"].iter().any(|unit| question.has(unit)) {
            return Some(Self::Quantity);
        }
        if let Some(number) = NUMBERS.iter().find(|number| question.has(number)) {
            return Some(Self::Number(number));
        }
        if question.has("revenue") || question.has("amount") || question.has("bought") {
            return Some(Self::Revenue);
        }
        question.has("sold").then_some(Self::Quantity)
    }

    /// Over the table nearest to `of` for which `of` is an ancestor; over any
    /// table without `of`.
    pub(crate) fn resolve(
        self,
        catalogue: &Catalogue,
        of: Option<usize>,
        average: bool,
    ) -> Option<Measure> {
        let mut best: Option<((u8, usize), Measure)> = None;
        for (base, table) in catalogue.tables.iter().enumerate() {
            if table.view {
                continue;
            }
            let distance = match of {
                Some(of) => match catalogue.path(base, of) {
                    Some(path) => path.len(),
                    None => continue,
                },
                // Details with the most context come first.
                None => 100 - catalogue.ancestors(base).len().min(100),
            };
            let Some((rank, measure)) = self.over(catalogue, base, average) else {
                continue;
            };
            // The average of orders is over orders, not over their lines.
            let own = average && distance == 0;
            let order = (if own { 0 } else { rank + 1 }, distance);
            if best.as_ref().is_none_or(|(least, _)| order < *least) {
                best = Some((order, measure));
            }
        }
        best.map(|(_, measure)| measure)
    }

    /// The measure over one table, and how good a measure it is (0 is best).
    fn over(self, catalogue: &Catalogue, base: usize, average: bool) -> Option<(u8, Measure)> {
        let table = catalogue.tables.get(base)?;
        let aggregate = if average { "AVG" } else { "SUM" };
        let numbers = &[Kind::Decimal, Kind::Integer];
        let quantity = table.column(numbers, &["quantity"]);
        let measure = |expression: String, label: &str| Measure {
            base,
            expression,
            label: label.to_owned(),
        };
        match self {
            Self::Rows(counted) => {
                (counted == base).then(|| (0, measure("COUNT(*)".to_owned(), "Count")))
            }
            Self::Quantity => quantity.map(|quantity| {
                let sum = format!("{aggregate}({})", column(base, &quantity.name));
                (0, measure(sum, "Quantity"))
            }),
            Self::Number(concept) => table.column(numbers, &[concept]).map(|number| {
                // Prices do not add up.
                let aggregate = if concept == "price" { "AVG" } else { aggregate };
                let sum = format!("{aggregate}({})", column(base, &number.name));
                (0, measure(sum, &number.name))
            }),
            Self::Revenue => {
                let price = table.column(&[Kind::Decimal], &["price"]);
                if let (Some(price), Some(quantity)) = (price, quantity) {
                    // As decimal before it is multiplied: money keeps four
                    // digits of a product and overflows sooner.
                    let sum = format!(
                        "{aggregate}(CAST({} AS decimal(19,4)) * {})",
                        column(base, &price.name),
                        column(base, &quantity.name)
                    );
                    return Some((0, measure(sum, "Revenue")));
                }
                let amount = ["revenue", "amount", "total"]
                    .iter()
                    .find_map(|concept| table.column(&[Kind::Decimal], &[concept]))?;
                let sum = format!("{aggregate}({})", column(base, &amount.name));
                Some((1, measure(sum, "Revenue")))
            }
        }
    }
}

/// Numbers that a question names by themselves.
const NUMBERS: [&str; 5] = ["freight", "discount", "cost", "price", "stock"];
