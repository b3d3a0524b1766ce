//! Arithmetic, comparison and conversion at their edges.

use super::*;

fn typed(sql: &str) -> (String, SqlType) {
    let seen = run(&mut session(), sql).unwrap();
    (show(&seen).remove(0), seen.columns[0].sql_type)
}

#[test]
fn decimal_results_have_sql_servers_scale() {
    let decimal = |precision, scale| SqlType::Decimal { precision, scale };
    assert_eq!(typed("SELECT 2.0 / 3"), ("0.666666".into(), decimal(7, 6)));
    assert_eq!(typed("SELECT 1.50 * 2.5"), ("3.750".into(), decimal(6, 3)));
    assert_eq!(typed("SELECT 0.1 + 0.2"), ("0.3".into(), decimal(2, 1)));
    assert_eq!(
        typed("SELECT AVG(x) FROM (VALUES (1.00), (2.00), (2.00)) v(x)"),
        ("1.666666".into(), decimal(38, 6))
    );
    assert_eq!(
        typed("SELECT SUM(x) FROM (VALUES (0.1), (0.2), (99999999999999999999.9)) v(x)").0,
        "100000000000000000000.2"
    );
}

#[test]
fn text_is_repeated_to_the_width_of_its_type() {
    assert_eq!(
        ask(
            "SELECT LEN(REPLICATE('ab', 10000)), LEN(REPLICATE(N'ab', 10000)), \
             LEN(REPLICATE(CAST('ab' AS varchar(max)), 10000)), REPLICATE('a', -1), LEN(SPACE(3) + 'x')"
        ),
        ["8000|4000|20000|NULL|4"]
    );
}

#[test]
fn a_null_of_a_type_keeps_the_type() {
    let three = SqlType::VarChar(crate::value::Length::Limited(3));
    assert_eq!(
        typed("SELECT ISNULL(CAST(NULL AS varchar(3)), 'abcdef')"),
        ("abc".into(), three)
    );
    assert_eq!(ask("SELECT ISNULL(NULL, 'abcdef')"), ["abcdef"]);
}

#[test]
fn binary_beside_an_integer_is_a_number() {
    assert_eq!(ask("SELECT 0xFF & 15, 8 | 0x01, 0x03 ^ 1"), ["15|9|2"]);
    assert_eq!(fails("SELECT 0xFF & 0x0F").number, 402);
}

#[test]
fn capitals_take_the_place_of_one_character_each() {
    assert_eq!(ask("SELECT UPPER(N'straße ñ')"), ["STRAßE Ñ"]);
}

#[test]
fn what_the_server_has_and_this_has_not_is_said_so() {
    for sql in [
        "SELECT TRY_PARSE('12' AS int)",
        "SELECT PARSE('1 de mayo de 2024' AS date USING 'es-ES') AS d",
        "SELECT RAND(1)",
        "SELECT DATE_BUCKET(week, 1, GETDATE())",
        "SELECT IDENT_CURRENT('dbo.Orders')",
    ] {
        let message = fails(sql).message;
        assert!(
            message.starts_with("not supported by the embedded database"),
            "{sql}: {message}"
        );
    }
    assert_eq!(fails("SELECT NOSUCH(1)").number, 195);
    assert_eq!(fails("SELECT 1e400").number, 168);
}

#[test]
fn integers_divide_and_overflow() {
    assert_eq!(
        ask("SELECT 7 / 2, -7 / 2, 7 % -2, AVG(x) FROM (VALUES (1), (2)) v(x)"),
        ["3|-3|1|1"]
    );
    assert_eq!(fails("SELECT 2147483647 + 1").number, 8115);
    assert_eq!(
        fails("SELECT SUM(x) FROM (VALUES (2147483647), (1)) v(x)").number,
        8115
    );
    assert_eq!(
        fails("SELECT CAST(9223372036854775807 AS bigint) * 2").number,
        8115
    );
    assert_eq!(fails("SELECT 1 / 0").number, 8134);
    assert_eq!(fails("SELECT 1.0 / 0").number, 8134);
    assert_eq!(fails("SELECT CAST('x1' AS int)").number, 245);
    assert_eq!(fails("SELECT CAST(300 AS tinyint)").number, 220);
    assert_eq!(
        ask("SELECT TRY_CAST('x' AS int), TRY_CONVERT(date, '2024-02-30')"),
        ["NULL|NULL"]
    );
}

#[test]
fn plus_goes_by_type_and_null_spreads() {
    assert_eq!(
        ask("SELECT 'a' + 'b', '1' + 2, 1 + NULL, 'a' + NULL"),
        ["ab|3|NULL|NULL"]
    );
    assert_eq!(fails("SELECT 'a' + 1").number, 245);
    assert_eq!(
        ask("SELECT CONVERT(varchar(30), CAST('2024-01-31' AS datetime) + 1, 120)"),
        ["2024-02-01 00:00:00"]
    );
}

#[test]
fn text_compares_without_case_and_trailing_spaces() {
    assert_eq!(
        ask(
            "SELECT CASE WHEN 'Abc  ' = 'aBC' THEN 1 ELSE 0 END, CASE WHEN 'a' COLLATE Latin1_General_CS_AS = 'A' THEN 1 ELSE 0 END"
        ),
        ["1|0"]
    );
    assert_eq!(
        ask("SELECT COUNT(*) FROM Customers WHERE CustomerID IN ('alfki ', N'arout')"),
        ["2"]
    );
    assert_eq!(ask("SELECT COUNT(DISTINCT ShipCountry) FROM Orders"), ["3"]);
    assert_eq!(ask("SELECT 'a' UNION SELECT 'A '").len(), 1);
}

#[test]
fn money_and_decimals_compare_by_value() {
    assert_eq!(
        ask(
            "SELECT OrderID FROM Orders WHERE Freight > 32.37 AND Freight <= 65.83 ORDER BY Freight"
        ),
        ["1", "3"]
    );
    assert_eq!(
        ask("SELECT CASE WHEN 1.10 = 1.1 THEN 1 ELSE 0 END, CASE WHEN 1 = 1.0 THEN 1 ELSE 0 END"),
        ["1|1"]
    );
    assert_eq!(ask("SELECT $100 / $339 * $10000"), ["2949.0000"]);
}

#[test]
fn unknown_things_are_named() {
    assert_eq!(
        fails("SELECT * FROM Nothing").message,
        "Invalid object name 'Nothing'."
    );
    assert_eq!(fails("SELECT Nothing FROM Orders").number, 207);
    assert_eq!(fails("SELECT x.OrderID FROM Orders").number, 4104);
    assert_eq!(
        fails("SELECT OrderID FROM Orders o JOIN [Order Details] d ON d.OrderID = o.OrderID")
            .number,
        209
    );
    assert_eq!(
        fails("SELECT CustomerID, COUNT(*) FROM Orders").number,
        8120
    );
    assert_eq!(fails("SELECT FROM Orders").number, 156);
    assert_eq!(fails("SELECT 1\nSELECT )").line, 2);
    assert!(
        fails("SELECT HASHBYTES('MD5', 'x')")
            .message
            .starts_with("not supported by the embedded database: ")
    );
    assert_eq!(fails("CREATE TABLE x (a int)").number, 40517);
    assert_eq!(fails("SELECT (SELECT OrderID FROM Orders)").number, 512);
}

#[test]
fn a_query_nested_too_deeply_is_refused() {
    let deep = format!("SELECT {}1{}", "(".repeat(400), ")".repeat(400));
    assert_eq!(fails(&deep).number, 191);
    let long = format!("SELECT {}", vec!["1"; 3000].join(" + "));
    assert_eq!(fails(&long).number, 191);
    let chain = vec!["OrderID = 1"; 3000].join(" OR ");
    assert_eq!(
        ask(&format!("SELECT OrderID FROM Orders WHERE {chain}")),
        ["1"]
    );
}

#[test]
fn positions_count_utf16_units() {
    assert_eq!(
        ask(
            "SELECT LEN(N'a🍷b'), CHARINDEX('b', N'a🍷b'), SUBSTRING(N'a🍷b', 4, 1), RIGHT(N'a🍷b', 1)"
        ),
        ["4|4|b|b"]
    );
}
