//! What stands after FROM: tables, joins, derived tables, row sources, PIVOT.

use super::Draft;

impl Draft<'_> {
    pub(super) fn relation(&mut self) {
        self.spend();
        self.source();
        while self.maybe(22) {
            self.join();
        }
    }

    fn join(&mut self) {
        if self.random.chance(30) {
            self.put_any(&["CROSS APPLY", "OUTER APPLY"]);
            match self.random.below(4) {
                0 => {
                    self.enclosed(Self::subquery);
                    self.named();
                }
                1 => {
                    self.put("STRING_SPLIT (");
                    self.column();
                    self.put(", ',' ) AS");
                    self.alias();
                }
                2 => self.open_json(),
                _ => self.put("d . Doc . nodes ( '/a/b' ) AS n ( c )"),
            }
            return;
        }
        if self.random.chance(15) {
            self.put("CROSS JOIN");
            self.source();
            return;
        }
        self.put_any(&[
            "JOIN",
            "INNER JOIN",
            "LEFT JOIN",
            "LEFT OUTER JOIN",
            "RIGHT JOIN",
            "RIGHT OUTER JOIN",
            "FULL JOIN",
            "FULL OUTER JOIN",
            "INNER HASH JOIN",
            "LEFT LOOP JOIN",
        ]);
        self.source();
        self.put("ON");
        self.condition();
    }

    fn source(&mut self) {
        match self.random.below(if self.budget > 0 { 24 } else { 12 }) {
            0..12 => self.table(),
            12..16 => {
                self.enclosed(Self::subquery);
                self.named();
            }
            16 => {
                self.put("( VALUES");
                self.list(1, 3, |draft| {
                    draft.put_any(&["( 1 , 'a' )", "( 2 , N'b' )"])
                });
                self.put(") AS v ( n , s )");
            }
            17 => self.open_json(),
            18 => {
                self.put("STRING_SPLIT ( @p1 , ',' ) AS");
                self.alias();
            }
            19 => {
                self.table();
                self.put("PIVOT ( SUM ( Total ) FOR Region IN ( [North] , [South] ) ) AS pv");
            }
            20 => {
                self.table();
                self.put("UNPIVOT ( v FOR k IN ( Q1 , Q2 , Q3 ) ) AS up");
            }
            21 => {
                self.put("(");
                self.table();
                self.join();
                self.put(")");
            }
            22 if self.newer => self.put("GENERATE_SERIES ( 1 , 10 , 2 ) AS g"),
            _ => self.put_any(&CATALOGUE),
        }
    }

    fn table(&mut self) {
        self.put_any(&TABLES);
        if self.maybe(5) {
            self.put_any(&[
                "FOR SYSTEM_TIME AS OF '2024-01-01'",
                "FOR SYSTEM_TIME ALL",
                "FOR SYSTEM_TIME BETWEEN '2024-01-01' AND '2024-02-01'",
                "FOR SYSTEM_TIME FROM '2024-01-01' TO '2024-02-01'",
                "FOR SYSTEM_TIME CONTAINED IN ( '2024-01-01' , '2024-02-01' )",
            ]);
        }
        if self.random.chance(60) {
            self.named();
        }
        if self.maybe(4) {
            self.put_any(&[
                "TABLESAMPLE ( 10 PERCENT )",
                "TABLESAMPLE SYSTEM ( 100 ROWS ) REPEATABLE ( 7 )",
            ]);
        }
        if self.maybe(10) {
            self.put_any(&[
                "WITH ( NOLOCK )",
                "( NOLOCK )",
                "WITH ( READPAST , INDEX ( ix_a ) )",
                "WITH ( INDEX = ix_a )",
                "WITH ( FORCESEEK )",
                "WITH ( FORCESEEK ( ix_a ( a , b ) ) )",
                "WITH ( NOEXPAND )",
                "WITH ( READUNCOMMITTED )",
            ]);
        }
    }

    fn named(&mut self) {
        if self.random.chance(60) {
            self.put("AS");
        }
        self.alias();
    }

    fn open_json(&mut self) {
        self.put("OPENJSON ( @p1");
        if self.random.chance(50) {
            self.put(", '$.items'");
        }
        self.put(")");
        if self.random.chance(60) {
            self.put(
                "WITH ( sku nvarchar ( 20 ) '$.sku' , n int , rest nvarchar ( max ) '$' AS JSON )",
            );
        }
        self.put("AS");
        self.alias();
    }
}

const TABLES: [&str; 14] = [
    "Orders",
    "dbo.Orders",
    "dbo . Customers",
    "Sales.Orders",
    "[dbo].[Orders]",
    "\"dbo\".\"Customers\"",
    "dbo.[drop]",
    "Product",
    "[insert]",
    "Läden",
    "dbo.Läden",
    "Production.Product",
    "Person.Person",
    "q",
];

const CATALOGUE: [&str; 6] = [
    "sys.tables",
    "sys.columns AS c",
    "INFORMATION_SCHEMA.TABLES",
    "information_schema.columns c",
    "[sys].[objects] o",
    "sys.foreign_keys fk",
];
