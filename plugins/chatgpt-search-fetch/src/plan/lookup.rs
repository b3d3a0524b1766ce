//! Rows that contain the question's words: of the table it names, or of any.

use crate::catalogue::{Column, Kind};
use crate::plan::select::{Select, column};
use crate::plan::shapes::{all_columns, filter_period, whole_rows};
use crate::plan::{Context, Gives, Statement, Step};

/// Columns with the table each belongs to.
pub(crate) type Columns<'c> = Vec<(usize, &'c Column)>;

/// Rows of the table that the question names, filtered by its words and time.
pub(crate) fn rows(context: &Context<'_>) -> Option<Step> {
    let entity = *context.roles.subjects.first()?;
    let mut attempts = Vec::new();
    if let Some(by_key) = by_number(context, entity) {
        attempts.push(by_key);
    }
    attempts.extend(whole_rows(context, entity, |_| Some(()), ""));
    if !context.roles.literals.is_empty() {
        attempts.extend(through_details(context, entity));
    }
    Some(Step { attempts })
}

/// The words in any table: those that the question names first.
pub(crate) fn anywhere(context: &Context<'_>) -> Vec<Step> {
    let mut order: Vec<usize> = context.roles.named().collect();
    for (index, table) in context.catalogue.tables.iter().enumerate() {
        if !order.contains(&index) && !table.view && !table.key.is_empty() {
            order.push(index);
        }
    }
    // All the words in one row first, then any of them.
    let mut steps = steps_over(context, &order, false);
    if context.roles.literals.len() > 1 {
        steps.extend(steps_over(context, &order, true));
    }
    steps
}

fn steps_over(context: &Context<'_>, tables: &[usize], any: bool) -> Vec<Step> {
    tables
        .iter()
        .filter_map(|&table| containing(context, table, any))
        .map(|statement| Step {
            attempts: vec![statement],
        })
        .collect()
}

/// Rows of a table with all of the words, or with any.
fn containing(context: &Context<'_>, table: usize, any: bool) -> Option<Statement> {
    let columns = own_text(context, table);
    if columns.is_empty() {
        return None;
    }
    let mut select = Select::over(context.catalogue, table)?;
    if any {
        select.find_any(&context.roles.literals, &columns);
    } else {
        select.find(&context.roles.literals, &columns);
    }
    let most = context.most.min(EACH_TABLE);
    let (sql, params) = select.finish(&format!("TOP ({most}) {}", all_columns(context, table)), "");
    Some(Statement {
        sql,
        params,
        gives: Gives::Rows(table),
        says: format!("text columns of {}", context.name(table)),
    })
}

/// Where the question's words may be, by nearness: the named tables' own text,
/// then that of each ring of tables the base belongs to.
pub(crate) fn rings<'c>(context: &'c Context<'_>, base: usize, entity: usize) -> Vec<Columns<'c>> {
    let ancestors = context.catalogue.ancestors(base);
    let named: Vec<usize> = context.roles.named().collect();
    let mut first: Columns<'c> = own_text(context, entity);
    for (table, _) in &ancestors {
        if *table != entity && named.contains(table) {
            first.extend(own_text(context, *table));
        }
    }
    let mut rings = vec![first];
    for depth in 0..=2 {
        let ring: Columns<'c> = ancestors
            .iter()
            .filter(|(table, path)| path.len() == depth && *table != entity)
            .flat_map(|(table, _)| own_text(context, *table))
            .collect();
        rings.push(ring);
    }
    rings.retain(|ring| !ring.is_empty());
    rings
}

/// Text columns of a table.
fn own_text<'c>(context: &'c Context<'_>, table: usize) -> Columns<'c> {
    context.table(table).map_or_else(Vec::new, |found| {
        found.text_columns().map(|column| (table, column)).collect()
    })
}

/// "order 10248": the row by its number.
fn by_number(context: &Context<'_>, entity: usize) -> Option<Statement> {
    let [literal] = context.roles.literals.as_slice() else {
        return None;
    };
    let number: i64 = literal.forms.first()?.parse().ok()?;
    let table = context.table(entity)?;
    let [key] = table.key.as_slice() else {
        return None;
    };
    table
        .columns
        .iter()
        .find(|column| column.name == *key && column.kind == Kind::Integer)?;
    let mut select = Select::over(context.catalogue, entity)?;
    select.filter(format!("{} = {number}", column(entity, key)));
    let (sql, params) = select.finish(&all_columns(context, entity), "");
    Some(Statement {
        sql,
        params,
        gives: Gives::Rows(entity),
        says: format!("{} by {key}", context.name(entity)),
    })
}

/// "customers who bought Chai": the words stand with something that rows of a
/// detail table connect to the entity.
fn through_details(context: &Context<'_>, entity: usize) -> Vec<Statement> {
    let mut bases: Vec<(usize, usize)> = (0..context.catalogue.tables.len())
        .filter(|base| *base != entity)
        .filter_map(|base| {
            let path = context.catalogue.path(base, entity)?;
            Some((path.len(), base))
        })
        .collect();
    bases.sort_unstable();
    bases
        .into_iter()
        .take(DETAIL_TABLES)
        .filter_map(|(_, base)| through(context, base, entity))
        .collect()
}

fn through(context: &Context<'_>, base: usize, entity: usize) -> Option<Statement> {
    let columns: Columns<'_> = context
        .catalogue
        .ancestors(base)
        .into_iter()
        .filter(|(table, path)| *table != entity && path.len() <= 1)
        .flat_map(|(table, _)| own_text(context, table))
        .collect();
    let shown = shown_columns(context, entity)?;
    if columns.is_empty() {
        return None;
    }
    let mut select = Select::over(context.catalogue, base)?;
    select.join(entity)?;
    for (table, _) in &columns {
        select.join_loosely(*table)?;
    }
    select.find(&context.roles.literals, &columns);
    filter_period(context, &mut select, base);
    let (sql, params) = select.finish(&format!("DISTINCT TOP ({}) {shown}", context.top()), "");
    Some(Statement {
        sql,
        params,
        gives: Gives::Ranked(entity),
        says: format!("{} through {}", context.name(entity), context.name(base)),
    })
}

/// Key and name of a row, comma-separated; `None` for a table without a key.
pub(crate) fn shown_columns(context: &Context<'_>, table: usize) -> Option<String> {
    let found = context.table(table)?;
    if found.key.is_empty() {
        return None;
    }
    let mut names: Vec<&str> = found.key.iter().map(String::as_str).collect();
    for label in found.label() {
        if !names.contains(&label.name.as_str()) {
            names.push(&label.name);
        }
    }
    let columns: Vec<String> = names.into_iter().map(|name| column(table, name)).collect();
    Some(columns.join(", "))
}

/// Rows of one table in a search of all.
const EACH_TABLE: u32 = 10;
/// Detail tables tried for one entity.
const DETAIL_TABLES: usize = 3;
