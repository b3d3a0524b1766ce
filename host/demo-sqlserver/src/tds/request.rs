//! Requests after log-in: SQLBatch, RPC and transaction manager
//! (MS-TDS §2.2.6.6, §2.2.6.7 and §2.2.6.9).

use super::ProtocolError;
use super::decode;
use super::reader::{Reader, utf16};
use crate::value::Parameter;

/// One call of an RPC request.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) procedure: Procedure,
    pub(crate) arguments: Vec<Argument>,
}

/// Which procedure: by number or by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Procedure {
    Number(u16),
    Name(String),
}

/// One argument of a call.
#[derive(Debug)]
pub(crate) struct Argument {
    pub(crate) parameter: Parameter,
    /// fByRefValue: the client wants it back as RETURNVALUE.
    pub(crate) output: bool,
}

/// What a transaction manager request asks.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum TransactionRequest {
    Begin,
    Commit { then_begin: bool },
    Rollback { savepoint: String, then_begin: bool },
    Save { name: String },
    Unsupported,
}

/// The text of a SQLBatch.
pub(crate) fn sql_batch(payload: &[u8]) -> Result<String, ProtocolError> {
    let reader = after_headers(payload)?;
    Ok(utf16(reader.rest()))
}

/// The calls of an RPC request.
pub(crate) fn rpc(payload: &[u8]) -> Result<Vec<Call>, ProtocolError> {
    let mut reader = after_headers(payload)?;
    let mut calls = Vec::new();
    while !reader.is_empty() {
        calls.push(call(&mut reader)?);
    }
    Ok(calls)
}

/// A transaction manager request. Isolation levels are read and dropped: the
/// engine has but one.
pub(crate) fn transaction(payload: &[u8]) -> Result<TransactionRequest, ProtocolError> {
    let mut reader = after_headers(payload)?;
    Ok(match reader.u16()? {
        5 => {
            let _isolation = reader.u8()?;
            TransactionRequest::Begin
        }
        7 => {
            let _name = reader.b_varchar()?;
            TransactionRequest::Commit {
                then_begin: reader.u8()? & 1 != 0,
            }
        }
        8 => TransactionRequest::Rollback {
            savepoint: reader.b_varchar()?,
            then_begin: reader.u8()? & 1 != 0,
        },
        9 => TransactionRequest::Save {
            name: reader.b_varchar()?,
        },
        _ => TransactionRequest::Unsupported,
    })
}

/// Skips ALL_HEADERS: the connection has one transaction and no notifications.
fn after_headers(payload: &[u8]) -> Result<Reader<'_>, ProtocolError> {
    let mut reader = Reader::new(payload);
    let length = usize::try_from(reader.u32()?).map_err(|_| ProtocolError::Truncated)?;
    let rest = length.checked_sub(4).ok_or(ProtocolError::Malformed(
        "ALL_HEADERS is shorter than its length",
    ))?;
    reader.bytes(rest)?;
    Ok(reader)
}

fn call(reader: &mut Reader<'_>) -> Result<Call, ProtocolError> {
    let procedure = match reader.u16()? {
        u16::MAX => Procedure::Number(reader.u16()?),
        units => Procedure::Name(reader.utf16(usize::from(units))?),
    };
    let _options = reader.u16()?;
    let mut arguments = Vec::new();
    while let Some(next) = reader.peek() {
        if next == BATCH_FLAG || next == NO_EXECUTE_FLAG {
            reader.u8()?;
            break;
        }
        if arguments.len() == ARGUMENT_LIMIT {
            return Err(ProtocolError::Malformed(
                "a call has more than 2,200 arguments",
            ));
        }
        let name = reader.b_varchar()?;
        let status = reader.u8()?;
        let (sql_type, value) = decode::typed_value(reader)?;
        arguments.push(Argument {
            parameter: Parameter {
                name,
                sql_type,
                value,
            },
            output: status & STATUS_BY_REFERENCE != 0,
        });
    }
    Ok(Call {
        procedure,
        arguments,
    })
}

const BATCH_FLAG: u8 = 0xFF;
const NO_EXECUTE_FLAG: u8 = 0xFE;
const STATUS_BY_REFERENCE: u8 = 0x01;
/// SQL Server takes 2 100 parameters; the procedure's own come on top.
const ARGUMENT_LIMIT: usize = 2_200;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    const HEADERS: [u8; 4] = [4, 0, 0, 0];

    fn two_calls() -> Vec<u8> {
        let mut bytes = HEADERS.to_vec();
        bytes.extend([0xFF, 0xFF, 10, 0, 0, 0]);
        bytes.extend([2, b'@', 0, b'a', 0, 1, 0x26, 4, 4, 7, 0, 0, 0]);
        bytes.push(BATCH_FLAG);
        bytes.extend([1, 0, b'p', 0, 0, 0]);
        bytes
    }

    #[test]
    fn calls_are_read_up_to_the_batch_flag() {
        let calls = rpc(&two_calls()).unwrap();
        assert_eq!(calls.len(), 2);
        assert_eq!(calls[0].procedure, Procedure::Number(10));
        assert_eq!(calls[0].arguments[0].parameter.name, "@a");
        assert_eq!(calls[0].arguments[0].parameter.value, Value::Int(7));
        assert!(calls[0].arguments[0].output);
        assert_eq!(calls[1].procedure, Procedure::Name("p".to_owned()));
    }

    #[test]
    fn requests_cut_anywhere_never_panic() {
        let whole = two_calls();
        for length in 0..whole.len() {
            let _ = rpc(&whole[..length]);
            let _ = sql_batch(&whole[..length]);
            let _ = transaction(&whole[..length]);
        }
        assert!(sql_batch(&[3, 0, 0, 0]).is_err());
        assert!(sql_batch(&[255, 255, 255, 255]).is_err());
    }

    #[test]
    fn a_commit_may_begin_the_next_transaction() {
        let commit = [&HEADERS[..], &[7, 0, 0, 1, 2, 0]].concat();
        assert_eq!(
            transaction(&commit).unwrap(),
            TransactionRequest::Commit { then_begin: true }
        );
    }
}
