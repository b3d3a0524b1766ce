//! The reserved words of T-SQL, and which of them a reading statement needs.

/// Whether `word` cannot be a name unless quoted.
pub(super) fn is_reserved(word: &str) -> bool {
    contains(&RESERVED, word)
}

/// Whether a SELECT may contain the reserved `word`.
pub(super) fn may_read(word: &str) -> bool {
    contains(&READING, word)
}

/// Whether `word` begins or belongs to a statement that changes something.
pub(super) fn writes(word: &str) -> bool {
    contains(&WRITING, word)
}

/// Whether `word` names a function that reaches outside the database.
pub(super) fn reaches_out(word: &str) -> bool {
    contains(&OUTSIDE, word)
}

/// `list` is sorted and in upper case; no keyword is longer than 30 bytes.
pub(super) fn contains(list: &[&str], word: &str) -> bool {
    let mut upper = [0_u8; 48];
    let Some(target) = upper.get_mut(..word.len()) else {
        return false;
    };
    target.copy_from_slice(word.as_bytes());
    target.make_ascii_uppercase();
    list.binary_search_by(|candidate| candidate.as_bytes().cmp(target))
        .is_ok()
}

/// Every reserved word of SQL Server 2022, and GO, THROW and RECEIVE, which begin
/// statements without being reserved.
const RESERVED: [&str; 188] = [
    "ADD",
    "ALL",
    "ALTER",
    "AND",
    "ANY",
    "AS",
    "ASC",
    "AUTHORIZATION",
    "BACKUP",
    "BEGIN",
    "BETWEEN",
    "BREAK",
    "BROWSE",
    "BULK",
    "BY",
    "CASCADE",
    "CASE",
    "CHECK",
    "CHECKPOINT",
    "CLOSE",
    "CLUSTERED",
    "COALESCE",
    "COLLATE",
    "COLUMN",
    "COMMIT",
    "COMPUTE",
    "CONSTRAINT",
    "CONTAINS",
    "CONTAINSTABLE",
    "CONTINUE",
    "CONVERT",
    "CREATE",
    "CROSS",
    "CURRENT",
    "CURRENT_DATE",
    "CURRENT_TIME",
    "CURRENT_TIMESTAMP",
    "CURRENT_USER",
    "CURSOR",
    "DATABASE",
    "DBCC",
    "DEALLOCATE",
    "DECLARE",
    "DEFAULT",
    "DELETE",
    "DENY",
    "DESC",
    "DISK",
    "DISTINCT",
    "DISTRIBUTED",
    "DOUBLE",
    "DROP",
    "DUMP",
    "ELSE",
    "END",
    "ERRLVL",
    "ESCAPE",
    "EXCEPT",
    "EXEC",
    "EXECUTE",
    "EXISTS",
    "EXIT",
    "EXTERNAL",
    "FETCH",
    "FILE",
    "FILLFACTOR",
    "FOR",
    "FOREIGN",
    "FREETEXT",
    "FREETEXTTABLE",
    "FROM",
    "FULL",
    "FUNCTION",
    "GO",
    "GOTO",
    "GRANT",
    "GROUP",
    "HAVING",
    "HOLDLOCK",
    "IDENTITY",
    "IDENTITYCOL",
    "IDENTITY_INSERT",
    "IF",
    "IN",
    "INDEX",
    "INNER",
    "INSERT",
    "INTERSECT",
    "INTO",
    "IS",
    "JOIN",
    "KEY",
    "KILL",
    "LEFT",
    "LIKE",
    "LINENO",
    "LOAD",
    "MERGE",
    "NATIONAL",
    "NOCHECK",
    "NONCLUSTERED",
    "NOT",
    "NULL",
    "NULLIF",
    "OF",
    "OFF",
    "OFFSETS",
    "ON",
    "OPEN",
    "OPENDATASOURCE",
    "OPENQUERY",
    "OPENROWSET",
    "OPENXML",
    "OPTION",
    "OR",
    "ORDER",
    "OUTER",
    "OVER",
    "PERCENT",
    "PIVOT",
    "PLAN",
    "PRECISION",
    "PRIMARY",
    "PRINT",
    "PROC",
    "PROCEDURE",
    "PUBLIC",
    "RAISERROR",
    "READ",
    "READTEXT",
    "RECEIVE",
    "RECONFIGURE",
    "REFERENCES",
    "REPLICATION",
    "RESTORE",
    "RESTRICT",
    "RETURN",
    "REVERT",
    "REVOKE",
    "RIGHT",
    "ROLLBACK",
    "ROWCOUNT",
    "ROWGUIDCOL",
    "RULE",
    "SAVE",
    "SCHEMA",
    "SECURITYAUDIT",
    "SELECT",
    "SEMANTICKEYPHRASETABLE",
    "SEMANTICSIMILARITYDETAILSTABLE",
    "SEMANTICSIMILARITYTABLE",
    "SESSION_USER",
    "SET",
    "SETUSER",
    "SHUTDOWN",
    "SOME",
    "STATISTICS",
    "SYSTEM_USER",
    "TABLE",
    "TABLESAMPLE",
    "TEXTSIZE",
    "THEN",
    "THROW",
    "TO",
    "TOP",
    "TRAN",
    "TRANSACTION",
    "TRIGGER",
    "TRUNCATE",
    "TRY_CONVERT",
    "TSEQUAL",
    "UNION",
    "UNIQUE",
    "UNPIVOT",
    "UPDATE",
    "UPDATETEXT",
    "USE",
    "USER",
    "VALUES",
    "VARYING",
    "VIEW",
    "WAITFOR",
    "WHEN",
    "WHERE",
    "WHILE",
    "WITH",
    "WITHIN",
    "WRITETEXT",
];

/// What the grammar of SELECT needs.
const READING: [&str; 81] = [
    "ALL",
    "AND",
    "ANY",
    "AS",
    "ASC",
    "BETWEEN",
    "BY",
    "CASE",
    "COALESCE",
    "COLLATE",
    "CONTAINS",
    "CONTAINSTABLE",
    "CONVERT",
    "CROSS",
    "CURRENT",
    "CURRENT_DATE",
    "CURRENT_TIME",
    "CURRENT_TIMESTAMP",
    "CURRENT_USER",
    "DEFAULT",
    "DESC",
    "DISTINCT",
    "DOUBLE",
    "ELSE",
    "END",
    "ESCAPE",
    "EXCEPT",
    "EXISTS",
    "FETCH",
    "FOR",
    "FREETEXT",
    "FREETEXTTABLE",
    "FROM",
    "FULL",
    "GROUP",
    "HAVING",
    "IDENTITYCOL",
    "IN",
    "INDEX",
    "INNER",
    "INTERSECT",
    "IS",
    "JOIN",
    "LEFT",
    "LIKE",
    "NATIONAL",
    "NOT",
    "NULL",
    "NULLIF",
    "OF",
    "OFF",
    "ON",
    "OPTION",
    "OR",
    "ORDER",
    "OUTER",
    "OVER",
    "PERCENT",
    "PIVOT",
    "PLAN",
    "PRECISION",
    "RIGHT",
    "ROWGUIDCOL",
    "SELECT",
    "SESSION_USER",
    "SOME",
    "SYSTEM_USER",
    "TABLESAMPLE",
    "THEN",
    "TO",
    "TOP",
    "TRY_CONVERT",
    "UNION",
    "UNPIVOT",
    "USER",
    "VALUES",
    "VARYING",
    "WHEN",
    "WHERE",
    "WITH",
    "WITHIN",
];

/// What data modification, definition and rights begin with.
const WRITING: [&str; 23] = [
    "ADD",
    "ALTER",
    "BACKUP",
    "BULK",
    "CREATE",
    "DELETE",
    "DENY",
    "DROP",
    "EXEC",
    "EXECUTE",
    "GRANT",
    "INSERT",
    "INTO",
    "MERGE",
    "RECEIVE",
    "RESTORE",
    "REVOKE",
    "SEND",
    "SET",
    "TRUNCATE",
    "UPDATE",
    "UPDATETEXT",
    "WRITETEXT",
];

/// Row sources outside the tables of the database.
const OUTSIDE: [&str; 4] = ["OPENDATASOURCE", "OPENQUERY", "OPENROWSET", "OPENXML"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted_for_the_search() {
        for list in [&RESERVED[..], &READING, &WRITING, &OUTSIDE] {
            assert!(list.is_sorted());
        }
    }

    #[test]
    fn what_may_be_read_is_reserved() {
        for word in READING {
            assert!(is_reserved(word), "{word}");
        }
    }

    #[test]
    fn case_does_not_matter_and_length_does_not_panic() {
        assert!(is_reserved("sHuTdOwN"));
        assert!(!is_reserved(&"x".repeat(1_000)));
    }
}
