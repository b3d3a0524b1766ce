//! Batches, transactions, changes, permissions and cancelling.

use super::*;

#[test]
fn row_count_caps_and_returns_after_sp_executesql() {
    let mut s = session();
    let parameter = Parameter {
        name: "@n".into(),
        sql_type: SqlType::Int,
        value: Value::Int(0),
    };
    let mut seen = Seen::default();
    s.execute(
        "SET ROWCOUNT 2; SELECT OrderID FROM Orders WHERE OrderID > @n",
        &[parameter],
        &mut seen,
    )
    .unwrap();
    assert_eq!(seen.rows.len(), 2);
    assert_eq!(
        run(&mut s, "SELECT OrderID FROM Orders")
            .unwrap()
            .rows
            .len(),
        4
    );
}

#[test]
fn changes_are_kept_rolled_back_and_seen_by_others() {
    let engine = Engine::open(company(), company::system(), Arc::new(clock)).unwrap();
    let user = || User {
        name: "w".into(),
        may_write: true,
    };
    let (mut a, mut b) = (
        engine.session(user()).unwrap(),
        engine.session(user()).unwrap(),
    );
    let seen = run(&mut a, "BEGIN TRAN; INSERT INTO Orders (CustomerID, Freight) VALUES ('ALFKI', 1.005); SELECT SCOPE_IDENTITY(), @@TRANCOUNT").unwrap();
    assert_eq!(show(&seen), ["5|1"]);
    assert_eq!(
        show(&run(&mut b, "SELECT COUNT(*) FROM Orders").unwrap()),
        ["4"]
    );
    a.rollback().unwrap();
    run(&mut a, "UPDATE Orders SET Freight = Freight * 2 WHERE OrderID = 1; DELETE FROM [Order Details] WHERE OrderID = 1").unwrap();
    assert_eq!(show(&run(&mut b, "SELECT Freight, (SELECT COUNT(*) FROM [Order Details]) FROM Orders WHERE OrderID = 1").unwrap()), ["64.7600|2"]);
}

#[test]
fn constraints_and_permissions_have_their_numbers() {
    let mut s = session();
    assert_eq!(
        run(&mut s, "INSERT INTO Categories VALUES (1, 'x')")
            .unwrap_err()
            .number,
        2627
    );
    assert_eq!(
        run(&mut s, "INSERT INTO Categories (CategoryID) VALUES (9)")
            .unwrap_err()
            .number,
        515
    );
    assert_eq!(
        run(
            &mut s,
            "INSERT INTO Categories VALUES (9, 'more than fifteen letters')"
        )
        .unwrap_err()
        .number,
        2628
    );
    assert_eq!(
        run(&mut s, "INSERT INTO Orders (CustomerID) VALUES ('NOONE')")
            .unwrap_err()
            .number,
        547
    );
    let engine = Engine::open(company(), company::system(), Arc::new(clock)).unwrap();
    let mut reader = engine
        .session(User {
            name: "r".into(),
            may_write: false,
        })
        .unwrap();
    assert_eq!(
        run(&mut reader, "DELETE FROM Orders").unwrap_err().number,
        229
    );
}

#[test]
fn variables_conditions_and_messages_run_in_order() {
    let mut s = session();
    let seen = run(&mut s, "DECLARE @x int = 2, @y nvarchar(10); SET @y = N'é'; SELECT @x = @x + MAX(OrderID) FROM Orders; IF @x > 5 PRINT 'big' ELSE PRINT 'small'; SELECT @x, @y").unwrap();
    assert_eq!(show(&seen), ["6|é"]);
    assert_eq!(seen.infos, ["big"]);
    assert_eq!(
        run(&mut s, "THROW 50001, 'no', 1").unwrap_err().number,
        50001
    );
    run(
        &mut s,
        "EXEC sp_set_session_context @key = N'user', @value = N'ann'",
    )
    .unwrap();
    assert_eq!(
        show(
            &run(
                &mut s,
                "SELECT CAST(SESSION_CONTEXT(N'user') AS nvarchar(20))"
            )
            .unwrap()
        ),
        ["ann"]
    );
}

#[test]
fn a_key_of_the_session_context_that_is_read_only_keeps_its_value() {
    let mut s = session();
    let set = "EXEC sys.sp_set_session_context @key = N'user', @value = N'ann', @read_only = 1; ";
    run(&mut s, set).unwrap();
    for again in [set, "EXEC sp_set_session_context N'USER', NULL"] {
        assert_eq!(run(&mut s, again).unwrap_err().number, 15664);
    }
    let seen = run(
        &mut s,
        "SELECT CAST(SESSION_CONTEXT(N'user') AS nvarchar(20))",
    );
    assert_eq!(show(&seen.unwrap()), ["ann"]);
}

#[test]
fn a_policy_filters_its_table_wherever_that_is_named() {
    let mut database = company();
    database.policies.push(crate::schema::Policy {
        schema: "dbo".into(),
        table: "Categories".into(),
        predicate: "CategoryID = CAST(SESSION_CONTEXT(N'category') AS int)".into(),
    });
    let engine = Engine::open(database, company::system(), Arc::new(clock)).unwrap();
    let user = User {
        name: "r".into(),
        may_write: false,
    };
    let mut s = engine.session(user).unwrap();
    for (told, rows) in [(None, "0"), (Some(1), "1"), (Some(2), "1"), (Some(99), "0")] {
        if let Some(category) = told {
            let sql = format!("EXEC sp_set_session_context N'category', N'{category}'");
            run(&mut s, &sql).unwrap();
        }
        for sql in [
            "SELECT COUNT(*) FROM Categories",
            "SELECT COUNT(*) FROM dbo.Categories AS a JOIN Categories AS b ON a.CategoryID = b.CategoryID",
            "WITH c AS (SELECT * FROM [Categories]) SELECT COUNT(*) FROM (SELECT * FROM c) AS d",
        ] {
            assert_eq!(show(&run(&mut s, sql).unwrap()), [rows], "{sql} {told:?}");
        }
    }
}

#[test]
fn a_waiting_or_running_statement_stops_when_interrupted() {
    for sql in [
        "WAITFOR DELAY '00:10:00'",
        "SELECT COUNT(*) FROM GENERATE_SERIES(1, 100000) a CROSS JOIN GENERATE_SERIES(1, 100000) b",
    ] {
        let mut s = session();
        let (interrupt, ready) = (s.interrupter(), std::sync::mpsc::channel());
        let running = std::thread::spawn(move || {
            ready.0.send(()).unwrap();
            run(&mut s, sql).err().map(|e| e.number)
        });
        ready.1.recv().unwrap();
        while !running.is_finished() {
            interrupt();
            std::thread::yield_now();
        }
        assert_eq!(running.join().unwrap(), Some(3617), "{sql}");
    }
}

#[test]
fn a_nested_statement_has_variables_of_its_own_and_a_shape() {
    let mut s = session();
    let sql = "DECLARE @n int = 2; EXEC sp_executesql N'SELECT OrderID, OrderID AS again \
               FROM Orders WHERE OrderID <= @most ORDER BY OrderID', N'@most int', @most = @n \
               WITH RESULT SETS ((a decimal(19,4) NULL, [b c] nvarchar(10) NOT NULL))";
    let seen = run(&mut s, sql).unwrap();
    assert_eq!(show(&seen), ["1.0000|1", "2.0000|2"]);
    let outer = run(
        &mut s,
        "SET ROWCOUNT 1; EXEC sp_executesql N'SELECT OrderID FROM Orders'; SET ROWCOUNT 0",
    );
    assert_eq!(outer.unwrap().rows.len(), 1);
}

#[test]
fn a_shape_that_does_not_fit_is_an_error() {
    for (statement, number) in [
        ("SELECT 1 AS a, 2 AS b", 11_537),
        ("SELECT 1; SELECT 2", 11_535),
        ("SELECT 'x'", 245),
    ] {
        let sql = format!(
            "EXEC sp_executesql N'{}' WITH RESULT SETS ((a int NULL))",
            statement.replace('\'', "''")
        );
        assert_eq!(fails(&sql).number, number, "{statement}");
    }
    assert_eq!(
        fails("EXEC sp_executesql N'SELECT @x', N'@x int'").number,
        8178
    );
    assert_eq!(fails("EXEC sp_executesql").number, 201);
}
