# What people and CI run. `just` alone lists it.

# The program itself where it is installed
program := env("MSSQL_MCP", "cargo run --quiet --release --")

_default:
    @just --list

# Serve the sample company on the embedded SQL Server
demo *arguments:
    cargo run --release -- demo {{arguments}}

# Build the tool sets into plugins/dist/, and make the secrets that docker compose wants
build-plugins: secrets
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

# The state, its key, the configuration and the tool sets into one file
backup file *arguments:
    {{program}} backup {{file}} {{arguments}}

# Back from such a file; the servers are stopped
restore file *arguments:
    {{program}} restore {{file}} {{arguments}}

# What running servers keep to save work: stats, clear or warm
cache command="stats" *arguments:
    {{program}} cache {{command}} {{arguments}}

# Who did what
audit *arguments:
    {{program}} audit {{arguments}}

# Six checks over the last day; fails if there is a finding
security-audit *arguments:
    {{program}} security-audit {{arguments}}

# Revoke tokens: --all, --user, --client or --scope
revoke *arguments:
    {{program}} token revoke {{arguments}}

# Ask a server how it is, every so many seconds, and write a line when the answer changes
monitor url="http://127.0.0.1:8008" seconds="60":
    #!/bin/sh
    before=
    while :; do
        {{program}} health {{url}} >/dev/null 2>&1
        now=$?
        if [ "$now" != "$before" ]; then
            echo "$(date -u +%FT%TZ) {{url}} exit $now (0 well, 1 unhealthy, 69 no answer)"
            before=$now
        fi
        sleep {{seconds}}
    done

# What docker-compose.yml needs before the first start: passwords, each in a file
secrets:
    ./deploy/secrets

# Build the image of this checkout and put it in place, one host after the other
update:
    ./deploy/update

# Back to the image of before the last update
rollback:
    ./deploy/update rollback

# Get or renew the certificate now; --staging tries it
letsencrypt *arguments:
    docker compose run --rm certbot once {{arguments}}

# Exactly what CI runs
ci:
    ./.ci/run
