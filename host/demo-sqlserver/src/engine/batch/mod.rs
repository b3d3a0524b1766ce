//! A batch as statements: sqlparser reads queries and changes, the small
//! statements that it does not know are read here.

mod exec;

use sqlparser::ast::{Expr, Query, Statement as Ast};
use sqlparser::dialect::MsSqlDialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, Word};

pub(crate) use self::exec::Exec;
use super::dialect::TSql;
use super::error::{Result, error, syntax, unsupported};
use crate::value::{SqlError, SqlType};

/// One statement and the line it begins on.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) line: u32,
    pub(crate) kind: Kind,
}

/// What a statement does.
#[derive(Debug)]
pub(crate) enum Kind {
    /// A query or change.
    Sql(Box<Ast>),
    /// SET ROWCOUNT
    RowCount(Expr),
    /// SET NOCOUNT
    NoCount(bool),
    /// SET IMPLICIT_TRANSACTIONS
    Implicit(bool),
    /// Any other SET, USE: accepted, without effect here.
    Accepted,
    /// USE name
    Use(String),
    /// DECLARE: name, type, first value.
    Declare(Vec<(String, SqlType, Option<Expr>)>),
    /// SET @x =
    Assign(String, Expr),
    Begin,
    Commit,
    Rollback(Option<String>),
    Save(String),
    Print(Expr),
    /// RAISERROR or THROW: number, message, severity, state.
    Raise(i32, Box<[Expr; 3]>),
    /// WAITFOR DELAY
    Wait(Expr),
    /// EXEC name with named or positional arguments.
    Exec(Box<Exec>),
    /// IF … ELSE …
    If(Expr, Vec<Statement>, Vec<Statement>),
    /// RETURN
    Return,
}

/// The statements of a batch, and its OPTION (MAXRECURSION n).
pub(crate) fn parse(sql: &str) -> Result<(Vec<Statement>, Option<u32>)> {
    let dialect = TSql(MsSqlDialect {});
    let mut tokens = Tokenizer::new(&dialect, sql)
        .tokenize_with_location()
        .map_err(|e| match e.message.as_str() {
            m if m.contains("Unterminated string") => {
                error(105, "Unclosed quotation mark after the character string.")
            }
            m => SqlError {
                severity: 15,
                line: u32::try_from(e.location.line).unwrap_or(1),
                ..error(102, format!("Incorrect syntax: {m}."))
            },
        })?;
    let recursion = cut_options(&mut tokens);
    let mut parser = Parser::new(&dialect)
        .with_recursion_limit(RECURSION)
        .with_tokens_with_locations(tokens);
    let mut statements = Vec::new();
    loop {
        while parser.consume_token(&Token::SemiColon) {}
        if parser.peek_token_ref().token == Token::EOF {
            return Ok((statements, recursion));
        }
        statements.push(statement(&mut parser)?);
    }
}

/// One expression.
pub(crate) fn parse_expression(text: &str) -> Result<Expr> {
    let dialect = TSql(MsSqlDialect {});
    let mut parser = Parser::new(&dialect)
        .try_with_sql(text)
        .map_err(|e| failure(&e, None))?;
    parser.parse_expr().map_err(|e| failure(&e, Some(&parser)))
}

/// One query: the definition of a view.
pub(crate) fn parse_query(text: &str) -> Result<Query> {
    let dialect = TSql(MsSqlDialect {});
    let mut parser = Parser::new(&dialect)
        .try_with_sql(text)
        .map_err(|e| failure(&e, None))?;
    parser
        .parse_query()
        .map(|q| *q)
        .map_err(|e| failure(&e, Some(&parser)))
}

fn statement(parser: &mut Parser<'_>) -> Result<Statement> {
    let line = u32::try_from(parser.peek_token_ref().span.start.line).unwrap_or(1);
    let at = |e: SqlError| {
        if e.line <= 1 {
            SqlError { line, ..e }
        } else {
            e
        }
    };
    Ok(Statement {
        line,
        kind: kind(parser).map_err(at)?,
    })
}

fn kind(parser: &mut Parser<'_>) -> Result<Kind> {
    match word(parser, 0).as_str() {
        "SET" => {
            parser.advance_token();
            set(parser)
        }
        "USE" => {
            parser.advance_token();
            Ok(Kind::Use(take_word(parser)?))
        }
        "DECLARE" => {
            parser.advance_token();
            declare(parser)
        }
        "BEGIN" if matches!(word(parser, 1).as_str(), "TRAN" | "TRANSACTION") => {
            parser.advance_token();
            transaction_name(parser);
            Ok(Kind::Begin)
        }
        "COMMIT" => {
            parser.advance_token();
            optional_transaction(parser);
            Ok(Kind::Commit)
        }
        "ROLLBACK" => {
            parser.advance_token();
            Ok(Kind::Rollback(optional_transaction(parser)))
        }
        "SAVE" => {
            parser.advance_token();
            optional_transaction(parser)
                .map(Kind::Save)
                .ok_or_else(|| syntax("SAVE"))
        }
        "PRINT" => {
            parser.advance_token();
            expr(parser).map(Kind::Print)
        }
        "RAISERROR" => {
            parser.advance_token();
            let Expr::Tuple(list) = expr(parser)? else {
                return Err(syntax("RAISERROR"));
            };
            if word(parser, 0) == "WITH" {
                parser.advance_token();
                parser.advance_token();
            }
            match list.as_slice() {
                [message, severity, state] => Ok(Kind::Raise(
                    50_000,
                    Box::new([message.clone(), severity.clone(), state.clone()]),
                )),
                _ => Err(unsupported("RAISERROR with arguments")),
            }
        }
        "THROW" => {
            parser.advance_token();
            let number = expr(parser)?
                .to_string()
                .parse()
                .map_err(|_| syntax("THROW"))?;
            comma(parser)?;
            let message = expr(parser)?;
            comma(parser)?;
            let state = expr(parser)?;
            Ok(Kind::Raise(
                number,
                Box::new([
                    message,
                    Expr::value(sqlparser::ast::Value::Number("16".into(), false)),
                    state,
                ]),
            ))
        }
        "WAITFOR" => {
            parser.advance_token();
            if word(parser, 0) != "DELAY" {
                return Err(unsupported("WAITFOR other than DELAY"));
            }
            parser.advance_token();
            expr(parser).map(Kind::Wait)
        }
        "EXEC" | "EXECUTE" => {
            parser.advance_token();
            exec::parse(parser)
        }
        "RETURN" => {
            parser.advance_token();
            Ok(Kind::Return)
        }
        "IF" => {
            parser.advance_token();
            let condition = expr(parser)?;
            let then = block(parser)?;
            while parser.peek_token_ref().token == Token::SemiColon && word(parser, 1) == "ELSE" {
                parser.advance_token();
            }
            let otherwise = if word(parser, 0) == "ELSE" {
                parser.advance_token();
                block(parser)?
            } else {
                Vec::new()
            };
            Ok(Kind::If(condition, then, otherwise))
        }
        "DELETE"
            if !matches!(word(parser, 1).as_str(), "FROM" | "TOP") && word(parser, 2) != "FROM" =>
        {
            // DELETE t WHERE …: FROM is optional in T-SQL alone.
            Err(unsupported("DELETE without FROM"))
        }
        "CREATE" | "ALTER" | "DROP" | "TRUNCATE" | "GRANT" | "REVOKE" | "DENY" | "BACKUP"
        | "RESTORE" | "DBCC" | "KILL" | "SHUTDOWN" | "MERGE" | "WHILE" | "BULK" | "RECONFIGURE"
        | "CHECKPOINT" => Err(unsupported(format_args!("{} statements", word(parser, 0)))),
        _ => match parser.parse_statement() {
            Ok(ast @ (Ast::Query(_) | Ast::Insert(_) | Ast::Update(_) | Ast::Delete(_))) => {
                Ok(Kind::Sql(Box::new(ast)))
            }
            Ok(other) => Err(unsupported(format_args!(
                "{} statements",
                other
                    .to_string()
                    .split_whitespace()
                    .next()
                    .unwrap_or_default()
            ))),
            Err(e) => Err(failure(&e, Some(parser))),
        },
    }
}

fn block(parser: &mut Parser<'_>) -> Result<Vec<Statement>> {
    if word(parser, 0) != "BEGIN" || matches!(word(parser, 1).as_str(), "TRAN" | "TRANSACTION") {
        return Ok(vec![statement(parser)?]);
    }
    parser.advance_token();
    let mut statements = Vec::new();
    loop {
        while parser.consume_token(&Token::SemiColon) {}
        if word(parser, 0) == "END" {
            parser.advance_token();
            return Ok(statements);
        }
        if parser.peek_token_ref().token == Token::EOF {
            return Err(syntax("BEGIN"));
        }
        statements.push(statement(parser)?);
    }
}

fn set(parser: &mut Parser<'_>) -> Result<Kind> {
    let name = take_word(parser)?;
    if name.starts_with('@') {
        parser
            .expect_token(&Token::Eq)
            .map_err(|e| failure(&e, Some(parser)))?;
        return Ok(Kind::Assign(name, expr(parser)?));
    }
    let upper = name.to_ascii_uppercase();
    match upper.as_str() {
        "ROWCOUNT" => return expr(parser).map(Kind::RowCount),
        "TRANSACTION" => {
            while matches!(
                word(parser, 0).as_str(),
                "ISOLATION"
                    | "LEVEL"
                    | "READ"
                    | "COMMITTED"
                    | "UNCOMMITTED"
                    | "REPEATABLE"
                    | "SNAPSHOT"
                    | "SERIALIZABLE"
            ) {
                parser.advance_token();
            }
            return Ok(Kind::Accepted);
        }
        "TEXTSIZE"
        | "LOCK_TIMEOUT"
        | "DATEFIRST"
        | "DATEFORMAT"
        | "LANGUAGE"
        | "DEADLOCK_PRIORITY"
        | "CONTEXT_INFO"
        | "QUERY_GOVERNOR_COST_LIMIT" => {
            let value = expr(parser)?.to_string();
            let changes_meaning = match upper.as_str() {
                "DATEFIRST" => value != "7",
                "DATEFORMAT" => !value.eq_ignore_ascii_case("mdy"),
                "LANGUAGE" => !value.trim_matches('\'').eq_ignore_ascii_case("us_english"),
                _ => false,
            };
            return if changes_meaning {
                Err(unsupported(format_args!("SET {upper} {value}")))
            } else {
                Ok(Kind::Accepted)
            };
        }
        "IDENTITY_INSERT" => return Err(unsupported("SET IDENTITY_INSERT")),
        _ => {}
    }
    while parser.consume_token(&Token::Comma) {
        take_word(parser)?;
    }
    if upper == "STATISTICS" {
        take_word(parser)?;
    }
    let on = match word(parser, 0).as_str() {
        "ON" => true,
        "OFF" => false,
        other => return Err(syntax(other)),
    };
    parser.advance_token();
    match upper.as_str() {
        "NOCOUNT" => Ok(Kind::NoCount(on)),
        "IMPLICIT_TRANSACTIONS" => Ok(Kind::Implicit(on)),
        "ANSI_NULLS" | "QUOTED_IDENTIFIER" | "CONCAT_NULL_YIELDS_NULL" | "ANSI_DEFAULTS" if !on => {
            Err(unsupported(format_args!("SET {upper} OFF")))
        }
        "FMTONLY" | "NOEXEC" | "PARSEONLY" | "SHOWPLAN_ALL" | "SHOWPLAN_XML" | "SHOWPLAN_TEXT"
            if on =>
        {
            Err(unsupported(format_args!("SET {upper} ON")))
        }
        _ => Ok(Kind::Accepted),
    }
}

fn declare(parser: &mut Parser<'_>) -> Result<Kind> {
    let mut list = Vec::new();
    loop {
        let name = take_word(parser)?;
        if !name.starts_with('@') || word(parser, 0) == "TABLE" {
            return Err(unsupported("table variables and cursors"));
        }
        let _ = parser.parse_keyword(Keyword::AS);
        let data_type = parser
            .parse_data_type()
            .map_err(|e| failure(&e, Some(parser)))?;
        let sql_type = super::types::parse(&data_type.to_string(), 1)?;
        let value = if parser.consume_token(&Token::Eq) {
            Some(expr(parser)?)
        } else {
            None
        };
        list.push((name, sql_type, value));
        if !parser.consume_token(&Token::Comma) {
            return Ok(Kind::Declare(list));
        }
    }
}

fn token(parser: &mut Parser<'_>, expected: &Token) -> Result<()> {
    if parser.consume_token(expected) {
        Ok(())
    } else {
        Err(syntax(parser.peek_token_ref()))
    }
}

fn expr(parser: &mut Parser<'_>) -> Result<Expr> {
    parser.parse_expr().map_err(|e| failure(&e, Some(parser)))
}

fn comma(parser: &mut Parser<'_>) -> Result<()> {
    token(parser, &Token::Comma)
}

/// The nth word ahead in upper case, or nothing where no bare word stands.
fn word(parser: &Parser<'_>, ahead: usize) -> String {
    match &parser.peek_nth_token_ref(ahead).token {
        Token::Word(Word {
            value,
            quote_style: None,
            ..
        }) => value.to_ascii_uppercase(),
        _ => String::new(),
    }
}

fn take_word(parser: &mut Parser<'_>) -> Result<String> {
    match parser.next_token().token {
        Token::Word(word) => Ok(word.value),
        other => Err(syntax(other)),
    }
}

fn transaction_name(parser: &mut Parser<'_>) {
    optional_transaction(parser);
}

/// `[TRAN|TRANSACTION|WORK] [name]`
fn optional_transaction(parser: &mut Parser<'_>) -> Option<String> {
    if !matches!(word(parser, 0).as_str(), "TRAN" | "TRANSACTION" | "WORK") {
        return None;
    }
    parser.advance_token();
    let next = parser.peek_token_ref().clone();
    match next.token {
        Token::Word(Word {
            value,
            keyword: Keyword::NoKeyword,
            ..
        }) => {
            parser.advance_token();
            Some(value)
        }
        _ => None,
    }
}

/// Takes `OPTION (…)` out; hints change nothing but MAXRECURSION.
fn cut_options(tokens: &mut Vec<TokenWithSpan>) -> Option<u32> {
    let mut recursion = None;
    let mut kept = Vec::with_capacity(tokens.len());
    let mut rest = std::mem::take(tokens).into_iter().peekable();
    while let Some(token) = rest.next() {
        let is_option = matches!(&token.token, Token::Word(w) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case("OPTION"));
        let mut between = Vec::new();
        while is_option && matches!(rest.peek().map(|t| &t.token), Some(Token::Whitespace(_))) {
            between.extend(rest.next());
        }
        if !is_option || rest.peek().map(|t| &t.token) != Some(&Token::LParen) {
            kept.push(token);
            kept.extend(between);
            continue;
        }
        let mut depth = 0_u32;
        let mut last_word = String::new();
        for token in rest.by_ref() {
            match &token.token {
                Token::LParen => depth += 1,
                Token::RParen => depth -= 1,
                Token::Word(w) => last_word = w.value.to_ascii_uppercase(),
                Token::Number(n, _) if last_word == "MAXRECURSION" => recursion = n.parse().ok(),
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    *tokens = kept;
    recursion
}

/// A parser's complaint as SQL Server words it.
fn failure(e: &ParserError, parser: Option<&Parser<'_>>) -> SqlError {
    if matches!(e, ParserError::RecursionLimitExceeded) {
        return error(
            191,
            "Some part of your SQL statement is nested too deeply. Rewrite the query or break it up into smaller queries.",
        );
    }
    let text = e.to_string();
    let found = text.split_once("found: ").map(|(_, rest)| {
        rest.split_once(" at Line")
            .map_or(rest, |(f, _)| f)
            .to_owned()
    });
    let line = text
        .split_once("Line: ")
        .and_then(|(_, rest)| rest.split(',').next())
        .and_then(|n| n.trim().parse().ok())
        .unwrap_or(1);
    let near = match found.as_deref() {
        Some("EOF") | None => {
            parser.map_or_else(String::new, |p| p.get_current_token().to_string())
        }
        Some(found) => found.to_owned(),
    };
    let keyword = sqlparser::keywords::ALL_KEYWORDS
        .binary_search(&near.to_ascii_uppercase().as_str())
        .is_ok();
    let reserved = keyword
        && [
            "FROM", "WHERE", "GROUP", "ORDER", "SELECT", "HAVING", "ON", "JOIN", "AND", "OR", "AS",
            "IN", "SET", "INTO", "UNION", "BY", "TABLE",
        ]
        .contains(&near.to_ascii_uppercase().as_str());
    // PARSE('12' AS int): valid, and nothing that sqlparser knows.
    let parse = parser.is_some_and(|parser| {
        (0..12).any(|back| {
            let token = parser
                .token_at(parser.index().saturating_sub(back))
                .to_string();
            token.eq_ignore_ascii_case("PARSE") || token.eq_ignore_ascii_case("TRY_PARSE")
        })
    });
    let error = if parse && near.eq_ignore_ascii_case("AS") {
        unsupported("the functions PARSE and TRY_PARSE")
    } else if reserved {
        error(156, format!("Incorrect syntax near the keyword '{near}'."))
    } else {
        syntax(near)
    };
    SqlError {
        severity: 15,
        line,
        ..error
    }
}

/// How deep sqlparser may recurse, which bounds its stack.
const RECURSION: usize = 50;
