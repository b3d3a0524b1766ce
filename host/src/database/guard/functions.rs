//! Functions that a statement may call: those that compute on their arguments
//! and read no file, no other session and no other server.

use super::denial::Denial;
use super::keywords::contains;
use super::lexer::Token;
use super::relations::Name;

/// Whether these parts name a built-in table function.
pub(super) fn is_row_source(parts: &[String]) -> bool {
    matches!(parts, [name] if contains(&ROW_SOURCES, name))
}

/// Whether these parts name a user function of `allowed`: schema and name, in
/// any case.
pub(super) fn is_allowed(parts: &[String], allowed: &[(String, String)]) -> bool {
    let [schema, name] = parts else { return false };
    allowed.iter().any(|(other, function)| {
        other.to_lowercase() == schema.to_lowercase()
            && function.to_lowercase() == name.to_lowercase()
    })
}

/// Whether the function tells of objects by their name or number.
pub(in crate::database) fn tells_of_objects(parts: &[String]) -> bool {
    matches!(parts, [name] if contains(&METADATA, name))
}

/// Refuses a function that tells of any log-in, user or database by its number, where
/// it is called with one: counting upwards would list them all. `bare`: nothing stands in
/// its parentheses, so that it tells of the caller's own.
pub(super) fn check_own(
    sql: &str,
    token: &Token<'_>,
    name: &str,
    bare: bool,
) -> Result<(), Denial> {
    if bare || !contains(&OWN, name) {
        return Ok(());
    }
    Err(Denial {
        hint: Some(format!(
            "Call {}() without arguments: it tells of this connection alone.",
            name.to_ascii_uppercase()
        )),
        ..Denial::function(sql, token, name)
    })
}

/// Checks a call outside FROM. `method`: a dot stands before the name;
/// `declares`: the name is a column with its type; `bare`: without arguments.
pub(super) fn check(
    sql: &str,
    name: Name<'_, '_>,
    method: bool,
    declares: bool,
    bare: bool,
    allowed: &[(String, String)],
) -> Result<(), Denial> {
    if let [only] = name.parts
        && !method
    {
        check_own(sql, &name.first, only, bare)?;
    }
    let passes = match name.parts {
        [only] if method => is_method(only),
        [only] => {
            contains(&FUNCTIONS, only)
                || contains(&GRAMMAR, only)
                || contains(&TYPES, only)
                || declares
        }
        // schema.table.column.method(): a function has three parts at most.
        [_, _, _, last] if is_method(last) => true,
        // database.dbo.function()
        [_, schema, _] if contains(&SCHEMAS, schema) => false,
        // A column's method; a schema of the server's own is never a column.
        [first, .., last] => {
            is_method(last) && !contains(&SCHEMAS, first) || is_allowed(name.parts, allowed)
        }
        [] => true,
    };
    if passes {
        return Ok(());
    }
    Err(Denial::function(sql, &name.first, &name.parts.join(".")))
}

/// Whether SQL Server has a function or type of this name, or the grammar a word, that
/// stands before a parenthesis.
pub(super) fn is_built_in(name: &str) -> bool {
    contains(&FUNCTIONS, name)
        || contains(&GRAMMAR, name)
        || contains(&TYPES, name)
        || contains(&ROW_SOURCES, name)
}

/// Whether it is one of the types that scripts write with their schema, `sys.geography`.
pub(super) fn is_clr_type(name: &str) -> bool {
    contains(&["GEOGRAPHY", "GEOMETRY", "HIERARCHYID"], name)
}

/// Whether it is a schema that every database has.
pub(in crate::database) fn is_server_schema(name: &str) -> bool {
    contains(&SCHEMAS, name)
}

/// CLR tells methods apart by case.
fn is_method(name: &str) -> bool {
    METHODS.binary_search(&name).is_ok()
        || name
            .strip_prefix("ST")
            .is_some_and(|rest| SPATIAL.binary_search(&rest).is_ok())
}

/// Built-in scalar, aggregate and ranking functions.
const FUNCTIONS: [&str; 199] = [
    "ABS",
    "ACOS",
    "APPROX_COUNT_DISTINCT",
    "APPROX_PERCENTILE_CONT",
    "APPROX_PERCENTILE_DISC",
    "ASCII",
    "ASIN",
    "ATAN",
    "ATN2",
    "AVG",
    "BASE64_DECODE",
    "BASE64_ENCODE",
    "BINARY_CHECKSUM",
    "BIT_COUNT",
    "CAST",
    "CEILING",
    "CHAR",
    "CHARINDEX",
    "CHECKSUM",
    "CHECKSUM_AGG",
    "CHOOSE",
    "COALESCE",
    "COLUMNPROPERTY",
    "COL_LENGTH",
    "COL_NAME",
    "COMPRESS",
    "CONCAT",
    "CONCAT_WS",
    "CONTAINS",
    "CONVERT",
    "COS",
    "COT",
    "COUNT",
    "COUNT_BIG",
    "CUME_DIST",
    "CURRENT_TIMEZONE",
    "CURRENT_TIMEZONE_ID",
    "DATABASEPROPERTYEX",
    "DATALENGTH",
    "DATEADD",
    "DATEDIFF",
    "DATEDIFF_BIG",
    "DATEFROMPARTS",
    "DATENAME",
    "DATEPART",
    "DATETIME2FROMPARTS",
    "DATETIMEFROMPARTS",
    "DATETIMEOFFSETFROMPARTS",
    "DATETRUNC",
    "DATE_BUCKET",
    "DAY",
    "DB_ID",
    "DB_NAME",
    "DECOMPRESS",
    "DEGREES",
    "DENSE_RANK",
    "DIFFERENCE",
    "EDIT_DISTANCE",
    "EDIT_DISTANCE_SIMILARITY",
    "EOMONTH",
    "EXP",
    "FIRST_VALUE",
    "FLOOR",
    "FORMAT",
    "FORMATMESSAGE",
    "FREETEXT",
    "GETANSINULL",
    "GETDATE",
    "GETUTCDATE",
    "GET_BIT",
    "GREATEST",
    "GROUPING",
    "GROUPING_ID",
    "HASHBYTES",
    "HAS_PERMS_BY_NAME",
    "IDENT_CURRENT",
    "IDENT_INCR",
    "IDENT_SEED",
    "IIF",
    "INDEXKEY_PROPERTY",
    "INDEXPROPERTY",
    "INDEX_COL",
    "ISDATE",
    "ISJSON",
    "ISNULL",
    "ISNUMERIC",
    "JARO_WINKLER_DISTANCE",
    "JARO_WINKLER_SIMILARITY",
    "JSON_ARRAY",
    "JSON_ARRAYAGG",
    "JSON_CONTAINS",
    "JSON_MODIFY",
    "JSON_OBJECT",
    "JSON_OBJECTAGG",
    "JSON_PATH_EXISTS",
    "JSON_QUERY",
    "JSON_VALUE",
    "LAG",
    "LAST_VALUE",
    "LEAD",
    "LEAST",
    "LEFT",
    "LEFT_SHIFT",
    "LEN",
    "LOG",
    "LOG10",
    "LOWER",
    "LTRIM",
    "MAX",
    "MIN",
    "MONTH",
    "NCHAR",
    "NEWID",
    "NTILE",
    "NULLIF",
    "OBJECTPROPERTY",
    "OBJECTPROPERTYEX",
    "OBJECT_ID",
    "OBJECT_NAME",
    "OBJECT_SCHEMA_NAME",
    "PARSE",
    "PARSENAME",
    "PATINDEX",
    "PERCENTILE_CONT",
    "PERCENTILE_DISC",
    "PERCENT_RANK",
    "PI",
    "POWER",
    "PRODUCT",
    "QUOTENAME",
    "RADIANS",
    "RAND",
    "RANK",
    "REGEXP_COUNT",
    "REGEXP_INSTR",
    "REGEXP_LIKE",
    "REGEXP_REPLACE",
    "REGEXP_SUBSTR",
    "REPLACE",
    "REPLICATE",
    "REVERSE",
    "RIGHT",
    "RIGHT_SHIFT",
    "ROUND",
    "ROWCOUNT_BIG",
    "ROW_NUMBER",
    "RTRIM",
    "SCHEMA_ID",
    "SCHEMA_NAME",
    "SCOPE_IDENTITY",
    "SET_BIT",
    "SIGN",
    "SIN",
    "SMALLDATETIMEFROMPARTS",
    "SOUNDEX",
    "SPACE",
    "SQL_VARIANT_PROPERTY",
    "SQRT",
    "SQUARE",
    "STATS_DATE",
    "STDEV",
    "STDEVP",
    "STR",
    "STRING_AGG",
    "STRING_ESCAPE",
    "STUFF",
    "SUBSTRING",
    "SUM",
    "SUSER_ID",
    "SUSER_NAME",
    "SUSER_SNAME",
    "SWITCHOFFSET",
    "SYSDATETIME",
    "SYSDATETIMEOFFSET",
    "SYSUTCDATETIME",
    "TAN",
    "TERTIARY_WEIGHTS",
    "TIMEFROMPARTS",
    "TODATETIMEOFFSET",
    "TRANSLATE",
    "TRIM",
    "TRY_CAST",
    "TRY_CONVERT",
    "TRY_PARSE",
    "TYPEPROPERTY",
    "TYPE_ID",
    "TYPE_NAME",
    "UNICODE",
    "UNISTR",
    "UPPER",
    "USER_ID",
    "USER_NAME",
    "VAR",
    "VARP",
    "VECTORPROPERTY",
    "VECTOR_DISTANCE",
    "VECTOR_NORM",
    "VECTOR_NORMALIZE",
    "YEAR",
];

/// Of [`FUNCTIONS`], those that tell of objects.
const METADATA: [&str; 17] = [
    "COLUMNPROPERTY",
    "COL_LENGTH",
    "COL_NAME",
    "HAS_PERMS_BY_NAME",
    "IDENT_CURRENT",
    "IDENT_INCR",
    "IDENT_SEED",
    "INDEXKEY_PROPERTY",
    "INDEXPROPERTY",
    "INDEX_COL",
    "OBJECTPROPERTY",
    "OBJECTPROPERTYEX",
    "OBJECT_ID",
    "OBJECT_NAME",
    "OBJECT_SCHEMA_NAME",
    "STATS_DATE",
    "TYPEPROPERTY",
];

/// Of [`FUNCTIONS`], those that tell of log-ins, users and databases.
const OWN: [&str; 7] = [
    "DB_ID",
    "DB_NAME",
    "SUSER_ID",
    "SUSER_NAME",
    "SUSER_SNAME",
    "USER_ID",
    "USER_NAME",
];

/// Types that take arguments, or might in a later version.
const TYPES: [&str; 30] = [
    "BIGINT",
    "BINARY",
    "BIT",
    "CHAR",
    "DATE",
    "DATETIME",
    "DATETIME2",
    "DATETIMEOFFSET",
    "DEC",
    "DECIMAL",
    "FLOAT",
    "INT",
    "JSON",
    "MONEY",
    "NCHAR",
    "NUMERIC",
    "NVARCHAR",
    "REAL",
    "SMALLDATETIME",
    "SMALLINT",
    "SMALLMONEY",
    "SQL_VARIANT",
    "SYSNAME",
    "TIME",
    "TINYINT",
    "UNIQUEIDENTIFIER",
    "VARBINARY",
    "VARCHAR",
    "VECTOR",
    "XML",
];

/// Words of the grammar that a parenthesis may follow.
const GRAMMAR: [&str; 26] = [
    "APPLY",
    "AUTO",
    "CHANGES",
    "CONTAINED",
    "CUBE",
    "ELEMENTS",
    "FIRST",
    "GROUPING",
    "HINT",
    "LANGUAGE",
    "NEXT",
    "OFFSET",
    "PATH",
    "PROPERTY",
    "RANGE",
    "RAW",
    "REPEATABLE",
    "ROLLUP",
    "ROOT",
    "ROWS",
    "SETS",
    "SYSTEM",
    "WINDOW",
    "XMLNAMESPACES",
    "XMLSCHEMA",
    "ZONE",
];

/// Methods of xml, hierarchyid, geography and geometry besides the ST… ones.
const METHODS: [&str; 28] = [
    "AsGml",
    "AsTextZM",
    "BufferWithCurves",
    "BufferWithTolerance",
    "CurveToLineWithTolerance",
    "EnvelopeAngle",
    "EnvelopeCenter",
    "Filter",
    "GetAncestor",
    "GetDescendant",
    "GetLevel",
    "GetReparentedValue",
    "InstanceOf",
    "IsDescendantOf",
    "IsNull",
    "IsValidDetailed",
    "MakeValid",
    "MinDbCompatibilityLevel",
    "NumRings",
    "Reduce",
    "ReorientObject",
    "RingN",
    "ShortestLineTo",
    "ToString",
    "exist",
    "nodes",
    "query",
    "value",
];

/// Methods of `geometry` and `geography` without their ST.
const SPATIAL: [&str; 43] = [
    "Area",
    "AsBinary",
    "AsText",
    "Boundary",
    "Buffer",
    "Centroid",
    "Contains",
    "ConvexHull",
    "Crosses",
    "CurveN",
    "CurveToLine",
    "Difference",
    "Dimension",
    "Disjoint",
    "Distance",
    "EndPoint",
    "Envelope",
    "Equals",
    "ExteriorRing",
    "GeometryN",
    "GeometryType",
    "InteriorRingN",
    "Intersection",
    "Intersects",
    "IsClosed",
    "IsEmpty",
    "IsRing",
    "IsSimple",
    "IsValid",
    "Length",
    "NumCurves",
    "NumGeometries",
    "NumInteriorRing",
    "NumPoints",
    "Overlaps",
    "PointN",
    "PointOnSurface",
    "Relate",
    "StartPoint",
    "SymDifference",
    "Touches",
    "Union",
    "Within",
];

/// Table functions on their arguments.
const ROW_SOURCES: [&str; 5] = [
    "GENERATE_SERIES",
    "OPENJSON",
    "REGEXP_MATCHES",
    "REGEXP_SPLIT_TO_TABLE",
    "STRING_SPLIT",
];

/// Schemas of every database.
const SCHEMAS: [&str; 4] = ["DBO", "GUEST", "INFORMATION_SCHEMA", "SYS"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted_for_the_search() {
        for list in [
            &FUNCTIONS[..],
            &METADATA,
            &OWN,
            &TYPES,
            &GRAMMAR,
            &METHODS,
            &ROW_SOURCES,
            &SCHEMAS,
        ] {
            assert!(list.is_sorted());
        }
    }
}
