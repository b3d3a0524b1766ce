//! Queries: WITH, the clauses of SELECT, set operations, FOR and OPTION.

use super::Draft;

impl Draft<'_> {
    pub(super) fn statement(&mut self) {
        if self.random.chance(5) {
            self.put(";");
        }
        if self.random.chance(15) {
            self.common_table_expressions();
        }
        self.set_operation(false);
        if self.random.chance(40) {
            self.order_by(true);
        }
        if self.random.chance(8) {
            self.document();
        }
        if self.random.chance(12) {
            self.options();
        }
        if self.random.chance(15) {
            self.put(";");
        }
    }

    fn common_table_expressions(&mut self) {
        self.put("WITH");
        if self.random.chance(10) {
            self.put("XMLNAMESPACES (");
            self.put("'urn:a' AS ns1 , 'urn:b' AS ns2 ) ,");
        }
        self.list(1, 3, |draft| {
            draft.alias();
            if draft.maybe(30) {
                draft.enclosed(|draft| draft.list(1, 3, Self::alias));
            }
            draft.put("AS");
            draft.enclosed(|draft| draft.set_operation(true));
        });
    }

    /// A query inside parentheses that are already written.
    pub(super) fn subquery(&mut self) {
        self.set_operation(true);
    }

    fn set_operation(&mut self, inner: bool) {
        self.spend();
        self.arm();
        while self.maybe(10) {
            self.put_any(&["UNION ALL", "UNION", "EXCEPT", "INTERSECT"]);
            self.arm();
        }
        if inner && self.maybe(5) {
            // Without pages, or TOP, an inner query has no order.
            self.order_by(false);
            self.put("OFFSET 0 ROWS");
        }
    }

    fn arm(&mut self) {
        if self.maybe(6) {
            self.enclosed(|draft| draft.set_operation(true));
        } else {
            self.select();
        }
    }

    fn select(&mut self) {
        let named = self.newer && self.maybe(15);
        let name = named.then(|| format!("w{}", self.tokens.len()));
        let outer = std::mem::replace(&mut self.window_name, name);
        self.select_clauses();
        if let Some(name) = self.window_name.take() {
            self.put(&format!("WINDOW {name} AS ("));
            self.window(false);
            self.put(")");
        }
        self.window_name = outer;
    }

    fn select_clauses(&mut self) {
        self.put("SELECT");
        if self.maybe(8) {
            self.put_any(&["DISTINCT", "ALL"]);
        }
        if self.maybe(12) {
            self.top();
        }
        self.list(1, 4, Self::item);
        if let Some(name) = &self.window_name {
            let column = format!(", SUM ( a ) OVER {name}");
            self.put(&column);
        } else if self.random.chance(12) {
            return;
        }
        self.put("FROM");
        let most = if self.random.chance(10) { 3 } else { 1 };
        self.list(1, most, Self::relation);
        if self.maybe(40) {
            self.put("WHERE");
            self.condition();
        }
        if self.maybe(20) {
            self.group_by();
            if self.maybe(40) {
                self.put("HAVING");
                self.condition();
            }
        }
    }

    fn top(&mut self) {
        self.put("TOP");
        match self.random.below(3) {
            0 => self.number(),
            1 => self.enclosed(Self::number),
            _ => {
                self.enclosed(Self::expression);
                return;
            }
        }
        if self.maybe(20) {
            self.put("PERCENT");
        }
    }

    fn item(&mut self) {
        match self.random.below(12) {
            0 => self.put("*"),
            1 => {
                self.alias();
                self.put(". *");
            }
            2 => {
                self.alias();
                self.put("=");
                self.expression();
            }
            3 => {
                self.expression();
                self.put("AS");
                self.text();
            }
            4..7 => {
                self.expression();
                self.put("AS");
                self.alias();
            }
            7 => {
                self.expression();
                self.alias();
            }
            _ => self.expression(),
        }
    }

    fn group_by(&mut self) {
        self.put("GROUP BY");
        match self.random.below(7) {
            0 => {
                self.put_any(&["ROLLUP", "CUBE"]);
                self.enclosed(|draft| draft.list(1, 3, Self::column));
            }
            1 => self.put("GROUPING SETS ( ( a , b ) , ( a ) , ROLLUP ( x ) , ( ) )"),
            2 => {
                self.list(1, 3, Self::column);
                self.put_any(&["WITH ROLLUP", "WITH CUBE"]);
            }
            _ => self.list(1, 3, Self::expression),
        }
    }

    pub(super) fn order_by(&mut self, pages: bool) {
        self.put("ORDER BY");
        self.list(1, 3, |draft| {
            draft.expression();
            if draft.random.chance(30) {
                draft.put_any(&["ASC", "DESC"]);
            }
        });
        if pages && self.random.chance(25) {
            self.put("OFFSET");
            self.page();
            self.put_any(&["ROWS", "ROW"]);
            if self.random.chance(70) {
                self.put_any(&["FETCH NEXT", "FETCH FIRST"]);
                self.page();
                self.put_any(&["ROWS ONLY", "ROW ONLY"]);
            }
        }
    }

    fn page(&mut self) {
        match self.random.below(3) {
            0 => self.number(),
            1 => self.enclosed(Self::number),
            _ => self.put("@p1"),
        }
    }

    fn document(&mut self) {
        self.put_any(&[
            "FOR JSON PATH",
            "FOR JSON AUTO",
            "FOR JSON PATH , ROOT ( 'r' ) , INCLUDE_NULL_VALUES",
            "FOR JSON PATH , WITHOUT_ARRAY_WRAPPER",
            "FOR XML RAW",
            "FOR XML RAW ( 'row' ) , ELEMENTS XSINIL",
            "FOR XML AUTO , TYPE",
            "FOR XML PATH ( '' )",
            "FOR XML PATH , ROOT ( 'r' ) , BINARY BASE64",
            "FOR XML EXPLICIT",
        ]);
    }

    fn options(&mut self) {
        self.put("OPTION");
        self.enclosed(|draft| {
            draft.list(1, 2, |draft| {
                draft.put_any(&[
                    "RECOMPILE",
                    "MAXDOP 2",
                    "MAXRECURSION 100",
                    "FAST 10",
                    "HASH GROUP",
                    "ORDER GROUP",
                    "LOOP JOIN",
                    "HASH JOIN",
                    "HASH UNION",
                    "CONCAT UNION",
                    "FORCE ORDER",
                    "EXPAND VIEWS",
                    "OPTIMIZE FOR UNKNOWN",
                    "USE HINT ( 'DISABLE_OPTIMIZER_ROWGOAL' )",
                    "USE HINT ( N'DISABLE_PARAMETER_SNIFFING' , 'DISALLOW_BATCH_MODE' )",
                ]);
            });
        });
    }
}
