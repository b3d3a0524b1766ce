//! Names and values that statements are made of.

use super::Draft;

impl Draft<'_> {
    /// The name of a column, a table's alias or a common table expression.
    pub(super) fn word(&mut self) {
        let word = self.random.word(&NAMES);
        self.one(word);
    }

    /// A name for something new, which is no word of the grammar that might
    /// follow there.
    pub(super) fn alias(&mut self) {
        let word = self.random.word(&ALIASES);
        self.one(word);
    }

    /// A column, perhaps with its table.
    pub(super) fn column(&mut self) {
        match self.random.below(8) {
            0..5 => self.word(),
            5 | 6 => {
                self.alias();
                self.put(".");
                self.word();
            }
            _ => {
                self.put("dbo . Orders .");
                self.word();
            }
        }
    }

    pub(super) fn literal(&mut self) {
        let literal = self.random.word(&LITERALS);
        self.one(literal);
    }

    pub(super) fn text(&mut self) {
        let literal = self.random.word(&TEXTS);
        self.one(literal);
    }

    pub(super) fn number(&mut self) {
        let number = (1 + self.random.below(99)).to_string();
        self.one(&number);
    }

    pub(super) fn data_type(&mut self) {
        self.put_any(&TYPES);
    }
}

/// With every kind of quote, and words that are keywords elsewhere.
const NAMES: [&str; 40] = [
    "OrderID",
    "CustomerID",
    "Total",
    "Freight",
    "ShipCity",
    "OrderDate",
    "a",
    "b",
    "x",
    "Name",
    "Value",
    "Type",
    "Status",
    "Date",
    "Year",
    "Description",
    "Password",
    "Level",
    "Path",
    "Language",
    "Row",
    "Rows",
    "First",
    "Last",
    "State",
    "Action",
    "Enabled",
    "Output",
    "_id",
    "col#1",
    "col$2",
    "a@b",
    "[update]",
    "[two words]",
    "[a]]b]",
    "\"from\"",
    "\"a\"\"b\"",
    "größe",
    "名前",
    "Время",
];

const ALIASES: [&str; 16] = [
    "a",
    "b",
    "c",
    "o",
    "p",
    "q",
    "t1",
    "t_2",
    "Summe",
    "[drop]",
    "[an alias]",
    "\"q\"",
    "[]]]",
    "größe",
    "last_update",
    "deletes",
];

const LITERALS: [&str; 28] = [
    "0",
    "1",
    "42",
    "9007199254740993",
    "1.5",
    ".5",
    "5.",
    "1e3",
    "1.5E-2",
    "0x",
    "0xDEADbeef",
    "$1.50",
    "NULL",
    "''",
    "'x'",
    "'it''s'",
    "N'Grüße'",
    "N'名前'",
    "'; DROP TABLE x --'",
    "'/* no comment'",
    "'two\nlines'",
    "'[a]'",
    "'\"'",
    "'2024-02-29T00:00:00'",
    "@p1",
    "@p2",
    "@@VERSION",
    "@@ROWCOUNT",
];

const TEXTS: [&str; 8] = [
    "'x'",
    "N'x'",
    "'%a[_]b%'",
    "'it''s'",
    "''",
    "'$.a.b'",
    "'a, b'",
    "N'DELETE FROM t'",
];

const TYPES: [&str; 27] = [
    "int",
    "bigint",
    "smallint",
    "tinyint",
    "bit",
    "decimal ( 19 , 4 )",
    "numeric ( 5 )",
    "money",
    "float",
    "float ( 24 )",
    "real",
    "date",
    "time ( 3 )",
    "datetime",
    "datetime2 ( 7 )",
    "datetimeoffset",
    "smalldatetime",
    "char ( 10 )",
    "varchar ( max )",
    "nvarchar ( 200 )",
    "nchar ( 5 )",
    "varbinary ( 16 )",
    "uniqueidentifier",
    "xml",
    "sql_variant",
    "sysname",
    "[nvarchar] ( max )",
];
