//! What a search query asks for.

use mssql_mcp_sdk::statement::verb;

use crate::lexicon::fold;

/// A search query, understood.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command<'a> {
    /// "list tables", "listar tablas"
    ListTables,
    /// "describe T", "describir T"
    Describe(&'a str),
    /// "sample T limit N", "muestra de T límite N"
    Sample {
        /// As written.
        table: &'a str,
        /// As written; the tool caps it.
        limit: Option<u32>,
    },
    /// A statement of T-SQL.
    Sql(&'a str),
    /// Anything else.
    Words(&'a str),
}

/// Reads a query. A command's word followed by more than a table's name
/// ("sample orders from Berlin") is a question.
pub(crate) fn parse(query: &str) -> Command<'_> {
    let query = query.trim();
    let (first, rest) = split_word(query);
    let rest = rest.trim_end_matches(['.', '?', ';']).trim_end();
    match fold(first).as_str() {
        "list" | "lista" | "listar" | "show" | "mostrar" | "muestra" if names_tables(rest) => {
            return Command::ListTables;
        }
        "tables" | "tablas" if rest.is_empty() => return Command::ListTables,
        _ if asks_for_tables(query) => return Command::ListTables,
        "describe" | "desc" | "describir" | "describa" => {
            let table = without_articles(rest);
            if is_name(table) {
                return Command::Describe(table);
            }
        }
        "sample" | "muestra" | "muestrear" | "ejemplo" => {
            let (table, limit) = split_limit(without_articles(rest));
            if is_name(table) {
                return Command::Sample { table, limit };
            }
        }
        _ => {}
    }
    if verb(query).is_some() {
        Command::Sql(query)
    } else {
        Command::Words(query)
    }
}

fn names_tables(rest: &str) -> bool {
    let rest = fold(rest);
    let rest = ["all ", "the ", "todas ", "las "]
        .iter()
        .fold(rest.as_str(), |rest, word| {
            rest.strip_prefix(word).unwrap_or(rest)
        });
    matches!(rest, "tables" | "tablas" | "table" | "tabla")
}

/// "what tables are there?", "¿qué tablas hay?"
fn asks_for_tables(query: &str) -> bool {
    let mut tables = false;
    fold(query)
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .all(|word| {
            let named = matches!(word, "tables" | "tablas");
            tables |= named;
            named || ASKING.split(' ').any(|known| known == word)
        })
        && tables
}

/// Words around "tables" that ask for no one of them.
const ASKING: &str = "what which are there do does you we have can i see query search exist exists in the this \
    all available database db me give show list que cuales son las los hay existen tiene tienes \
    tenemos en la esta base de datos puedo ver consultar buscar todas disponibles dame";

fn split_word(text: &str) -> (&str, &str) {
    text.split_once(char::is_whitespace)
        .map_or((text, ""), |(word, rest)| (word, rest.trim_start()))
}

fn without_articles(mut rest: &str) -> &str {
    loop {
        let (word, after) = split_word(rest);
        let article = matches!(
            fold(word).as_str(),
            "the" | "of" | "from" | "table" | "la" | "el" | "de" | "del" | "los" | "las" | "tabla"
        );
        if !article || after.is_empty() {
            return rest;
        }
        rest = after;
    }
}

/// "Orders limit 5" → ("Orders", 5)
fn split_limit(rest: &str) -> (&str, Option<u32>) {
    let (before, last) = rest
        .rsplit_once(char::is_whitespace)
        .map_or((rest, ""), |(before, last)| (before.trim_end(), last));
    let Ok(limit) = last.parse() else {
        return (rest, None);
    };
    let (table, word) = before
        .rsplit_once(char::is_whitespace)
        .map_or((before, ""), |(table, word)| (table.trim_end(), word));
    if matches!(fold(word).as_str(), "limit" | "limite" | "top") {
        (table, Some(limit))
    } else {
        (before, Some(limit))
    }
}

/// One word, quoted parts joined by a point, or "Order Details": what
/// `db-catalog.resolve` can be asked for.
fn is_name(text: &str) -> bool {
    let quoted = text.contains('[') || text.contains('"');
    !text.is_empty() && (quoted || text.split_whitespace().count() <= 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_understood_in_both_languages() {
        for query in [
            "list tables",
            "LIST TABLES",
            "listar tablas",
            "lista las tablas",
            "tablas",
            "what tables are there?",
            "¿Qué tablas hay en la base de datos?",
        ] {
            assert_eq!(parse(query), Command::ListTables, "{query}");
        }
        for query in [
            "describe Customers",
            "describir Customers",
            "describe la tabla Customers",
        ] {
            assert_eq!(parse(query), Command::Describe("Customers"), "{query}");
        }
        for query in [
            "sample Orders limit 5",
            "muestra de Orders límite 5",
            "muestra de la tabla Orders limite 5",
        ] {
            let sample = Command::Sample {
                table: "Orders",
                limit: Some(5),
            };
            assert_eq!(parse(query), sample, "{query}");
        }
        assert_eq!(
            parse("sample [Order Details]"),
            Command::Sample {
                table: "[Order Details]",
                limit: None
            }
        );
    }

    #[test]
    fn a_statement_is_sql_and_a_sentence_is_words() {
        for sql in [
            "SELECT 1",
            "with c as (select 1 a) select * from c",
            "DROP TABLE t",
        ] {
            assert_eq!(parse(sql), Command::Sql(sql));
        }
        for words in [
            "10 mejores clientes por ingresos",
            "describe how the orders of 1997 were shipped",
            "with many orders",
            "what tables have customers?",
        ] {
            assert_eq!(parse(words), Command::Words(words));
        }
    }
}
