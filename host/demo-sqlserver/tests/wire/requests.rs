//! Batches, procedures and transactions.

use demo_sqlserver::Tls;
use tiberius::{ColumnData, EncryptionLevel, numeric::Numeric};

use crate::support::Running;

#[tokio::test]
async fn typed_parameters_reach_the_engine() {
    let server = Running::start(Tls::AsAsked).await;
    let mut client = server.connect(EncryptionLevel::Required).await;
    let long = "ñ".repeat(5_000);
    let stream = client
        .query(
            "SELECT parameters @P1",
            &[
                &7_i32,
                &long.as_str(),
                &Option::<&str>::None,
                &Numeric::new_with_scale(-1_250, 2),
                &true,
                &2.5_f64,
                &&b"\x00\xFF"[..],
                &tiberius::Uuid::from_u128(7),
            ],
        )
        .await
        .unwrap();
    let row = stream.into_row().await.unwrap().unwrap();
    assert_eq!(row.columns()[0].name(), "@P1");
    assert_eq!(row.get::<i32, _>(0), Some(7));
    assert_eq!(row.get::<&str, _>(1), Some(long.as_str()));
    assert_eq!(row.get::<&str, _>(2), None);
    assert_eq!(row.get::<Numeric, _>(3).unwrap().value(), -1_250);
    assert_eq!(row.get::<bool, _>(4), Some(true));
    assert_eq!(row.get::<f64, _>(5), Some(2.5));
    assert_eq!(row.get::<&[u8], _>(6), Some(&b"\x00\xFF"[..]));
    assert_eq!(row.get::<tiberius::Uuid, _>(7).unwrap().as_u128(), 7);
}

#[tokio::test]
async fn errors_carry_their_number_and_leave_the_connection_usable() {
    let server = Running::start(Tls::AsAsked).await;
    let mut client = server.connect(EncryptionLevel::Off).await;
    for (sql, number) in [("SELECT nowhere", 208), ("SELECT misfit", 50_000)] {
        let batch = async { client.simple_query(sql).await?.into_results().await };
        assert_eq!(batch.await.unwrap_err().code(), Some(number), "{sql}");
        let procedure = async { client.query(sql, &[]).await?.into_results().await };
        assert_eq!(procedure.await.unwrap_err().code(), Some(number), "{sql}");
    }
    let stream = client.simple_query("SELECT rows 2").await.unwrap();
    assert_eq!(stream.into_first_result().await.unwrap().len(), 2);
}

#[tokio::test]
async fn transactions_begin_and_end_by_request() {
    let server = Running::start(Tls::AsAsked).await;
    let mut client = server.connect(EncryptionLevel::Off).await;
    client.begin_transaction().await.unwrap();
    client.save_transaction("here").await.unwrap();
    client.commit_transaction().await.unwrap();
    let error = client.commit_transaction().await.unwrap_err();
    assert_eq!(error.code(), Some(3_902));

    client.begin_transaction().await.unwrap();
    client.rollback_transaction().await.unwrap();
}

#[tokio::test]
async fn a_hundred_thousand_rows_arrive_in_order() {
    let server = Running::start(Tls::AsAsked).await;
    let mut client = server.connect(EncryptionLevel::Off).await;
    let stream = client.simple_query("SELECT rows 100000").await.unwrap();
    let rows = stream.into_first_result().await.unwrap();
    assert_eq!(rows.len(), 100_000);
    for (expected, row) in (0_i64..).zip(rows) {
        assert_eq!(row.get::<i64, _>(0), Some(expected));
    }
}

#[tokio::test]
async fn a_message_of_the_server_does_not_disturb_the_result() {
    let server = Running::start(Tls::AsAsked).await;
    let mut client = server.connect(EncryptionLevel::Off).await;
    client.simple_query("PRINT hello").await.unwrap();
    client.simple_query("USE Other").await.unwrap();
    let stream = client.simple_query("SELECT database").await.unwrap();
    let row = stream.into_row().await.unwrap().unwrap();
    let data = row.cells().next().unwrap().1;
    assert_eq!(*data, ColumnData::String(Some("Other".into())));
}
