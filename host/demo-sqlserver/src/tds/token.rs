//! The tokens of a reply (MS-TDS §2.2.7).

use super::encode;
use super::packet::{PacketOut, PacketWriter, cut, us_varchar_units};
use super::text::COLLATION;
use super::type_info::{self, Layout};
use crate::value::{Column, Parameter, SqlError, SqlType, Value};

/// Which of the three DONE tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DoneToken {
    /// A statement of a batch.
    Done,
    /// A procedure.
    Procedure,
    /// A statement within a procedure.
    InProcedure,
}

/// DONE, DONEPROC or DONEINPROC.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Done {
    pub(crate) token: DoneToken,
    pub(crate) status: u16,
    pub(crate) command: u16,
    pub(crate) rows: u64,
}

/// Another DONE follows.
pub(crate) const DONE_MORE: u16 = 0x01;
/// The statement failed.
pub(crate) const DONE_ERROR: u16 = 0x02;
/// A transaction is open.
pub(crate) const DONE_IN_TRANSACTION: u16 = 0x04;
/// The count of rows is valid.
pub(crate) const DONE_COUNT: u16 = 0x10;
/// Answers an Attention.
pub(crate) const DONE_ATTENTION: u16 = 0x20;

pub(crate) fn done<O: PacketOut>(out: &mut PacketWriter<O>, done: Done) {
    out.u8(match done.token {
        DoneToken::Done => 0xFD,
        DoneToken::Procedure => 0xFE,
        DoneToken::InProcedure => 0xFF,
    });
    out.u16(done.status);
    out.u16(done.command);
    out.u64(done.rows);
}

/// What ENVCHANGE tells (MS-TDS §2.2.7.9).
#[derive(Debug, Clone, Copy)]
pub(crate) enum EnvironmentChange<'a> {
    Database {
        new: &'a str,
        old: &'a str,
    },
    Language(&'a str),
    PacketSize {
        new: &'a str,
        old: &'a str,
    },
    Collation,
    Begin(u64),
    Commit(u64),
    Rollback(u64),
    /// Answers RESETCONNECTION.
    Reset,
}

pub(crate) fn environment_change<O: PacketOut>(
    out: &mut PacketWriter<O>,
    change: EnvironmentChange<'_>,
) {
    out.u8(0xE3);
    let (kind, new, old) = match change {
        EnvironmentChange::Database { new, old } => (1, new, old),
        EnvironmentChange::Language(new) => (2, new, ""),
        EnvironmentChange::PacketSize { new, old } => (4, new, old),
        EnvironmentChange::Collation => {
            out.u16(8);
            out.put(&[7, 5]);
            out.put(&COLLATION);
            out.u8(0);
            return;
        }
        EnvironmentChange::Begin(transaction) => {
            out.u16(11);
            out.put(&[8, 8]);
            out.u64(transaction);
            out.u8(0);
            return;
        }
        EnvironmentChange::Commit(transaction) | EnvironmentChange::Rollback(transaction) => {
            let ends_well = matches!(change, EnvironmentChange::Commit(_));
            out.u16(11);
            out.put(&[if ends_well { 9 } else { 10 }, 0, 8]);
            out.u64(transaction);
            return;
        }
        EnvironmentChange::Reset => {
            out.u16(3);
            out.put(&[18, 0, 0]);
            return;
        }
    };
    let units = |text| cut(text, usize::from(u8::MAX)).1;
    let length = 3 + 2 * (units(new) + units(old));
    out.u16(u16::try_from(length).unwrap_or(u16::MAX));
    out.u8(kind);
    out.b_varchar(new);
    out.b_varchar(old);
}

/// ERROR or, below severity 11, INFO.
pub(crate) fn message<O: PacketOut>(
    out: &mut PacketWriter<O>,
    error: &SqlError,
    server: &str,
    procedure: &str,
) {
    let information = error.severity <= 10;
    out.u8(if information { 0xAB } else { 0xAA });
    let units = |text| cut(text, usize::from(u8::MAX)).1;
    let length = 14 + 2 * (us_varchar_units(&error.message) + units(server) + units(procedure));
    out.u16(u16::try_from(length).unwrap_or(u16::MAX));
    out.u32(error.number.cast_unsigned());
    out.u8(error.state);
    out.u8(error.severity);
    out.us_varchar(&error.message);
    out.b_varchar(server);
    out.b_varchar(procedure);
    out.u32(error.line);
}

/// LOGINACK; `version` is major, minor and build of the server.
pub(crate) fn login_ack<O: PacketOut>(
    out: &mut PacketWriter<O>,
    tds_version: u32,
    version: (u8, u8, u16),
) {
    const PROGRAM: &str = "Microsoft SQL Server";
    let (major, minor, build) = version;
    let [build_high, build_low] = build.to_be_bytes();
    out.u8(0xAD);
    out.u16(u16::try_from(10 + 2 * PROGRAM.len()).unwrap_or_default());
    out.u8(1);
    out.put(&tds_version.to_be_bytes());
    out.b_varchar(PROGRAM);
    out.put(&[major, minor, build_high, build_low]);
}

/// FEATUREEXTACK: that UTF-8 collations are understood, where it was asked.
pub(crate) fn feature_extension_ack<O: PacketOut>(out: &mut PacketWriter<O>, utf8: bool) {
    out.u8(0xAE);
    if utf8 {
        out.put(&[0x0A, 1, 0, 0, 0, 1]);
    }
    out.u8(0xFF);
}

pub(crate) fn return_status<O: PacketOut>(out: &mut PacketWriter<O>, status: i32) {
    out.u8(0x79);
    out.u32(status.cast_unsigned());
}

/// RETURNVALUE of the output parameter at `ordinal`. A value that its type
/// cannot hold goes as NULL.
pub(crate) fn return_value<O: PacketOut>(
    out: &mut PacketWriter<O>,
    ordinal: u16,
    parameter: &Parameter,
    database: &str,
) {
    out.u8(0xAC);
    out.u16(ordinal);
    out.b_varchar(&parameter.name);
    out.u8(1);
    out.u32(0);
    out.u16(FLAG_NULLABLE);
    type_info::put(out, parameter.sql_type, database);
    match encode::length(parameter.sql_type, &parameter.value) {
        Ok(length) => encode::put(out, parameter.sql_type, &parameter.value, length),
        Err(encode::Misfit) => encode::put(out, parameter.sql_type, &Value::Null, 0),
    }
}

/// COLMETADATA. `count` is that of `columns`.
pub(crate) fn column_metadata<O: PacketOut>(
    out: &mut PacketWriter<O>,
    count: u16,
    columns: &[Column],
    database: &str,
) {
    out.u8(0x81);
    out.u16(count);
    for column in columns {
        out.u32(type_info::user_type(column.sql_type));
        let mut flags = FLAG_UPDATEABLE_UNKNOWN;
        if column.nullable {
            flags |= FLAG_NULLABLE;
        }
        if column.identity {
            flags |= FLAG_IDENTITY;
        }
        out.u16(flags);
        type_info::put(out, column.sql_type, database);
        if Layout::of(column.sql_type) == Layout::TextPointer {
            // The table's name, in one part.
            out.u8(1);
            out.us_varchar("");
        }
        out.b_varchar(&column.name);
    }
}

/// A row of values with their lengths, as ROW or, where that is shorter, as
/// NBCROW.
pub(crate) fn row<'a, O, I>(out: &mut PacketWriter<O>, cells: I)
where
    O: PacketOut,
    I: Iterator<Item = (SqlType, &'a Value, usize)> + Clone,
{
    let (mut count, mut null_bytes) = (0_usize, 0);
    for (sql_type, value, _) in cells.clone() {
        count += 1;
        if *value == Value::Null {
            null_bytes += Layout::of(sql_type).null_length();
        }
    }
    let compressed = null_bytes > count.div_ceil(8);
    if compressed {
        out.u8(0xD2);
        put_null_bitmap(
            out,
            cells.clone().map(|(_, value, _)| *value == Value::Null),
        );
    } else {
        out.u8(0xD1);
    }
    for (sql_type, value, length) in cells {
        if !(compressed && *value == Value::Null) {
            encode::put(out, sql_type, value, length);
        }
    }
}

fn put_null_bitmap<O: PacketOut>(out: &mut PacketWriter<O>, nulls: impl Iterator<Item = bool>) {
    let (mut byte, mut bit) = (0_u8, 0);
    for null in nulls {
        byte |= u8::from(null) << bit;
        bit += 1;
        if bit == 8 {
            out.u8(byte);
            (byte, bit) = (0, 0);
        }
    }
    if bit > 0 {
        out.u8(byte);
    }
}

const FLAG_NULLABLE: u16 = 0x01;
const FLAG_UPDATEABLE_UNKNOWN: u16 = 0x08;
const FLAG_IDENTITY: u16 = 0x10;

#[cfg(test)]
mod tests {
    use super::*;

    fn written(put: impl FnOnce(&mut PacketWriter<Vec<u8>>)) -> Vec<u8> {
        let mut writer = PacketWriter::reply(Vec::new(), 32_767, 0);
        put(&mut writer);
        writer.finish().split_off(8)
    }

    #[test]
    fn token_lengths_count_what_follows_them() {
        let error = SqlError {
            number: 208,
            state: 1,
            severity: 16,
            message: "x".repeat(5_000),
            line: 3,
        };
        for bytes in [
            written(|out| message(out, &error, "server", "procedure")),
            written(|out| login_ack(out, 0x7400_0004, (16, 0, 1_000))),
            written(|out| {
                let change = EnvironmentChange::Database {
                    new: "a",
                    old: "bc",
                };
                environment_change(out, change);
            }),
            written(|out| environment_change(out, EnvironmentChange::Collation)),
            written(|out| environment_change(out, EnvironmentChange::Begin(1))),
            written(|out| environment_change(out, EnvironmentChange::Commit(1))),
            written(|out| environment_change(out, EnvironmentChange::Reset)),
        ] {
            let length = usize::from(u16::from_le_bytes([bytes[1], bytes[2]]));
            assert_eq!(length, bytes.len() - 3, "token {:#x}", bytes[0]);
        }
    }

    #[test]
    fn a_row_of_many_nulls_is_compressed_and_one_of_few_is_not() {
        let cells = |values: &[Value]| {
            let cells: Vec<_> = values
                .iter()
                .map(|value| (SqlType::TinyInt, value, 1))
                .collect();
            written(|out| row(out, cells.iter().copied()))
        };
        assert_eq!(cells(&[Value::Null, Value::Int(7)]), [0xD1, 0, 1, 7]);
        let mut values = vec![Value::Null; 9];
        values[1] = Value::Int(7);
        assert_eq!(cells(&values), [0xD2, 0b1111_1101, 1, 1, 7]);
    }
}
