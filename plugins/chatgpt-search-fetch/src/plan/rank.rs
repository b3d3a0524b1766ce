//! Answers that are computed: the best of something, sums by something, totals.

use mssql_mcp_sdk::quote;

use crate::catalogue::{Column, Kind};
use crate::plan::lookup::shown_columns;
use crate::plan::measure::{Measure, Wanted};
use crate::plan::select::column;
use crate::plan::shapes::{date_of, filter_period, filtered};
use crate::plan::{Context, Gives, Statement, Step};

/// "top 10 customers by revenue", "empleados con más pedidos", "ventas por
/// categoría": rows of a table in the order of a measure.
pub(crate) fn rank(context: &Context<'_>) -> Option<Step> {
    let (entity, wanted) = ranked(context)?;
    let wanted = money_unless_goods(context, entity, wanted);
    let measure = wanted.resolve(
        context.catalogue,
        Some(entity),
        context.question.has("average"),
    )?;
    // The table's own number needs no sum.
    if measure.base == entity && !matches!(wanted, Wanted::Rows(_)) {
        return own_number(context, entity, wanted);
    }
    let shown = shown_columns(context, entity)?;
    let attempts = filtered(context, measure.base, entity)
        .into_iter()
        .filter_map(|mut select| {
            select.join(entity)?;
            filter_period(context, &mut select, measure.base);
            let label = quote(&measure.label);
            let (sql, params) = select.finish(
                &format!(
                    "TOP ({}) {shown}, {} AS {label}",
                    context.top(),
                    measure.expression
                ),
                &format!("GROUP BY {shown} ORDER BY {label}{}", direction(context)),
            );
            Some(Statement {
                sql,
                params,
                gives: Gives::Ranked(entity),
                says: says(context, &context.name(entity), &measure),
            })
        })
        .collect();
    Some(Step { attempts })
}

/// "sales by country", "pedidos por año": a measure for each value of a column.
pub(crate) fn group(context: &Context<'_>) -> Option<Step> {
    let words = &context.question.words;
    // "ventas mensuales" groups without a "por".
    let word = words.iter().find(|word| word.after_by).or_else(|| {
        words
            .iter()
            .find(|word| word.is("month") || word.is("year"))
    })?;
    let wanted = Wanted::of(context.question).or_else(|| {
        context
            .roles
            .subjects
            .first()
            .map(|&table| Wanted::Rows(table))
    })?;
    let subject = context.roles.subjects.first().copied();
    let average = context.question.has("average");
    let measure = wanted
        .resolve(context.catalogue, subject, average)
        .or_else(|| wanted.resolve(context.catalogue, None, average))?;
    let dimension = dimension(context, measure.base, &word.concept)?;
    let attempts = filtered(context, measure.base, measure.base)
        .into_iter()
        .filter_map(|mut select| {
            select.join(dimension.table)?;
            filter_period(context, &mut select, measure.base);
            let label = quote(&measure.label);
            let order = match dimension.chronological {
                true => dimension.groups.clone(),
                false => format!("{label}{}", direction(context)),
            };
            let (sql, params) = select.finish(
                &format!(
                    "TOP ({}) {}, {} AS {label}",
                    context.top(),
                    dimension.shown,
                    measure.expression
                ),
                &format!("GROUP BY {} ORDER BY {order}", dimension.groups),
            );
            Some(Statement {
                sql,
                params,
                gives: Gives::Aggregate,
                says: says(context, &word.text, &measure),
            })
        })
        .collect();
    Some(Step { attempts })
}

/// "total sales in 1997", "ingresos de marzo de 1997".
pub(crate) fn total(context: &Context<'_>) -> Option<Step> {
    let asked = ["total", "average", "revenue", "sold"];
    if !asked.iter().any(|concept| context.question.has(concept)) {
        return None;
    }
    // "which products were sold in 1997" asks for rows.
    if !context.roles.subjects.is_empty()
        && !context.question.has("total")
        && !context.question.has("average")
    {
        return None;
    }
    let wanted = match Wanted::of(context.question)? {
        Wanted::Quantity if !context.question.has("quantity") && !context.question.has("unit") => {
            Wanted::Revenue
        }
        other => other,
    };
    let subject = context.roles.subjects.first().copied();
    let average = context.question.has("average");
    let measure = wanted
        .resolve(context.catalogue, subject, average)
        .or_else(|| wanted.resolve(context.catalogue, None, average))?;
    let attempts = filtered(context, measure.base, measure.base)
        .into_iter()
        .map(|mut select| {
            filter_period(context, &mut select, measure.base);
            let what = format!("{} AS {}", measure.expression, quote(&measure.label));
            let (sql, params) = select.finish(&what, "HAVING COUNT(*) > 0");
            Statement {
                sql,
                params,
                gives: Gives::Aggregate,
                says: says(context, "all", &measure),
            }
        })
        .collect();
    Some(Step { attempts })
}

/// What was "sold" is counted in units for goods, and in money for those who
/// sold or bought it.
fn money_unless_goods(context: &Context<'_>, entity: usize, wanted: Wanted) -> Wanted {
    let units = ["quantity", "unit"]
        .iter()
        .any(|unit| context.question.has(unit));
    let goods = context
        .table(entity)
        .is_some_and(|table| table.concepts.iter().any(|concept| concept == "product"));
    if wanted == Wanted::Quantity && !units && !goods {
        Wanted::Revenue
    } else {
        wanted
    }
}

/// What is ranked, and by what.
fn ranked(context: &Context<'_>) -> Option<(usize, Wanted)> {
    let question = context.question;
    // "the most recent", "los más antiguos" are in order of time.
    let in_time = question.has("new") || question.has("old");
    let superlative = !in_time && (question.has("best") || question.has("worst"));
    let wanted = Wanted::of(question);
    let subject = context.roles.subjects.first().copied();
    let belongs =
        |details: usize, to: usize| details != to && context.catalogue.path(details, to).is_some();
    if let Some(&group) = context.roles.groups.first() {
        let Some(subject) = subject else {
            // "sales by employee"
            return Some((group, wanted?));
        };
        if belongs(group, subject) {
            // "customers by orders"
            return Some((subject, wanted.unwrap_or(Wanted::Rows(group))));
        }
        if belongs(subject, group) {
            // "orders by employee"
            return Some((group, wanted.unwrap_or(Wanted::Rows(subject))));
        }
    }
    let subject = subject?;
    // A word after "by" that measures: "customers by revenue".
    let by_measure = wanted.is_some()
        && question.words.iter().any(|word| word.after_by)
        && dimension_word(context).is_none();
    let counted = wanted.is_some() && question.limit.is_some();
    if !(superlative || by_measure || counted) {
        return None;
    }
    if let Some(wanted) = wanted {
        return Some((subject, wanted));
    }
    // "customers with most orders"; without a word for it, the best are those
    // that bring the most.
    let details = context.details_of(subject);
    Some((subject, details.map_or(Wanted::Revenue, Wanted::Rows)))
}

/// "orders by freight": rows in the order of their own column.
fn own_number(context: &Context<'_>, entity: usize, wanted: Wanted) -> Option<Step> {
    let concepts: &[&str] = match &wanted {
        Wanted::Number(concept) => &[concept],
        Wanted::Quantity => &["quantity"],
        Wanted::Revenue => &["total"],
        Wanted::Rows(_) => return None,
    };
    let number = context
        .table(entity)?
        .column(&[Kind::Decimal, Kind::Integer], concepts)?;
    let order = format!(
        "ORDER BY {}{}",
        column(entity, &number.name),
        direction(context)
    );
    Some(Step {
        attempts: super::shapes::whole_rows(context, entity, |_| Some(()), &order),
    })
}

struct Dimension {
    table: usize,
    shown: String,
    groups: String,
    chronological: bool,
}

/// What a word after "by" groups by: years, months, or a column of the nearest
/// table that has one called so.
fn dimension(context: &Context<'_>, base: usize, concept: &str) -> Option<Dimension> {
    let ancestors = context.catalogue.ancestors(base);
    if matches!(concept, "year" | "month") {
        let (table, date) = ancestors
            .iter()
            .find_map(|(table, _)| Some((*table, date_of(context, *table)?)))?;
        let date = column(table, &date.name);
        let (shown, groups) = if concept == "year" {
            (format!("YEAR({date}) AS [Year]"), format!("YEAR({date})"))
        } else {
            (
                format!("YEAR({date}) AS [Year], MONTH({date}) AS [Month]"),
                format!("YEAR({date}), MONTH({date})"),
            )
        };
        return Some(Dimension {
            table,
            shown,
            groups,
            chronological: true,
        });
    }
    let grouping = |column: &&Column| column.kind == Kind::Text && column.means(&[concept]);
    let (table, found) = ancestors
        .iter()
        .filter_map(|(table, path)| {
            let columns = &context.table(*table)?.columns;
            let found = columns
                .iter()
                .filter(grouping)
                .min_by_key(|c| c.concepts.len())?;
            // Sales happen where customers are, not where employees live.
            let customers = context
                .table(*table)?
                .concepts
                .iter()
                .any(|c| c == "customer");
            Some((
                (found.concepts.len(), !customers, path.len()),
                *table,
                found,
            ))
        })
        .min_by_key(|(nearness, ..)| *nearness)
        .map(|(_, table, found)| (table, found))?;
    let name = column(table, &found.name);
    Some(Dimension {
        table,
        shown: name.clone(),
        groups: name,
        chronological: false,
    })
}

/// Whether a word after "by" groups by a column or a time.
fn dimension_word(context: &Context<'_>) -> Option<()> {
    let word = context.question.words.iter().find(|word| word.after_by)?;
    let times = matches!(word.concept.as_str(), "year" | "month");
    let column = context.catalogue.tables.iter().any(|table| {
        table
            .columns
            .iter()
            .any(|column| column.kind == Kind::Text && column.means(&[&word.concept]))
    });
    (times || column).then_some(())
}

fn direction(context: &Context<'_>) -> &'static str {
    if context.question.has("worst") {
        ""
    } else {
        " DESC"
    }
}

fn says(context: &Context<'_>, of: &str, measure: &Measure) -> String {
    format!(
        "{of} by {} over {}",
        measure.label,
        context.name(measure.base)
    )
}
