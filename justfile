# What people and CI run. `just` alone lists it.

_default:
    @just --list

# Serve the sample company on the embedded SQL Server
demo *arguments:
    cargo run --release -- demo {{arguments}}

# Build the tool sets into plugins/dist/
build-plugins:
    ./plugins/build

# Everything that needs rustup and a C compiler alone
test:
    cargo test

# The same, and what needs Node and Python packages
test-outside:
    ./tests/outside/install
    cargo test --features outside

# Formatting, lints, documentation, supply chain
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
    cargo deny check bans licenses sources

# Speed and size, as ratios, side by side in one run
bench:
    cargo bench -p integration-tests --bench calls
    cargo bench -p integration-tests --bench figures
    cargo build --release
    cargo bench -p integration-tests --bench reload

# The load test: 1, 10 and 100 clients; --url URL --token TOKEN for a server that runs
load *arguments:
    cargo build --release
    cargo bench -p integration-tests --bench load -- {{arguments}}

# Look for requests that break the server, or (target guard) for statements that get past its guard; what was found so far is in target/fuzz/
fuzz target="requests" minutes="10":
    mkdir -p target/fuzz/{{target}}
    RUSTC_WORKSPACE_WRAPPER="$PWD/tests/fuzz/instrument" cargo run -p fuzz --features libfuzzer --bin {{target}} -- -max_total_time=$(({{minutes}} * 60)) -max_len=8192 -dict=tests/fuzz/corpus/{{target}}.dict -artifact_prefix=target/fuzz/ target/fuzz/{{target}} tests/fuzz/corpus/{{target}}

# The guard against Microsoft's own parser, over as many statements as named
oracle statements="100000" seed="1":
    ./tests/outside/install
    GUARD_STATEMENTS={{statements}} GUARD_SEED={{seed}} cargo test -p integration-tests --features outside --test integration outside::oracle -- --nocapture

# Exactly what CI runs
ci:
    ./.ci/run
