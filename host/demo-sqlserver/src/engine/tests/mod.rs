//! The engine over a small database whose answers can be worked out by hand.

mod company;

use std::sync::Arc;

use self::company::company;
use super::{Engine, Session, User};
use crate::value::{Column, Flow, Parameter, Sink, SqlError, SqlType, Value};

/// Everything that a batch sends.
#[derive(Debug, Default)]
struct Seen {
    columns: Vec<Column>,
    rows: Vec<Vec<Value>>,
    done: Vec<Option<u64>>,
    infos: Vec<String>,
}

impl Sink for Seen {
    fn columns(&mut self, columns: &[Column]) -> Flow {
        self.columns = columns.to_vec();
        self.rows.clear();
        Flow::Continue
    }

    fn row(&mut self, values: &[Value]) -> Flow {
        assert_eq!(values.len(), self.columns.len());
        self.rows.push(values.to_vec());
        Flow::Continue
    }

    fn done(&mut self, rows: Option<u64>) -> Flow {
        self.done.push(rows);
        Flow::Continue
    }

    fn info(&mut self, message: &SqlError) -> Flow {
        self.infos.push(message.message.clone());
        Flow::Continue
    }
}

/// 2024-05-06 07:08:09.1234567
fn clock() -> i64 {
    super::datetime::parse("2024-05-06 07:08:09.1234567")
        .unwrap()
        .ticks()
}

fn session() -> Session {
    let engine = Engine::open(company(), company::system(), Arc::new(clock)).unwrap();
    engine
        .session(User {
            name: "writer".into(),
            may_write: true,
        })
        .unwrap()
}

fn run(session: &mut Session, sql: &str) -> Result<Seen, SqlError> {
    let mut seen = Seen::default();
    session.execute(sql, &[], &mut seen).map(|()| seen)
}

/// Each row as text, cells separated by `|`.
fn show(seen: &Seen) -> Vec<String> {
    let cell = |value: &Value, column: &Column| match value {
        Value::Null => "NULL".into(),
        Value::Bytes(bytes) => format!("0x{}", super::convert::hex(bytes)),
        other => super::convert::to_text(
            other,
            column.sql_type,
            if matches!(column.sql_type, SqlType::Money) {
                Some(2)
            } else {
                Some(0).filter(|_| false)
            },
        )
        .unwrap(),
    };
    seen.rows
        .iter()
        .map(|row| {
            row.iter()
                .zip(&seen.columns)
                .map(|(v, c)| cell(v, c))
                .collect::<Vec<String>>()
                .join("|")
        })
        .collect()
}

fn ask(sql: &str) -> Vec<String> {
    let mut session = session();
    match run(&mut session, sql) {
        Ok(seen) => show(&seen),
        Err(e) => panic!("{sql}: {e}"),
    }
}

fn fails(sql: &str) -> SqlError {
    match run(&mut session(), sql) {
        Ok(seen) => panic!("{sql}: {:?}", show(&seen)),
        Err(e) => e,
    }
}

mod answers;
mod exactness;
mod statements;
mod whole;
