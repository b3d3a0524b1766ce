//! A column's type from `sys.columns` as SQL Server writes it.

/// `max_length` is in bytes, −1 for `(max)`.
pub(in crate::database) fn sql_type(
    base: &str,
    max_length: i64,
    precision: i64,
    scale: i64,
) -> String {
    let length = |bytes_per_char: i64| {
        if max_length < 0 {
            "max".to_owned()
        } else {
            (max_length / bytes_per_char).to_string()
        }
    };
    match base {
        "nvarchar" | "nchar" => format!("{base}({})", length(2)),
        "varchar" | "char" | "varbinary" | "binary" => format!("{base}({})", length(1)),
        "decimal" | "numeric" => format!("{base}({precision},{scale})"),
        "time" | "datetime2" | "datetimeoffset" => format!("{base}({scale})"),
        // The catalogue still uses the old name.
        "timestamp" => "rowversion".to_owned(),
        _ => base.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_carry_what_they_are_declared_with() {
        for (base, bytes, precision, scale, text) in [
            ("nvarchar", 400, 0, 0, "nvarchar(200)"),
            ("nvarchar", -1, 0, 0, "nvarchar(max)"),
            ("varchar", 10, 0, 0, "varchar(10)"),
            ("decimal", 9, 18, 4, "decimal(18,4)"),
            ("datetime2", 8, 27, 7, "datetime2(7)"),
            ("int", 4, 10, 0, "int"),
            ("timestamp", 8, 0, 0, "rowversion"),
        ] {
            assert_eq!(sql_type(base, bytes, precision, scale), text);
        }
    }
}
