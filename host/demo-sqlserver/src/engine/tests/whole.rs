//! The engine over the sample company and its catalogue.

use super::*;

#[test]
fn the_sample_company_loads_with_every_row_and_view() {
    let database = crate::sample::company();
    let tables: Vec<(String, usize)> = database
        .tables
        .iter()
        .map(|t| (format!("[{}].[{}]", t.schema, t.name), t.rows.len()))
        .collect();
    let views: Vec<String> = database
        .views
        .iter()
        .map(|v| format!("[{}].[{}]", v.schema, v.name))
        .collect();
    let system = crate::catalog::system_tables(&database, &|v| {
        crate::engine::view_columns(&database, v).unwrap()
    });
    let engine = Engine::open(database, system, Arc::new(clock)).unwrap();
    let mut s = engine
        .session(User {
            name: "sa".into(),
            may_write: true,
        })
        .unwrap();
    for (table, rows) in tables {
        assert_eq!(
            run(&mut s, &format!("SELECT * FROM {table}"))
                .unwrap()
                .rows
                .len(),
            rows,
            "{table}"
        );
    }
    for view in views {
        assert!(
            !run(&mut s, &format!("SELECT TOP 1 * FROM {view}"))
                .unwrap()
                .columns
                .is_empty(),
            "{view}"
        );
    }
    let names = run(
        &mut s,
        "SELECT TOP 1 TABLE_SCHEMA FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_NAME = 'orders'",
    )
    .unwrap();
    assert_eq!(show(&names), ["dbo"]);
}
