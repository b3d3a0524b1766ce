//! `deploy/sqlserver/init.sql` is the sample company.

use std::path::Path;

use demo_sqlserver::sample;
use integration_tests::t_sql;

#[test]
fn the_script_of_the_sample_company_is_the_company_of_the_demo() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/sqlserver/init.sql");
    let made = t_sql(&sample::company());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &made).expect("a file");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == made,
        "deploy/sqlserver/init.sql is of another company; UPDATE=1 writes it anew"
    );
}
