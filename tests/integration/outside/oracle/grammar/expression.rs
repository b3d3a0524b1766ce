//! Expressions and conditions.

use super::Draft;

impl Draft<'_> {
    pub(super) fn expression(&mut self) {
        if !self.spend() {
            if self.random.chance(70) {
                self.column();
            } else {
                self.literal();
            }
            return;
        }
        match self.random.below(if self.newer { 48 } else { 40 }) {
            0..10 => self.column(),
            10..15 => self.literal(),
            15..19 => {
                self.expression();
                self.put_any(&["+", "-", "*", "/", "%", "&", "|", "^"]);
                self.expression();
            }
            19 => {
                self.put_any(&["-", "~", "+"]);
                self.enclosed(Self::expression);
            }
            20 => self.enclosed(Self::expression),
            21 => self.enclosed(Self::subquery),
            22 => self.case(),
            23 => {
                self.put_any(&["CAST", "TRY_CAST"]);
                self.enclosed(|draft| {
                    draft.expression();
                    draft.put("AS");
                    draft.data_type();
                });
            }
            24 => {
                self.put_any(&["CONVERT", "TRY_CONVERT"]);
                self.enclosed(|draft| {
                    draft.data_type();
                    draft.put(",");
                    draft.expression();
                    if draft.random.chance(40) {
                        draft.put(", 126");
                    }
                });
            }
            25..29 => self.call(),
            29 => self.date_call(),
            30 => self.aggregate(),
            31 | 32 => self.windowed(),
            33 => {
                self.put("IIF (");
                self.condition();
                self.put(",");
                self.expression();
                self.put(",");
                self.expression();
                self.put(")");
            }
            34 => {
                self.column();
                self.put("COLLATE");
                self.put_any(&["Latin1_General_CI_AS", "DATABASE_DEFAULT"]);
            }
            35 => {
                self.column();
                self.put("AT TIME ZONE");
                self.text();
            }
            36 => self.put_any(&METHODS),
            37 => self.put_any(&NILADIC),
            38 => self.put_any(&[
                "{ d '2024-01-01' }",
                "{ ts '2024-01-01 10:00:00' }",
                "TRIM ( ' x ' FROM Name )",
                "STRING_AGG ( Name , ', ' ) WITHIN GROUP ( ORDER BY Name DESC )",
                "PARSE ( '1' AS int USING 'en-US' )",
                "PERCENTILE_CONT ( 0.5 ) WITHIN GROUP ( ORDER BY Total ) OVER ( PARTITION BY a )",
                "COUNT_BIG ( * )",
                "GROUPING ( a )",
            ]),
            39 => {
                self.put("NULLIF (");
                self.expression();
                self.put(",");
                self.expression();
                self.put(")");
            }
            _ => self.put_any(&NEWER),
        }
    }

    fn case(&mut self) {
        let simple = self.random.chance(40);
        self.put("CASE");
        if simple {
            self.column();
        }
        for _ in 0..=self.random.below(2) {
            self.put("WHEN");
            if simple {
                self.expression();
            } else {
                self.condition();
            }
            self.put("THEN");
            self.expression();
        }
        if self.random.chance(60) {
            self.put("ELSE");
            self.expression();
        }
        self.put("END");
    }

    fn call(&mut self) {
        let (name, arguments) = *self.random.pick(&FUNCTIONS);
        self.one(name);
        self.enclosed(|draft| draft.list(arguments, arguments, Self::expression));
    }

    fn date_call(&mut self) {
        let part = self.random.word(&["day", "MONTH", "yy", "week", "hour"]);
        match self.random.below(4) {
            0 => {
                self.put("DATEADD (");
                self.put(part);
                self.put(", - 1 ,");
                self.expression();
                self.put(")");
            }
            1 => {
                self.put("DATEDIFF (");
                self.put(part);
                self.put(",");
                self.expression();
                self.put(", GETDATE ( ) )");
            }
            _ => {
                self.put_any(&["DATEPART", "DATENAME"]);
                self.put("(");
                self.put(part);
                self.put(",");
                self.column();
                self.put(")");
            }
        }
    }

    fn aggregate(&mut self) {
        self.put_any(&["SUM", "AVG", "MIN", "MAX", "COUNT", "STDEV", "VAR"]);
        self.enclosed(|draft| {
            if draft.random.chance(25) {
                draft.put_any(&["DISTINCT", "ALL"]);
            }
            draft.expression();
        });
    }

    fn windowed(&mut self) {
        match self.random.below(5) {
            0 => self.put_any(&["ROW_NUMBER ( )", "RANK ( )", "DENSE_RANK ( )"]),
            1 => self.put("NTILE ( 4 )"),
            2 => {
                self.put_any(&["LAG", "LEAD", "FIRST_VALUE", "LAST_VALUE"]);
                self.enclosed(Self::expression);
                if self.newer && self.random.chance(40) {
                    self.put_any(&["IGNORE NULLS", "RESPECT NULLS"]);
                }
            }
            _ => {
                self.put_any(&["SUM", "AVG", "MIN", "MAX", "COUNT"]);
                self.enclosed(Self::expression);
            }
        }
        if let Some(name) = &self.window_name {
            let over = format!("OVER {name}");
            self.put(&over);
            return;
        }
        self.put("OVER (");
        self.window(true);
        self.put(")");
    }

    pub(super) fn window(&mut self, frames: bool) {
        if self.random.chance(60) {
            self.put("PARTITION BY");
            self.list(1, 2, Self::expression);
        }
        if self.random.chance(70) {
            self.order_by(false);
            if frames && self.random.chance(35) {
                self.put_any(&[
                    "ROWS UNBOUNDED PRECEDING",
                    "ROWS BETWEEN 3 PRECEDING AND CURRENT ROW",
                    "RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
                    "ROWS BETWEEN CURRENT ROW AND 2 FOLLOWING",
                ]);
            }
        }
    }

    pub(super) fn condition(&mut self) {
        if !self.spend() {
            self.column();
            self.put("= 1");
            return;
        }
        match self.random.below(if self.newer { 20 } else { 18 }) {
            0..6 => {
                self.expression();
                self.put_any(&[
                    "=", "<>", "!=", "<", ">", "<=", ">=", "!<", "!>", "< >", "> =",
                ]);
                self.expression();
            }
            6 | 7 => {
                self.condition();
                self.put_any(&["AND", "OR"]);
                self.condition();
            }
            8 => {
                self.put("NOT");
                self.enclosed(Self::condition);
            }
            9 => {
                self.expression();
                self.put_any(&["LIKE", "NOT LIKE"]);
                self.text();
                if self.random.chance(30) {
                    self.put("ESCAPE '!'");
                }
            }
            10 => {
                self.expression();
                self.put_any(&["IN", "NOT IN"]);
                self.enclosed(|draft| draft.list(1, 4, Self::expression));
            }
            11 => {
                self.expression();
                self.put("IN");
                self.enclosed(Self::subquery);
            }
            12 => {
                self.expression();
                self.put_any(&["BETWEEN", "NOT BETWEEN"]);
                self.expression();
                self.put("AND");
                self.expression();
            }
            13 | 14 => {
                self.expression();
                self.put_any(&["IS NULL", "IS NOT NULL"]);
            }
            15 => {
                self.put_any(&["EXISTS", "NOT EXISTS"]);
                self.enclosed(Self::subquery);
            }
            16 => {
                self.expression();
                self.put_any(&["= ANY", "> ALL", "<> SOME"]);
                self.enclosed(Self::subquery);
            }
            17 => self.put_any(&[
                "CONTAINS ( Description , N'\"red bike\"' )",
                "CONTAINS ( ( Name , Description ) , 'red NEAR bike' , LANGUAGE 1033 )",
                "FREETEXT ( * , 'bike' )",
                "doc.exist ( '/a' ) = 1",
                "( 1 = 1 )",
            ]),
            18 => {
                self.expression();
                self.put_any(&["IS DISTINCT FROM", "IS NOT DISTINCT FROM"]);
                self.expression();
            }
            _ => self.put("REGEXP_LIKE ( Name , '^a' )"),
        }
    }
}

/// With how many arguments.
const FUNCTIONS: [(&str, usize); 50] = [
    ("ISNULL", 2),
    ("COALESCE", 3),
    ("LEN", 1),
    ("UPPER", 1),
    ("lower", 1),
    ("LTRIM", 1),
    ("RTRIM", 1),
    ("LEFT", 2),
    ("RIGHT", 2),
    ("SUBSTRING", 3),
    ("REPLACE", 3),
    ("STUFF", 4),
    ("CHARINDEX", 2),
    ("PATINDEX", 2),
    ("CONCAT", 3),
    ("CONCAT_WS", 3),
    ("FORMAT", 2),
    ("REVERSE", 1),
    ("REPLICATE", 2),
    ("ABS", 1),
    ("ROUND", 2),
    ("FLOOR", 1),
    ("CEILING", 1),
    ("POWER", 2),
    ("SQRT", 1),
    ("SIGN", 1),
    ("YEAR", 1),
    ("MONTH", 1),
    ("DAY", 1),
    ("EOMONTH", 1),
    ("DATEFROMPARTS", 3),
    ("ISDATE", 1),
    ("ISNUMERIC", 1),
    ("CHOOSE", 3),
    ("JSON_VALUE", 2),
    ("JSON_QUERY", 2),
    ("ISJSON", 1),
    ("HASHBYTES", 2),
    ("CHECKSUM", 2),
    ("OBJECT_ID", 1),
    ("OBJECT_NAME", 1),
    ("SCHEMA_NAME", 1),
    ("DB_NAME", 0),
    ("NEWID", 0),
    ("GETUTCDATE", 0),
    ("SYSDATETIMEOFFSET", 0),
    ("QUOTENAME", 1),
    ("TRANSLATE", 3),
    ("STRING_ESCAPE", 2),
    ("UNICODE", 1),
];

const NILADIC: [&str; 5] = [
    "CURRENT_TIMESTAMP",
    "CURRENT_USER",
    "SESSION_USER",
    "SYSTEM_USER",
    "USER",
];

const METHODS: [&str; 8] = [
    "doc.value ( '(/a/b)[1]' , 'int' )",
    "d . doc.query ( '/a' )",
    "doc.query ( '/a' ) . value ( '(/b)[1]' , 'int' )",
    "geography :: Point ( 47.6 , - 122.3 , 4326 )",
    "geography :: Point ( 1 , 2 , 4326 ) . STDistance ( Loc )",
    "Loc.STAsText ( )",
    "Node.ToString ( )",
    "hierarchyid :: GetRoot ( )",
];

/// What came after 2019.
const NEWER: [&str; 12] = [
    "GREATEST ( a , b , 1 )",
    "LEAST ( a , b )",
    "DATETRUNC ( month , OrderDate )",
    "DATE_BUCKET ( week , 2 , OrderDate )",
    "JSON_OBJECT ( 'a' : Total , 'b' : Name )",
    "JSON_OBJECT ( 'a' : Total NULL ON NULL )",
    "JSON_ARRAY ( 1 , Total , Name ABSENT ON NULL )",
    "TRIM ( LEADING 'x' FROM Name )",
    "BIT_COUNT ( a )",
    "LEFT_SHIFT ( a , 2 )",
    "APPROX_PERCENTILE_CONT ( 0.5 ) WITHIN GROUP ( ORDER BY Total )",
    "REGEXP_REPLACE ( Name , '^a' , '' )",
];
