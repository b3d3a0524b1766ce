//! Procedures that drivers call by RPC.

use demo_sqlserver::Tls;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::socket::*;
use crate::support::Running;

/// A call of a numbered procedure.
fn call(procedure: u16, arguments: &[Vec<u8>]) -> Vec<u8> {
    rpc(
        &[&[0xFF, 0xFF][..], &procedure.to_le_bytes()].concat(),
        arguments,
    )
}

fn call_by_name(procedure: &str, arguments: &[Vec<u8>]) -> Vec<u8> {
    let name = utf16(procedure);
    let units = u16::try_from(name.len() / 2).unwrap().to_le_bytes();
    rpc(&[&units[..], &name].concat(), arguments)
}

fn rpc(procedure: &[u8], arguments: &[Vec<u8>]) -> Vec<u8> {
    let headers = 4_u32.to_le_bytes();
    let bytes = [&headers[..], procedure, &[0, 0], &arguments.concat()].concat();
    packet(RPC, LAST, &bytes)
}

fn int(status: u8, value: u8) -> Vec<u8> {
    vec![0, status, 0x26, 4, 4, value, 0, 0, 0]
}

fn text(text: &str) -> Vec<u8> {
    let text = utf16(text);
    let length = u16::try_from(text.len()).unwrap().to_le_bytes();
    let head = [0, 0, 0xE7, 0x40, 0x1F, 9, 4, 0xD0, 0, 0x34];
    [&head[..], &length, &text].concat()
}

async fn answer(socket: &mut TcpStream, request: &[u8]) -> Vec<u8> {
    socket.write_all(request).await.unwrap();
    receive(socket).await
}

const STATUS_OUTPUT: u8 = 1;

/// `sp_prepexec`, `sp_execute`, `sp_unprepare`, then `sp_execute` in vain.
#[tokio::test]
async fn a_prepared_statement_runs_until_it_is_given_up() {
    let server = Running::start(Tls::AsAsked).await;
    let mut socket = logged_in(&server).await;
    let arguments = [
        int(STATUS_OUTPUT, 0),
        text("@first int"),
        text("SELECT parameters"),
        int(0, 77),
    ];
    let reply = answer(&mut socket, &call(13, &arguments)).await;
    assert!(contains(&reply, "@first"));
    // RETURNVALUE of argument 0 with the handle 1, then DONEPROC.
    let handle = [
        0xAC, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0x26, 4, 4, 1, 0, 0, 0, 0xFE,
    ];
    assert!(reply.windows(handle.len()).any(|window| window == handle));

    let execute = call(12, &[int(0, 1), int(0, 78)]);
    let reply = answer(&mut socket, &execute).await;
    let row = [0xD1, 4, 78, 0, 0, 0];
    assert!(reply.windows(row.len()).any(|window| window == row));

    let reply = answer(&mut socket, &call(15, &[int(0, 1)])).await;
    assert_eq!(last_done(&reply), [0, 0]);
    let reply = answer(&mut socket, &execute).await;
    assert!(contains(&reply, "handle 1"));
    assert_eq!(last_done(&reply), [0x02, 0]);
}

#[tokio::test]
async fn procedures_answer_by_name_however_it_is_quoted() {
    let server = Running::start(Tls::AsAsked).await;
    let mut socket = logged_in(&server).await;
    let arguments = [text("SELECT database")];
    for name in [
        "sp_executesql",
        "SYS.SP_EXECUTESQL",
        "[master]..[sp_executesql]",
    ] {
        let reply = answer(&mut socket, &call_by_name(name, &arguments)).await;
        assert!(contains(&reply, "Shop"), "{name}");
    }
    let context = [text("tenant"), text("O'Hara")];
    let request = call_by_name("sys.sp_set_session_context", &context);
    let reply = answer(&mut socket, &request).await;
    let statement = "EXEC sp_set_session_context @key = N'tenant', @value = N'O''Hara'";
    assert!(contains(&reply, statement));
    let reply = answer(&mut socket, &call_by_name("dbo.nowhere", &[])).await;
    assert!(contains(
        &reply,
        "Could not find stored procedure 'dbo.nowhere'."
    ));
    assert_eq!(last_done(&reply), [0x02, 0]);
}

#[tokio::test]
async fn a_query_is_described_without_its_rows() {
    let server = Running::start(Tls::AsAsked).await;
    let mut socket = logged_in(&server).await;
    let request = call_by_name("sp_describe_first_result_set", &[text("SELECT endless")]);
    let reply = answer(&mut socket, &request).await;
    assert!(contains(&reply, "bigint") && contains(&reply, "nvarchar(128)"));
    assert!(!contains(&reply, "ten chars."));
}

#[tokio::test]
async fn a_parameter_that_is_missing_is_named() {
    let server = Running::start(Tls::AsAsked).await;
    let mut socket = logged_in(&server).await;
    let arguments = [
        text("SELECT parameters"),
        text("@a int, @b decimal(9,2)"),
        int(0, 1),
    ];
    let reply = answer(&mut socket, &call(10, &arguments)).await;
    assert!(contains(&reply, "'@b'"));
    assert_eq!(last_done(&reply), [0x02, 0]);
}
