//! Statements made at random: whatever their form, a masked table is read
//! through its mask alone.

use super::tests::{MASKED, Scope};
use crate::database::guard::{Cte, RelationKind, inspect};

/// Numbers that are the same in every run (Knuth's MMIX).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn one<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.roll(of.len())]
    }
}

struct Maker {
    dice: Dice,
    aliases: usize,
}

impl Maker {
    fn statement(&mut self) -> String {
        let mut sql = String::new();
        if self.dice.roll(3) == 0 {
            let name = self.dice.one(&["c", "Customers", "[Customers]", "d (x)"]);
            sql = format!("WITH {name} AS ({}) ", self.query(1));
            if self.dice.roll(2) == 0 {
                sql = format!("{}, e AS ({}) ", sql.trim_end(), self.query(1));
            }
        }
        sql += &self.query(2);
        sql + self
            .dice
            .one(&["", "", " FOR JSON PATH", " OPTION (RECOMPILE)", ";"])
    }

    fn query(&mut self, depth: usize) -> String {
        let list = self
            .dice
            .one(&["*", "Email", "Customers.Email AS e", "COUNT(*)"]);
        let top = self.dice.one(&["", "DISTINCT ", "TOP (5) ", "ALL "]);
        let mut sql = format!("SELECT {top}{list} FROM {}", self.relation(depth));
        for _ in 0..self.dice.roll(3) {
            let join = self
                .dice
                .one(&[",", " JOIN", " LEFT OUTER HASH JOIN", " CROSS APPLY"]);
            sql += join;
            sql.push(' ');
            sql += &self.relation(depth);
            if join.ends_with("JOIN") {
                sql += " ON 1 = 1 ";
            }
        }
        sql += match self.dice.roll(6) {
            0 => " PIVOT (MAX(Id) FOR Email IN ([a])) AS p",
            1 => " WHERE Email LIKE 'a%' -- Customers\n",
            2 => " WHERE Id IS NOT DISTINCT FROM 1 /* FROM Customers */",
            3 => " WINDOW w AS (PARTITION BY Email), v AS (w)",
            _ => " ",
        };
        if depth > 0 {
            let inner = self.query(depth - 1);
            sql = match self.dice.roll(5) {
                0 => format!("{sql} UNION ALL {inner}"),
                1 => format!("SELECT ({inner}) AS a, TRIM(' ' FROM ({inner}))"),
                2 => format!("SELECT CASE WHEN EXISTS ({inner}) THEN 1 END FROM dbo.Orders"),
                _ => sql,
            };
        }
        sql
    }

    fn relation(&mut self, depth: usize) -> String {
        self.aliases += 1;
        let alias = format!("t{}", self.aliases);
        match self.dice.roll(8) {
            0 if depth > 0 => format!("({}) AS {alias}", self.query(depth - 1)),
            1 if depth > 0 => format!(
                "({} CROSS JOIN {})",
                self.relation(depth - 1),
                self.relation(depth - 1)
            ),
            2 => format!("OPENJSON('[]') WITH (a int '$.a') {alias}"),
            3 => format!("dbo.Orders {alias}"),
            _ => {
                let name = self.dice.one(&[
                    "dbo.Customers",
                    "Customers",
                    "[dbo] . [customers]",
                    "\"CUSTOMERS\"",
                    "sales.Customers",
                    "dbo/**/./**/CUSTOMERS",
                ]);
                let time = self.dice.one(&["", "", " FOR SYSTEM_TIME ALL"]);
                let alias = match self.dice.roll(4) {
                    0 => String::new(),
                    1 => format!(" AS [{alias}]"),
                    2 => format!("\n--\nAS\n{alias}"),
                    _ => format!(" {alias}"),
                };
                let tail = self
                    .dice
                    .one(&["", "", " WITH (NOLOCK)", " TABLESAMPLE (5 ROWS)"]);
                format!("{name}{time}{alias}{tail}")
            }
        }
    }
}

#[test]
fn no_statement_reads_a_masked_table_but_through_its_mask() {
    let scope = Scope::new(&[], &[], &["dbo.Customers.Email"]);
    let (before, table) = MASKED.split_at(MASKED.rfind("[dbo]").unwrap());
    let mut maker = Maker {
        dice: Dice(42),
        aliases: 0,
    };
    let mut masks = 0;
    for _ in 0..5_000 {
        let sql = maker.statement();
        // With its masks it must stay within what the guard reads again.
        if sql.len() > 2_000 {
            continue;
        }
        inspect(&sql, &[], &[]).expect(&sql);
        // One that names a common table expression in another case.
        let Ok(rewritten) = scope.read(&sql) else {
            continue;
        };
        let sent = rewritten.sql.as_deref().unwrap_or(&sql);
        let (_, seen) = inspect(sent, &[], &[]).expect(sent);
        for relation in &seen.relations {
            let elsewhere = relation.schema.as_deref() == Some("sales");
            if relation.kind != RelationKind::Table
                || relation.cte == Cte::Exact
                || elsewhere
                || !relation.table.eq_ignore_ascii_case("Customers")
            {
                continue;
            }
            assert_eq!(&sent[relation.name.clone()], table, "{sql}\n{sent}");
            assert!(
                sent[..relation.name.start].ends_with(before),
                "{sql}\n{sent}"
            );
            masks += 1;
        }
        assert_eq!(sql.matches('\n').count(), sent.matches('\n').count());
    }
    assert!(masks > 5_000, "{masks}");
}
