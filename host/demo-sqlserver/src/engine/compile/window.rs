//! Window functions: SQLite's own, with typed arguments.

use sqlparser::ast::{Expr, Function, NullTreatment, WindowFrameBound, WindowSpec, WindowType};

use super::aggregate::{arguments, is_name, wrong_count};
use super::query::direction;
use super::{Compiler, Typed};
use crate::engine::error::{Result, error, unsupported};
use crate::value::SqlType;

impl Compiler<'_> {
    /// A function with OVER.
    pub(super) fn window_call(
        &mut self,
        name: &str,
        function: &Function,
        over: &WindowType,
    ) -> Result<Typed> {
        let WindowType::WindowSpec(spec) = over else {
            return Err(unsupported("named windows"));
        };
        if matches!(function.null_treatment, Some(NullTreatment::IgnoreNulls)) {
            return Err(unsupported("IGNORE NULLS"));
        }
        let call = arguments(function)?;
        let window = self.window(spec)?;
        if is_name(name) {
            return self.aggregate(name, function, &call, &window);
        }
        let ordered = matches!(
            name,
            "ROW_NUMBER"
                | "RANK"
                | "DENSE_RANK"
                | "NTILE"
                | "LAG"
                | "LEAD"
                | "FIRST_VALUE"
                | "LAST_VALUE"
                | "PERCENT_RANK"
                | "CUME_DIST"
        );
        if ordered && spec.order_by.is_empty() {
            return Err(error(
                4112,
                format!("The function '{name}' must have an OVER clause with ORDER BY."),
            ));
        }
        match name {
            "ROW_NUMBER" | "RANK" | "DENSE_RANK" => Ok(Typed::new(
                format!("{name}(){window}"),
                SqlType::BigInt,
                true,
            )),
            "PERCENT_RANK" | "CUME_DIST" => Ok(Typed::new(
                format!("{name}(){window}"),
                SqlType::Float,
                false,
            )),
            "NTILE" => {
                let [n] = call.exprs.as_slice() else {
                    return Err(wrong_count(name));
                };
                let n = self.expr(n)?;
                let n = self.cast(n, SqlType::BigInt);
                Ok(Typed::new(
                    format!("NTILE({}){window}", n.sql),
                    SqlType::BigInt,
                    true,
                ))
            }
            "LAG" | "LEAD" => {
                let (value, rest) = call.exprs.split_first().ok_or_else(|| wrong_count(name))?;
                let value = self.expr(value)?;
                let offset = match rest.first() {
                    Some(e) => self.constant_integer(e, "an offset of LAG")?,
                    None => 1,
                };
                let mut list = format!("{}, {offset}", value.sql);
                let mut nullable = true;
                if let Some(default) = rest.get(1) {
                    let default = self.expr(default)?;
                    nullable = value.nullable || default.nullable;
                    list.push_str(&format!(", {}", self.cast(default, value.sql_type).sql));
                }
                Ok(Typed {
                    nullable,
                    identity: false,
                    constant: None,
                    ..Typed {
                        sql: format!("{name}({list}){window}"),
                        ..value
                    }
                })
            }
            "FIRST_VALUE" | "LAST_VALUE" => {
                let [value] = call.exprs.as_slice() else {
                    return Err(wrong_count(name));
                };
                let value = self.expr(value)?;
                Ok(Typed {
                    nullable: true,
                    identity: false,
                    constant: None,
                    ..Typed {
                        sql: format!("{name}({}){window}", value.sql),
                        ..value
                    }
                })
            }
            other => Err(unsupported(format_args!("the window function {other}"))),
        }
    }

    fn window(&mut self, spec: &WindowSpec) -> Result<String> {
        let mut clauses = Vec::new();
        if !spec.partition_by.is_empty() {
            let keys = spec
                .partition_by
                .iter()
                .map(|e| self.expr(e).map(|k| k.key()))
                .collect::<Result<Vec<_>>>()?;
            clauses.push(format!("PARTITION BY {}", keys.join(", ")));
        }
        if !spec.order_by.is_empty() {
            let keys = spec
                .order_by
                .iter()
                .map(|o| {
                    if matches!(o.expr, Expr::Value(_)) {
                        return Err(error(5308, "Windowed functions, aggregates and NEXT VALUE FOR functions do not support integer indices as ORDER BY clause expressions."));
                    }
                    self.expr(&o.expr).map(|k| format!("{}{}", k.key(), direction(o)))
                })
                .collect::<Result<Vec<_>>>()?;
            clauses.push(format!("ORDER BY {}", keys.join(", ")));
        }
        if let Some(frame) = &spec.window_frame {
            let start = self.bound(&frame.start_bound)?;
            clauses.push(match &frame.end_bound {
                Some(end) => format!("{} BETWEEN {start} AND {}", frame.units, self.bound(end)?),
                None => format!("{} {start}", frame.units),
            });
        }
        Ok(format!(" OVER ({})", clauses.join(" ")))
    }

    fn bound(&mut self, bound: &WindowFrameBound) -> Result<String> {
        Ok(match bound {
            WindowFrameBound::CurrentRow => "CURRENT ROW".into(),
            WindowFrameBound::Preceding(None) => "UNBOUNDED PRECEDING".into(),
            WindowFrameBound::Following(None) => "UNBOUNDED FOLLOWING".into(),
            WindowFrameBound::Preceding(Some(n)) => {
                format!("{} PRECEDING", self.constant_integer(n, "a window bound")?)
            }
            WindowFrameBound::Following(Some(n)) => {
                format!("{} FOLLOWING", self.constant_integer(n, "a window bound")?)
            }
        })
    }
}
