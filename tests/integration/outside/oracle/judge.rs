//! What a tree of Microsoft's parser may contain for its text to be one SELECT that
//! changes nothing and reaches nowhere: written without looking at the guard's lists.

use super::parser::Tree;

/// What a text is, by the parser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// One SELECT without any effect.
    Reads,
    /// No T-SQL of 2019: the first error. A server refuses a batch with a syntax
    /// error whole.
    Unparsed(String),
    /// T-SQL, and more than one SELECT: what it has that it may not.
    Dangerous(String),
}

pub(super) fn judge(tree: &Tree) -> Verdict {
    if let Some(error) = tree.errors.first() {
        return Verdict::Unparsed(error.clone());
    }
    if tree.statements != ["SelectStatement"] || tree.batches != 1 {
        let statements = tree.statements.join(", ");
        return Verdict::Dangerous(format!("{} batches of {statements}", tree.batches));
    }
    let node = tree.nodes.iter().find(|node| !allows_node(node));
    let fact = tree.facts.iter().find(|fact| !allows_fact(fact));
    match node.or(fact) {
        Some(found) => Verdict::Dangerous(found.clone()),
        None => Verdict::Reads,
    }
}

fn allows_node(node: &str) -> bool {
    NODES.contains(&node)
}

fn allows_fact(fact: &str) -> bool {
    let (kind, what) = fact.split_once(' ').unwrap_or((fact, ""));
    let what = what.to_ascii_lowercase();
    let parts: Vec<&str> = what.split('.').collect();
    match kind {
        "table" => {
            parts.len() <= 2
                && !parts.iter().any(|part| part.starts_with('#'))
                && !(parts.len() == 2
                    && parts[0] == "sys"
                    && HIDDEN.iter().any(|hidden| parts[1].contains(hidden)))
        }
        "rows" => parts.len() > 1 && is_method(&parts) || ROWS.contains(&&*what),
        "call" => match what.split_once("::") {
            Some((of, _)) => matches!(of, "geography" | "geometry" | "hierarchyid"),
            None if parts.len() > 1 => is_method(&parts),
            None => !CALLS.iter().any(|call| what.starts_with(call)),
        },
        "hint" => HINTS.contains(&&*what),
        "option" => OPTIONS.contains(&&*what) || numbered(&what),
        "use" => !what.contains("parallel") && !what.contains("compatibility"),
        "join" => matches!(&*what, "hash" | "loop" | "merge" | "remote"),
        "variable" => matches!(&*what, "@p1" | "@p2"),
        "global" => !matches!(&*what, "@@servername" | "@@connections" | "@@error"),
        _ => false,
    }
}

/// Whether these parts are a method of a column, and not a function in a schema or a
/// database of that name.
fn is_method(parts: &[&str]) -> bool {
    let (Some(first), Some(last)) = (parts.first(), parts.last()) else {
        return false;
    };
    let schema = matches!(
        *first,
        "dbo" | "sys" | "guest" | "master" | "information_schema"
    );
    (METHODS.contains(last) || last.starts_with("st")) && (!schema || parts.len() > 3)
}

fn numbered(option: &str) -> bool {
    let Some((name, number)) = option.split_once(' ') else {
        return false;
    };
    let most = match name {
        "maxdop" => 64,
        "maxgrantpercent" | "mingrantpercent" => 100,
        "maxrecursion" => 1_000,
        "fast" => 100_000,
        _ => return false,
    };
    let least = u32::from(name == "maxrecursion");
    number
        .parse::<u32>()
        .is_ok_and(|number| (least..=most).contains(&number))
}

/// In names of `sys`: log-ins, other sessions, files.
const HIDDEN: [&str; 8] = [
    "dm_",
    "fn_",
    "login",
    "principal",
    "query_store",
    "sysprocesses",
    "server",
    "credential",
];

const ROWS: [&str; 5] = [
    "string_split",
    "generate_series",
    "openjson",
    "regexp_matches",
    "regexp_split_to_table",
];

const METHODS: [&str; 18] = [
    "value",
    "query",
    "exist",
    "nodes",
    "tostring",
    "getlevel",
    "getancestor",
    "getdescendant",
    "isdescendantof",
    "getreparentedvalue",
    "makevalid",
    "reduce",
    "asgml",
    "astextzm",
    "filter",
    "instanceof",
    "isnull",
    "bufferwithtolerance",
];

/// What the names of functions begin with that reach out of the statement.
const CALLS: [&str; 14] = [
    "fn_",
    "sp_",
    "xp_",
    "open",
    "encrypt",
    "decryptby",
    "signby",
    "pwd",
    "session_context",
    "context_info",
    "ai_",
    "cursor_status",
    "crypt_gen",
    "eventdata",
];

const HINTS: [&str; 10] = [
    "forcescan",
    "forceseek",
    "index",
    "noexpand",
    "nolock",
    "nowait",
    "readcommitted",
    "readpast",
    "readuncommitted",
    "snapshot",
];

const OPTIONS: [&str; 13] = [
    "recompile",
    "hashgroup",
    "ordergroup",
    "hashjoin",
    "loopjoin",
    "hashunion",
    "concatunion",
    "forceorder",
    "expandviews",
    "optimizefor",
    "unspecified",
    "ignorenonclusteredcolumnstoreindex",
    "optimizeforunknown",
];

/// Every node of a tree that reads. None writes, executes, declares, sets a variable,
/// takes a value from a sequence, or names another server.
const NODES: [&str; 116] = [
    "AtTimeZoneCall",
    "BinaryExpression",
    "BinaryLiteral",
    "BinaryQueryExpression",
    "BooleanBinaryExpression",
    "BooleanComparisonExpression",
    "BooleanIsNullExpression",
    "BooleanNotExpression",
    "BooleanParenthesisExpression",
    "BooleanTernaryExpression",
    "CastCall",
    "CoalesceExpression",
    "ColumnDefinitionBase",
    "ColumnReferenceExpression",
    "CommonTableExpression",
    "CompositeGroupingSpecification",
    "ConvertCall",
    "CubeGroupingSpecification",
    "ExistsPredicate",
    "ExpressionCallTarget",
    "ExpressionGroupingSpecification",
    "ExpressionWithSortOrder",
    "ForceSeekTableHint",
    "FromClause",
    "FullTextPredicate",
    "FullTextTableReference",
    "FunctionCall",
    "GlobalFunctionTableReference",
    "GlobalVariableExpression",
    "GrandTotalGroupingSpecification",
    "GroupByClause",
    "GroupingSetsGroupingSpecification",
    "HavingClause",
    "IIfCall",
    "Identifier",
    "IdentifierLiteral",
    "IdentifierOrValueExpression",
    "InPredicate",
    "IndexTableHint",
    "InlineDerivedTable",
    "IntegerLiteral",
    "JoinParenthesisTableReference",
    "JsonForClause",
    "JsonForClauseOption",
    "LeftFunctionCall",
    "LikePredicate",
    "LiteralOptimizerHint",
    "MaxLiteral",
    "MoneyLiteral",
    "MultiPartIdentifier",
    "MultiPartIdentifierCallTarget",
    "NamedTableReference",
    "NullIfExpression",
    "NullLiteral",
    "NumericLiteral",
    "OdbcLiteral",
    "OffsetClause",
    "OpenJsonTableReference",
    "OptimizeForOptimizerHint",
    "OptimizerHint",
    "OrderByClause",
    "OverClause",
    "ParameterlessCall",
    "ParenthesisExpression",
    "ParseCall",
    "PivotedTableReference",
    "QualifiedJoin",
    "QueryDerivedTable",
    "QueryParenthesisExpression",
    "QuerySpecification",
    "RealLiteral",
    "RightFunctionCall",
    "RollupGroupingSpecification",
    "RowValue",
    "ScalarSubquery",
    "SchemaDeclarationItemOpenjson",
    "SchemaObjectFunctionTableReference",
    "SchemaObjectName",
    "SearchedCaseExpression",
    "SearchedWhenClause",
    "SelectScalarExpression",
    "SelectStarExpression",
    "SelectStatement",
    "SimpleCaseExpression",
    "SimpleWhenClause",
    "SqlDataTypeReference",
    "StringLiteral",
    "SubqueryComparisonPredicate",
    "TSqlBatch",
    "TSqlScript",
    "TableHint",
    "TableSampleClause",
    "TemporalClause",
    "TopRowFilter",
    "TryCastCall",
    "TryConvertCall",
    "TryParseCall",
    "UnaryExpression",
    "UnpivotedTableReference",
    "UnqualifiedJoin",
    "UseHintList",
    "UserDataTypeReference",
    "UserDefinedTypeCallTarget",
    "UserDefinedTypePropertyAccess",
    "VariableReference",
    "WhereClause",
    "WindowDelimiter",
    "WindowFrameClause",
    "WithCtesAndXmlNamespaces",
    "WithinGroupClause",
    "XmlDataTypeReference",
    "XmlForClause",
    "XmlForClauseOption",
    "XmlNamespaces",
    "XmlNamespacesAliasElement",
    "XmlNamespacesDefaultElement",
];
