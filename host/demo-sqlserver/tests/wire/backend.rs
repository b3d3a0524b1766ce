//! A backend that answers a few fixed statements.

use std::sync::{Arc, Condvar, Mutex};

use demo_sqlserver::{
    Backend, BackendSession, Column, Flow, Interrupter, Length, LogIn, Parameter, Sink, SqlError,
    SqlType, Udt, Value,
};
use secrecy::ExposeSecret;

pub(crate) const PASSWORD: &str = "Pä$$wörd ÿ";

/// Knows the user `sa` and the databases `Shop` and `Other`.
#[derive(Debug, Default)]
pub(crate) struct Scripted;

impl Backend for Scripted {
    fn log_in(&self, log_in: &LogIn) -> Result<Box<dyn BackendSession>, SqlError> {
        if log_in.user != "sa" || log_in.password.expose_secret() != PASSWORD {
            return Err(error(18_456, "Login failed for user."));
        }
        if !["", "Shop", "master"].contains(&log_in.database.as_str()) {
            return Err(error(4_060, "Cannot open database."));
        }
        Ok(Box::new(Session {
            database: "Shop".to_owned(),
            transactions: 0,
            interrupted: Arc::default(),
        }))
    }
}

struct Session {
    database: String,
    transactions: u32,
    interrupted: Arc<(Mutex<bool>, Condvar)>,
}

impl BackendSession for Session {
    fn database(&self) -> &str {
        &self.database
    }

    fn execute(
        &mut self,
        sql: &str,
        parameters: Option<&[Parameter]>,
        sink: &mut dyn Sink,
    ) -> Result<(), SqlError> {
        let parameters = parameters.unwrap_or_default();
        let words: Vec<&str> = sql.split_whitespace().collect();
        match words.as_slice() {
            ["SELECT", "every", "type"] => one_row(&every_type(), sink),
            ["SELECT", "nulls"] => {
                let mut cells = every_type();
                for cell in &mut cells {
                    cell.2 = Value::Null;
                }
                one_row(&cells, sink);
            }
            ["SELECT", "parameters", ..] => {
                let cells: Vec<_> = parameters
                    .iter()
                    .map(|given| (given.name.as_str(), given.sql_type, given.value.clone()))
                    .collect();
                one_row(&cells, sink);
            }
            ["SELECT", "database"] => {
                let name = Value::Text(self.database.clone());
                one_row(&[("database", NAME, name)], sink);
            }
            ["SELECT", "rows", count] => rows(count.parse().unwrap(), sink),
            ["SELECT", "endless"] => rows(i64::MAX, sink),
            ["WAIT"] => self.wait_for_interrupt(),
            ["SELECT", "misfit"] => one_row(&[("n", SqlType::Int, Value::Bit(true))], sink),
            ["SELECT", "nowhere"] => return Err(error(208, "Invalid object name 'nowhere'.")),
            ["SELECT", "fatal"] => {
                let mut fatal = error(823, "The disk is gone.");
                fatal.severity = 24;
                return Err(fatal);
            }
            ["EXEC", "sp_set_session_context", ..] => {
                let text = Value::Text(sql.to_owned());
                one_row(&[("text", NAME, text)], sink);
            }
            ["USE", database] => {
                self.database = (*database).to_owned();
                sink.done(None);
            }
            ["BEGIN", ..] => self.begin()?,
            ["COMMIT", ..] => self.commit()?,
            ["ROLLBACK", ..] => self.rollback(None)?,
            ["PRINT", text] => {
                let mut message = error(0, text);
                message.severity = 0;
                sink.info(&message);
                sink.done(None);
            }
            _ => {
                sink.done(None);
            }
        }
        Ok(())
    }

    fn begin(&mut self) -> Result<(), SqlError> {
        self.transactions += 1;
        Ok(())
    }

    fn commit(&mut self) -> Result<(), SqlError> {
        self.transactions = self
            .transactions
            .checked_sub(1)
            .ok_or_else(|| error(3_902, "No transaction to commit."))?;
        Ok(())
    }

    fn rollback(&mut self, savepoint: Option<&str>) -> Result<(), SqlError> {
        if savepoint.is_none() {
            self.transactions = 0;
        }
        Ok(())
    }

    fn save(&mut self, _: &str) -> Result<(), SqlError> {
        Ok(())
    }

    fn transaction_count(&self) -> u32 {
        self.transactions
    }

    fn reset(&mut self) {
        self.database = "Shop".to_owned();
        self.transactions = 0;
    }

    fn interrupter(&self) -> Interrupter {
        let interrupted = Arc::clone(&self.interrupted);
        Arc::new(move || {
            *interrupted.0.lock().unwrap() = true;
            interrupted.1.notify_all();
        })
    }
}

impl Session {
    /// Runs until interrupted and produces nothing.
    fn wait_for_interrupt(&self) {
        let (interrupted, changed) = &*self.interrupted;
        let mut guard = changed
            .wait_while(interrupted.lock().unwrap(), |interrupted| !*interrupted)
            .unwrap();
        *guard = false;
    }
}

type Cell<'a> = (&'a str, SqlType, Value);

fn one_row(cells: &[Cell<'_>], sink: &mut dyn Sink) {
    let columns: Vec<Column> = cells
        .iter()
        .map(|(name, sql_type, _)| column(name, *sql_type))
        .collect();
    let values: Vec<Value> = cells.iter().map(|(_, _, value)| value.clone()).collect();
    sink.columns(&columns);
    sink.row(&values);
    sink.done(Some(1));
}

fn rows(count: i64, sink: &mut dyn Sink) {
    sink.columns(&[column("n", SqlType::BigInt), column("text", NAME)]);
    let mut row = [Value::Null, Value::Text("ten chars.".to_owned())];
    for n in 0..count {
        row[0] = Value::Int(n);
        if sink.row(&row) == Flow::Stop {
            return;
        }
    }
    sink.done(Some(count.unsigned_abs()));
}

fn column(name: &str, sql_type: SqlType) -> Column {
    Column {
        name: name.to_owned(),
        sql_type,
        nullable: true,
        identity: false,
    }
}

fn error(number: i32, message: &str) -> SqlError {
    SqlError {
        number,
        state: 1,
        severity: 16,
        message: message.to_owned(),
        line: 1,
    }
}

const NAME: SqlType = SqlType::NVarChar(Length::Limited(128));
/// 2024-02-29 in days since 0001-01-01.
pub(crate) const LEAP_DAY: u32 = 738_944;
/// 13:14:15.1234567 in units of 100 ns.
pub(crate) const AFTERNOON: u64 = 476_551_234_567;

pub(crate) fn every_type() -> Vec<Cell<'static>> {
    let text = |text: &str| Value::Text(text.to_owned());
    let bytes = |bytes: &[u8]| Value::Bytes(bytes.to_vec());
    let decimal = SqlType::Decimal {
        precision: 38,
        scale: 10,
    };
    let rounded = Value::DateTime(LEAP_DAY, 476_551_230_000);
    vec![
        ("bit", SqlType::Bit, Value::Bit(true)),
        ("tinyint", SqlType::TinyInt, Value::Int(200)),
        ("smallint", SqlType::SmallInt, Value::Int(-32_768)),
        ("int", SqlType::Int, Value::Int(-2_147_483_648)),
        ("bigint", SqlType::BigInt, Value::Int(i64::MAX)),
        ("real", SqlType::Real, Value::Real(0.1)),
        ("float", SqlType::Float, Value::Float(0.1)),
        ("decimal", decimal, Value::Decimal(-(10_i128.pow(38) - 1))),
        ("smallmoney", SqlType::SmallMoney, Value::Money(-12_345)),
        ("money", SqlType::Money, Value::Money(123_456_789_012)),
        ("char", SqlType::Char(5), text("Été")),
        (
            "varchar",
            SqlType::VarChar(Length::Limited(20)),
            text("Œuvre €"),
        ),
        ("varcharmax", SqlType::VarChar(Length::Max), text("")),
        ("nchar", SqlType::NChar(4), text("日本")),
        (
            "nvarchar",
            SqlType::NVarChar(Length::Limited(20)),
            text("\u{1F600} ñ"),
        ),
        (
            "nvarcharmax",
            SqlType::NVarChar(Length::Max),
            Value::Text("日".repeat(9_000)),
        ),
        ("text", SqlType::Text, text("old text")),
        ("ntext", SqlType::NText, text("旧")),
        ("binary", SqlType::Binary(4), bytes(&[0xDE, 0xAD])),
        (
            "varbinary",
            SqlType::VarBinary(Length::Limited(8)),
            bytes(&[0, 255]),
        ),
        (
            "varbinarymax",
            SqlType::VarBinary(Length::Max),
            Value::Bytes(vec![7; 10_000]),
        ),
        ("image", SqlType::Image, bytes(&[1, 2, 3])),
        (
            "rowversion",
            SqlType::RowVersion,
            bytes(&[0, 0, 0, 0, 0, 0, 7, 0xD1]),
        ),
        ("guid", SqlType::UniqueIdentifier, Value::Guid(GUID)),
        ("date", SqlType::Date, Value::Date(LEAP_DAY)),
        ("time7", SqlType::Time(7), Value::Time(AFTERNOON)),
        ("time0", SqlType::Time(0), Value::Time(476_550_000_000)),
        ("datetime", SqlType::DateTime, rounded),
        (
            "smalldatetime",
            SqlType::SmallDateTime,
            Value::DateTime(LEAP_DAY, 476_400_000_000),
        ),
        (
            "datetime2",
            SqlType::DateTime2(7),
            Value::DateTime(LEAP_DAY, AFTERNOON),
        ),
        (
            "datetimeoffset",
            SqlType::DateTimeOffset(7),
            Value::DateTimeOffset(LEAP_DAY, AFTERNOON, 330),
        ),
        ("xml", SqlType::Xml, text("<a>é</a>")),
        (
            "variant",
            SqlType::Variant,
            variant(SqlType::Int, Value::Int(42)),
        ),
        ("variant_text", SqlType::Variant, variant(NAME, text("ñ"))),
        (
            "variant_decimal",
            SqlType::Variant,
            variant(
                SqlType::Decimal {
                    precision: 9,
                    scale: 2,
                },
                Value::Decimal(-1_250),
            ),
        ),
        (
            "geography",
            SqlType::Udt(Udt::Geography),
            bytes(&[0xE6, 0x10, 0, 0, 1]),
        ),
        (
            "hierarchyid",
            SqlType::Udt(Udt::HierarchyId),
            bytes(&[0x58]),
        ),
    ]
}

fn variant(base: SqlType, value: Value) -> Value {
    Value::Variant(Box::new((base, value)))
}

pub(crate) const GUID: [u8; 16] =
    *b"\x0E\x98\x4C\x72\xF4\xA5\x4B\x3C\x9D\x6E\x01\x23\x45\x67\x89\xAB";
