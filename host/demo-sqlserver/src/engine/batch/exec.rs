//! EXEC: its arguments and `WITH RESULT SETS`.

use sqlparser::ast::Expr;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use super::{Kind, expr, failure, take_word, token, word};
use crate::engine::error::{Result, unsupported};
use crate::engine::types;
use crate::value::{SqlType, Udt};

/// EXEC name with named or positional arguments.
#[derive(Debug)]
pub(crate) struct Exec {
    pub(crate) name: String,
    pub(crate) arguments: Vec<(Option<String>, Expr)>,
    /// WITH RESULT SETS ((…)): names and types of the one result.
    pub(crate) shape: Option<Vec<(String, SqlType)>>,
}

/// What follows EXEC.
pub(super) fn parse(parser: &mut Parser<'_>) -> Result<Kind> {
    let mut name = take_word(parser)?;
    while parser.consume_token(&Token::Period) {
        name = take_word(parser)?;
    }
    let mut arguments = Vec::new();
    while !matches!(parser.peek_token_ref().token, Token::EOF | Token::SemiColon) {
        let named =
            word(parser, 0).starts_with('@') && parser.peek_nth_token_ref(1).token == Token::Eq;
        let key = if named {
            let key = take_word(parser)?;
            parser.advance_token();
            Some(key)
        } else {
            None
        };
        arguments.push((key, expr(parser)?));
        if !parser.consume_token(&Token::Comma) {
            break;
        }
    }
    let shape = if word(parser, 0) == "WITH" {
        Some(result_set(parser)?)
    } else {
        None
    };
    Ok(Kind::Exec(Box::new(Exec {
        name,
        arguments,
        shape,
    })))
}

/// `WITH RESULT SETS ((name type [COLLATE name] [NULL | NOT NULL], …))`
fn result_set(parser: &mut Parser<'_>) -> Result<Vec<(String, SqlType)>> {
    for expected in ["WITH", "RESULT", "SETS"] {
        if word(parser, 0) != expected {
            return Err(unsupported("EXEC with other options than RESULT SETS"));
        }
        parser.advance_token();
    }
    token(parser, &Token::LParen)?;
    if parser.peek_token_ref().token != Token::LParen {
        return Err(unsupported("RESULT SETS other than a list of columns"));
    }
    token(parser, &Token::LParen)?;
    let mut columns = Vec::new();
    loop {
        let name = take_word(parser)?;
        let data_type = parser
            .parse_data_type()
            .map_err(|e| failure(&e, Some(parser)))?;
        columns.push((name, sql_type(&data_type.to_string())?));
        if word(parser, 0) == "COLLATE" {
            parser.advance_token();
            take_word(parser)?;
        }
        if word(parser, 0) == "NOT" {
            parser.advance_token();
        }
        if word(parser, 0) == "NULL" {
            parser.advance_token();
        }
        if !parser.consume_token(&Token::Comma) {
            break;
        }
    }
    token(parser, &Token::RParen)?;
    if parser.peek_token_ref().token == Token::Comma {
        return Err(unsupported("RESULT SETS of several results"));
    }
    token(parser, &Token::RParen)?;
    Ok(columns)
}

/// A type of a result, which may be a CLR type.
fn sql_type(name: &str) -> Result<SqlType> {
    Ok(match name.to_ascii_lowercase().as_str() {
        "geography" => SqlType::Udt(Udt::Geography),
        "geometry" => SqlType::Udt(Udt::Geometry),
        "hierarchyid" => SqlType::Udt(Udt::HierarchyId),
        _ => types::parse(name, 1)?,
    })
}
