//! `sql_type`: the type of SQL Server that a parameter is declared with.

use crate::mistake::hint;

/// The characters that a declared type has room for, if it is a type of text
/// with a length; what is wrong with it otherwise.
pub(crate) fn check(given: &str) -> Result<Option<u32>, String> {
    let (base, arguments) = match given.split_once('(') {
        Some((base, rest)) => match rest.trim_end().strip_suffix(')') {
            Some(arguments) => (base, Some(arguments.trim())),
            None => return Err(format!("\"{given}\" has no closing )")),
        },
        None => (given, None),
    };
    let base = base.trim().to_ascii_lowercase();
    if !TYPES.contains(&base.as_str()) {
        return Err(format!(
            "there is no type \"{base}\" to declare a parameter with{}",
            hint(&base, &TYPES)
        ));
    }
    let sound = arguments.is_none_or(|arguments| {
        arguments.eq_ignore_ascii_case("max") || arguments.split(',').all(is_length)
    });
    if !sound {
        return Err(format!(
            "\"{given}\" is written as nvarchar(50), nvarchar(max) or decimal(18,4)"
        ));
    }
    let most = match base.as_str() {
        "char" | "varchar" => 8_000,
        "nchar" | "nvarchar" => 4_000,
        _ => return Ok(None),
    };
    match arguments.map(str::parse::<u32>) {
        // T-SQL's own default, which cuts everything behind the first letter.
        None => Ok(Some(1)),
        Some(Ok(length)) if (1..=most).contains(&length) => Ok(Some(length)),
        Some(Ok(_)) => Err(format!("{base} takes a length from 1 to {most}, or max")),
        // `max`
        Some(Err(_)) => Ok(None),
    }
}

fn is_length(text: &str) -> bool {
    let text = text.trim();
    (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

const TYPES: [&str; 25] = [
    "bigint",
    "bit",
    "char",
    "date",
    "datetime",
    "datetime2",
    "datetimeoffset",
    "decimal",
    "float",
    "hierarchyid",
    "int",
    "money",
    "nchar",
    "numeric",
    "nvarchar",
    "real",
    "smalldatetime",
    "smallint",
    "smallmoney",
    "sysname",
    "time",
    "tinyint",
    "uniqueidentifier",
    "varchar",
    "xml",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_of_text_has_a_length() {
        assert_eq!(check("nchar(5)"), Ok(Some(5)));
        assert_eq!(check("VARCHAR (20)"), Ok(Some(20)));
        assert_eq!(check("varchar"), Ok(Some(1)));
        assert_eq!(
            check("nvarchar(4001)"),
            Err("nvarchar takes a length from 1 to 4000, or max".to_owned())
        );
        for unbounded in ["nvarchar(max)", "decimal(18, 4)", "datetime2(3)", "int"] {
            assert_eq!(check(unbounded), Ok(None), "{unbounded}");
        }
    }

    #[test]
    fn anything_around_a_type_is_refused() {
        for bad in [
            "int, @q int",
            "int) SELECT 1",
            "varchar(10",
            "varchar(10)) ",
            "dbo.T",
            "",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
        assert!(
            check("nvarcar(5)")
                .unwrap_err()
                .contains("did you mean \"nvarchar\"?")
        );
    }
}
