//! Questions with an answer of their own kind: what is late, what is cheap,
//! what is short, what is new, how many.

use mssql_mcp_sdk::quote_table;

use crate::catalogue::{Column, Kind, Table};
use crate::plan::lookup::{rings, shown_columns};
use crate::plan::measure::Wanted;
use crate::plan::select::{Select, alias, column};
use crate::plan::{Context, Gives, Statement, Step};

/// Shipped after the date it was required: "shipped late", "retrasados".
pub(crate) fn late(context: &Context<'_>) -> Option<Step> {
    if !context.question.has("late") {
        return None;
    }
    let dates = |table: &Table| {
        let shipped = table.column(&[Kind::Date], &["ship"])?.name.clone();
        let required = table.column(&[Kind::Date], &["require"])?.name.clone();
        Some((shipped, required))
    };
    let (entity, (shipped, required)) = find(context, dates)?;
    let shipped = column(entity, &shipped);
    let condition = format!("{shipped} > {}", column(entity, &required));
    step(
        context,
        entity,
        |select| {
            select.filter(condition.clone());
            Some(())
        },
        &format!("ORDER BY {shipped} DESC"),
    )
}

/// Not shipped yet: "pending", "sin enviar".
pub(crate) fn pending(context: &Context<'_>) -> Option<Step> {
    if !context.question.has("pending") {
        return None;
    }
    let (entity, shipped) = find(context, |table| {
        Some(table.column(&[Kind::Date], &["ship"])?.name.clone())
    })?;
    let condition = format!("{} IS NULL", column(entity, &shipped));
    step(
        context,
        entity,
        |select| {
            select.filter(condition.clone());
            Some(())
        },
        "",
    )
}

/// "low stock", "pocas existencias": at or below the level of reordering.
pub(crate) fn stock(context: &Context<'_>) -> Option<Step> {
    let question = context.question;
    let asked = question.has("stock") && ["low", "worst"].iter().any(|low| question.has(low));
    let none = question.has("soldout")
        || (question.has("out") && question.has("stock"))
        || question
            .words
            .iter()
            .any(|word| word.is("stock") && word.negated);
    if !asked && !none && !question.has("reorder") {
        return None;
    }
    let (entity, (stock, reorder)) = find(context, |table| {
        let stock = table.column(NUMBERS, &["stock"])?.name.clone();
        let reorder = table.column(NUMBERS, &["reorder"]);
        Some((stock, reorder.map(|column| column.name.clone())))
    })?;
    let stock = column(entity, &stock);
    let condition = if none {
        Some(format!("{stock} <= 0"))
    } else {
        reorder.map(|reorder| format!("{stock} <= {}", column(entity, &reorder)))
    };
    step(
        context,
        entity,
        |select| {
            if let Some(condition) = &condition {
                select.filter(condition.clone());
            }
            Some(())
        },
        &format!("ORDER BY {stock}"),
    )
}

/// "customers without orders", "clientes sin pedidos en 1997": no row of the
/// other table belongs to it.
pub(crate) fn without(context: &Context<'_>) -> Option<Step> {
    let missing = context.question.words.iter().find(|word| word.negated)?;
    let entity = *context.roles.subjects.first()?;
    let (details, link) = context.roles.named().find_map(|index| {
        let table = context.table(index)?;
        let named = table.concepts.iter().any(|concept| missing.is(concept));
        let link = table.parents.iter().find(|link| link.table == entity)?;
        (named && index != entity).then_some((index, link))
    })?;
    let mut conditions: Vec<String> = link
        .columns
        .iter()
        .zip(&link.referenced)
        .map(|(own, key)| format!("{} = {}", column(details, own), column(entity, key)))
        .collect();
    if let Some(date) = date_of(context, details) {
        conditions.extend(period(context, &column(details, &date.name)));
    }
    let condition = format!(
        "NOT EXISTS (SELECT 1 FROM {} AS {} WHERE {})",
        quote_table(&context.table(details)?.name),
        alias(details),
        conditions.join(" AND ")
    );
    step(
        context,
        entity,
        |select| {
            select.filter(condition.clone());
            Some(())
        },
        "",
    )
}

/// "orders over 10000", "productos de menos de 10 euros", "customers with more
/// than 30 orders".
pub(crate) fn threshold(context: &Context<'_>) -> Option<Step> {
    let limit = context.question.threshold.as_ref()?;
    let (operator, number) = (limit.operator, &limit.number);
    let entity = *context.roles.subjects.first()?;
    let wanted = Wanted::of(context.question);
    if let (None, Some(details)) = (wanted, context.details_of(entity)) {
        return counted(
            context,
            entity,
            details,
            &format!("COUNT(*) {operator} {number}"),
        );
    }
    let asked: &[&str] = match &wanted {
        Some(Wanted::Number(concept)) => &[concept],
        Some(Wanted::Quantity) => &["quantity"],
        _ => &[],
    };
    let table = context.table(entity)?;
    let found = asked
        .iter()
        .chain(&["revenue", "amount", "total", "price"])
        .find_map(|concept| table.column(NUMBERS, &[concept]))?;
    let found = column(entity, &found.name);
    let descending = if operator == ">" { " DESC" } else { "" };
    step(
        context,
        entity,
        |select| {
            select.filter(format!("{found} {operator} {number}"));
            Some(())
        },
        &format!("ORDER BY {found}{descending}"),
    )
}

/// Rows of a table by how many rows of another belong to them.
fn counted(context: &Context<'_>, entity: usize, details: usize, having: &str) -> Option<Step> {
    let shown = shown_columns(context, entity)?;
    let attempts = filtered(context, details, entity)
        .into_iter()
        .filter_map(|mut select| {
            select.join(entity)?;
            filter_period(context, &mut select, details);
            let what = format!("TOP ({}) {shown}, COUNT(*) AS [Count]", context.top());
            let tail = format!("GROUP BY {shown} HAVING {having} ORDER BY [Count] DESC");
            let (sql, params) = select.finish(&what, &tail);
            Some(Statement {
                sql,
                params,
                gives: Gives::Ranked(entity),
                says: format!(
                    "{} by rows of {}",
                    context.name(entity),
                    context.name(details)
                ),
            })
        })
        .collect();
    Some(Step { attempts })
}

/// "cheapest", "más caros", and "products by price".
pub(crate) fn extreme_price(context: &Context<'_>) -> Option<Step> {
    let question = context.question;
    let cheap = question.has("cheap");
    let by_price = question.has("price")
        && (question.has("best") || question.has("worst"))
        && context.roles.groups.is_empty();
    if !cheap && !question.has("expensive") && !by_price {
        return None;
    }
    let (entity, price) = find(context, |table| {
        Some(table.column(&[Kind::Decimal], &["price"])?.name.clone())
    })?;
    let ascending = cheap || question.has("worst");
    step(
        context,
        entity,
        |_| Some(()),
        &format!(
            "ORDER BY {}{}",
            column(entity, &price),
            if ascending { "" } else { " DESC" }
        ),
    )
}

/// "latest orders", "últimos pedidos", "oldest employees".
pub(crate) fn recent(context: &Context<'_>) -> Option<Step> {
    let newest = context.question.has("new");
    if !newest && !context.question.has("old") {
        return None;
    }
    let entity = *context.roles.subjects.first()?;
    let date = column(entity, &date_of(context, entity)?.name);
    step(
        context,
        entity,
        |_| Some(()),
        &format!("ORDER BY {date}{}", if newest { " DESC" } else { "" }),
    )
}

/// "how many orders in 1997", "cuántos clientes en Alemania".
pub(crate) fn count(context: &Context<'_>) -> Option<Step> {
    if !context.question.has("count") {
        return None;
    }
    let entity = *context.roles.subjects.first()?;
    let mut attempts = Vec::new();
    for mut select in filtered(context, entity, entity) {
        filter_period(context, &mut select, entity);
        // A zero is an answer, unless the words may stand elsewhere.
        let having = if context.roles.literals.is_empty() {
            ""
        } else {
            "HAVING COUNT(*) > 0"
        };
        let (sql, params) = select.finish("COUNT(*) AS [Count]", having);
        attempts.push(Statement {
            sql,
            params,
            gives: Gives::Aggregate,
            says: format!("number of rows in {}", context.name(entity)),
        });
    }
    Some(Step { attempts })
}

/// Statements for whole rows of a table: one for each ring of columns in which
/// the question's words may be, or one without words.
pub(crate) fn whole_rows(
    context: &Context<'_>,
    entity: usize,
    condition: impl Fn(&mut Select<'_>) -> Option<()>,
    order: &str,
) -> Vec<Statement> {
    filtered(context, entity, entity)
        .into_iter()
        .filter_map(|mut select| {
            condition(&mut select)?;
            filter_period(context, &mut select, entity);
            filter_discontinued(context, &mut select, entity);
            let what = format!("TOP ({}) {}", context.top(), all_columns(context, entity));
            let (sql, params) = select.finish(&what, order);
            Some(Statement {
                sql,
                params,
                gives: Gives::Rows(entity),
                says: format!("rows of {}", context.name(entity)),
            })
        })
        .collect()
}

/// SELECTs over `base` in which the question's words are looked for nearer and
/// then farther from `entity`; one, without a condition, when it has no words.
pub(crate) fn filtered<'c>(
    context: &'c Context<'_>,
    base: usize,
    entity: usize,
) -> Vec<Select<'c>> {
    let Some(select) = Select::over(context.catalogue, base) else {
        return Vec::new();
    };
    if context.roles.literals.is_empty() {
        return vec![select];
    }
    rings(context, base, entity)
        .into_iter()
        .filter_map(|ring| {
            let mut select = select.clone();
            for (table, _) in &ring {
                select.join_loosely(*table)?;
            }
            select.find(&context.roles.literals, &ring);
            Some(select)
        })
        .collect()
}

/// "in 1997", "en marzo de 1997": by the date of the table, or of the nearest
/// that it belongs to.
pub(crate) fn filter_period(context: &Context<'_>, select: &mut Select<'_>, base: usize) {
    if context.question.year.is_none() && context.question.days.is_none() {
        return;
    }
    for (table, _) in context.catalogue.ancestors(base) {
        let Some(date) = date_of(context, table) else {
            continue;
        };
        if select.join(table).is_none() {
            continue;
        }
        let date = column(table, &date.name);
        for condition in period(context, &date) {
            select.filter(condition);
        }
        return;
    }
}

/// Conditions that put a date into the question's time.
fn period(context: &Context<'_>, date: &str) -> Vec<String> {
    let question = context.question;
    if let Some((first, last)) = &question.days {
        return vec![
            format!("{date} >= '{first}'"),
            format!("{date} < DATEADD(day, 1, '{last}')"),
        ];
    }
    let parts = [
        ("YEAR(", question.year),
        ("MONTH(", question.month.map(u16::from)),
        ("DATEPART(quarter, ", question.quarter.map(u16::from)),
    ];
    parts
        .into_iter()
        .filter_map(|(part, value)| Some(format!("{part}{date}) = {}", value?)))
        .collect()
}

/// The date that a question about the table's rows means: the one it names
/// ("hired", "shipped"), the table's own ("OrderDate" of Orders), the first.
pub(crate) fn date_of<'c>(context: &'c Context<'_>, table: usize) -> Option<&'c Column> {
    let table = context.table(table)?;
    let dates = || {
        table
            .columns
            .iter()
            .filter(|column| column.kind == Kind::Date)
    };
    let asked = ["hire", "birth", "ship", "require"]
        .into_iter()
        .filter(|concept| context.question.has(concept))
        .find_map(|concept| table.column(&[Kind::Date], &[concept]));
    asked
        .or_else(|| {
            dates().find(|date| date.concepts.iter().any(|own| table.concepts.contains(own)))
        })
        // The oldest employees are those who came first.
        .or_else(|| dates().find(|date| !date.means(&["birth"])))
        .or_else(|| dates().next())
}

/// Every column of one table.
pub(crate) fn all_columns(context: &Context<'_>, table: usize) -> String {
    let alias = format!("{}.", alias(table));
    match context.table(table) {
        Some(table) => table.whole_rows(&alias),
        None => format!("{alias}*"),
    }
}

fn step(
    context: &Context<'_>,
    entity: usize,
    condition: impl Fn(&mut Select<'_>) -> Option<()>,
    order: &str,
) -> Option<Step> {
    Some(Step {
        attempts: whole_rows(context, entity, condition, order),
    })
}

fn filter_discontinued(context: &Context<'_>, select: &mut Select<'_>, entity: usize) {
    if !context.question.has("discontinued") {
        return;
    }
    let flag = context
        .table(entity)
        .and_then(|table| table.column(&[Kind::Other, Kind::Integer], &["discontinued"]));
    if let Some(flag) = flag {
        select.filter(format!("{} = 1", column(entity, &flag.name)));
    }
}

/// The first table that has what `of` looks for: a named one before another,
/// a table before a view.
fn find<T>(context: &Context<'_>, of: impl Fn(&Table) -> Option<T>) -> Option<(usize, T)> {
    let mut order: Vec<usize> = context.roles.named().collect();
    order.extend(0..context.catalogue.tables.len());
    let (views, tables): (Vec<usize>, Vec<usize>) = order
        .into_iter()
        .partition(|&index| context.table(index).is_some_and(|table| table.view));
    tables
        .into_iter()
        .chain(views)
        .find_map(|index| Some((index, of(context.table(index)?)?)))
}

const NUMBERS: &[Kind] = &[Kind::Integer, Kind::Decimal];
