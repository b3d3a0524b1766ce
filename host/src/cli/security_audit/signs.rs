//! What in the text of a statement is a sign of somebody trying things. A sign proves
//! nothing: the guard has judged every statement, whatever it looks like.

/// The signs of a statement whose literals are `?`.
pub(super) fn signs(sql: &str) -> Vec<&'static str> {
    let words = words(sql);
    let has = |word: &str| words.iter().any(|found| found == word);
    let mut signs = Vec::new();
    let always_true = words.windows(4).any(|four| {
        let [or, one, equals, other] = four else {
            return false;
        };
        or == "OR" && equals == "=" && one == other
    });
    if always_true {
        signs.push("a condition that is always true (OR 1=1)");
    }
    let catalogue = words
        .iter()
        .any(|word| matches!(&**word, "SYS" | "INFORMATION_SCHEMA" | "SYSOBJECTS"));
    if has("UNION") && catalogue {
        signs.push("a UNION with the catalogue");
    }
    let asks = |start: &[&str]| {
        words
            .windows(start.len())
            .any(|found| found.iter().zip(start).all(|(one, other)| one == other))
    };
    for (start, sign) in STARTS {
        if asks(start) {
            signs.push(sign);
        }
    }
    if words
        .iter()
        .any(|word| word.starts_with("XP_") || word.starts_with("SP_OA"))
    {
        signs.push("a procedure that reaches the machine");
    }
    if ["OPENROWSET", "OPENDATASOURCE", "OPENQUERY"]
        .iter()
        .any(|word| has(word))
    {
        signs.push("a way to another server");
    }
    signs
}

/// In capitals; what is neither letter, digit nor `_` stands alone, blanks are left out.
fn words(sql: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    for char in sql.chars() {
        if char.is_alphanumeric() || char == '_' {
            word.extend(char.to_uppercase());
            continue;
        }
        if !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if !char.is_whitespace() && !matches!(char, '(' | ')' | '[' | ']') {
            words.push(char.to_string());
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

const STARTS: &[(&[&str], &str)] = &[
    (&["DROP", "TABLE"], "DROP TABLE"),
    (&["DROP", "DATABASE"], "DROP DATABASE"),
    (&["TRUNCATE", "TABLE"], "TRUNCATE TABLE"),
    (
        &["WAITFOR", "DELAY"],
        "a wait that tells a secret by its length",
    ),
    (&["SHUTDOWN"], "SHUTDOWN"),
    (&["ALTER", "LOGIN"], "a change of a log-in"),
    (&["CREATE", "LOGIN"], "a change of a log-in"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_tries_has_a_sign_and_what_people_ask_has_none() {
        for (sql, sign) in [
            ("SELECT * FROM u WHERE n = ? OR ? = ?", Some("always true")),
            ("SELECT * FROM u WHERE n = ? or(?=?)", Some("always true")),
            (
                "SELECT a FROM t UNION SELECT name FROM sys.objects",
                Some("UNION"),
            ),
            ("SELECT a FROM t UNION ALL SELECT b FROM u", None),
            ("SELECT ? ; drop  table [t]", Some("DROP TABLE")),
            ("EXEC xp_cmdshell ?", Some("machine")),
            ("SELECT * FROM OPENROWSET(?, ?, ?)", Some("another server")),
            ("WAITFOR DELAY ?", Some("wait")),
            ("SELECT dropped, table_no FROM t WHERE a = ? OR b = ?", None),
            ("SELECT name FROM sys.tables", None),
            ("SELECT a FROM t WHERE a = ? OR a = b", None),
            ("", None),
        ] {
            let found = signs(sql);
            match sign {
                None => assert_eq!(found, [""; 0], "{sql}"),
                Some(sign) => {
                    assert_eq!(found.len(), 1, "{sql}: {found:?}");
                    assert!(found[0].contains(sign), "{sql}: {found:?}");
                }
            }
        }
    }
}
