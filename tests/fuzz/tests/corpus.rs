//! Every input that was kept, once.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a corpus that cannot be read fails the test, which tells where it is"
)]

use std::fs;
use std::path::Path;

fn each(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    let mut inputs = 0;
    for entry in fs::read_dir(&folder).expect("the corpus") {
        let path = entry.expect("an entry").path();
        println!("{}", path.display());
        run(&fs::read(path).expect("an input"));
        inputs += 1;
    }
    assert!(inputs > 4, "{inputs} inputs in {}", folder.display());
}

#[test]
fn the_guard_takes_every_kept_statement() {
    each("guard", fuzz::guard::run);
}

#[test]
fn the_router_takes_every_kept_request() {
    each("requests", fuzz::requests::run);
}
