//! The dialect in which statements are read.

use sqlparser::dialect::{Dialect, MsSqlDialect};
use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;

/// sqlparser's T-SQL with GROUP BY ROLLUP, CUBE and GROUPING SETS.
#[derive(Debug)]
pub(crate) struct TSql(pub(crate) MsSqlDialect);

impl Dialect for TSql {
    fn dialect(&self) -> std::any::TypeId {
        self.0.dialect()
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        self.0.is_delimited_identifier_start(ch)
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        self.0.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        self.0.is_identifier_part(ch)
    }

    fn convert_type_before_value(&self) -> bool {
        true
    }

    fn supports_dollar_as_money_prefix(&self) -> bool {
        true
    }

    fn supports_eq_alias_assignment(&self) -> bool {
        true
    }

    fn supports_try_convert(&self) -> bool {
        true
    }

    fn supports_boolean_literals(&self) -> bool {
        false
    }

    fn supports_nested_comments(&self) -> bool {
        true
    }

    fn supports_object_name_double_dot_notation(&self) -> bool {
        true
    }

    fn supports_group_by_expr(&self) -> bool {
        true
    }

    fn supports_group_by_with_modifier(&self) -> bool {
        true
    }

    fn is_select_item_alias(
        &self,
        explicit: bool,
        keyword: &Keyword,
        parser: &mut Parser<'_>,
    ) -> bool {
        (explicit || !starts_statement(*keyword))
            && self.0.is_select_item_alias(explicit, keyword, parser)
    }

    fn is_table_factor_alias(
        &self,
        explicit: bool,
        keyword: &Keyword,
        parser: &mut Parser<'_>,
    ) -> bool {
        (explicit || !starts_statement(*keyword))
            && self.0.is_table_factor_alias(explicit, keyword, parser)
    }
}

/// Words that begin the next statement rather than name the last expression.
fn starts_statement(keyword: Keyword) -> bool {
    matches!(
        keyword,
        Keyword::BEGIN
            | Keyword::COMMIT
            | Keyword::ROLLBACK
            | Keyword::USE
            | Keyword::SET
            | Keyword::SELECT
            | Keyword::WITH
            | Keyword::WAITFOR
    )
}
