//! The files of a deployment, as far as they can be judged without Docker: each by the
//! program that reads it, or by that program's own parser.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Output;

use serde_json::Value;
use tokio::process::Command;

use super::oracle::microsofts_parser_finds;
use super::{INSTALL, folder, installed, python, repository};

/// Every set of profiles that makes a difference.
const PROFILES: [&str; 5] = [
    "",
    "sqlserver",
    "redis",
    "monitoring",
    "sqlserver,redis,monitoring",
];

/// What `COMPOSE_FILE` can name.
const COMPOSE: [&str; 3] = [
    "docker-compose.yml",
    "docker-compose.ipv6.yml",
    "docker-compose.plugins.yml",
];

/// Docker Compose as `tests/outside/install` unpacks it.
const PROGRAM: &str = ".compose/usr/libexec/docker/cli-plugins/docker-compose";

#[tokio::test]
async fn compose_reads_every_profile() {
    for profiles in PROFILES {
        let project = compose(profiles, &[]).await;
        let services = services(&project);
        for (profile, names) in [
            ("", &["mssql-mcp", "nginx", "certbot"][..]),
            ("sqlserver", &["sqlserver", "sqlserver-init"]),
            ("redis", &["redis", "mssql-mcp-2"]),
            ("monitoring", &["prometheus", "grafana"]),
        ] {
            let wanted = profile.is_empty() || profiles.split(',').any(|one| one == profile);
            for name in names {
                assert_eq!(
                    services.contains_key(name),
                    wanted,
                    "{name} with \"{profiles}\""
                );
            }
        }
    }
}

/// With files for which it is made together.
#[tokio::test]
async fn docker_compose_itself_reads_every_profile_and_warns_of_nothing() {
    let program = installed(PROGRAM, ".compose/installed");
    let variables: [&[(&str, &str)]; 3] = [
        &[],
        &[("DOMAIN", "data.example.com")],
        &[("HTTPS_PORT", "8443"), ("HTTP_PORT", "8080")],
    ];
    for other in [None, Some(COMPOSE[1]), Some(COMPOSE[2])] {
        for (profiles, variables) in PROFILES.iter().zip(variables.iter().cycle()) {
            let mut command = Command::new(&program);
            command.current_dir(repository()).env_clear();
            command.envs(variables.iter().copied());
            // What an operator has in .env is not what is judged.
            command.args(["--env-file", "/dev/null", "--file", COMPOSE[0]]);
            command.args(other.into_iter().flat_map(|file| ["--file", file]));
            command.args(names(profiles).flat_map(|profile| ["--profile", profile]));
            command.args(["config", "--quiet"]);
            let output = succeeds(command).await;
            assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{other:?}");
        }
    }
}

#[tokio::test]
async fn compose_files_are_valid_by_the_schema() {
    installed(".", "node_modules/.installed");
    let mut command = Command::new("node");
    command.arg(folder().join("node_modules/dclint/bin/dclint.cjs"));
    for name in COMPOSE {
        command.arg(repository().join(name));
    }
    // nginx is there for the world.
    command.args(["--quiet", "--disable-rule", "no-unbound-port-interfaces"]);
    succeeds(command).await;
}

#[tokio::test]
async fn every_container_is_confined_and_its_files_are_there() {
    let project = compose("sqlserver,redis,monitoring", &[]).await;
    for (name, service) in services(&project) {
        let limits = &service["deploy"]["resources"]["limits"];
        assert!(
            limits["memory"].is_string() && limits["cpus"].is_string(),
            "{name}: {limits}"
        );
        assert_eq!(service["logging"]["options"]["max-size"], "10m", "{name}");
        let once = name == "sqlserver-init";
        let restart = if once { "no" } else { "unless-stopped" };
        assert_eq!(service["restart"], restart, "{name}");
        if name != "sqlserver" {
            assert_eq!(service["read_only"], true, "{name}");
            assert_eq!(service["cap_drop"][0], "ALL", "{name}");
            assert_eq!(
                service["security_opt"][0], "no-new-privileges:true",
                "{name}"
            );
        }
        let image = service["image"].as_str().unwrap_or_default();
        let (_, tag) = image.rsplit_once(':').unwrap_or_default();
        assert!(
            name.starts_with("mssql-mcp") || tag.contains('.') || tag.contains("CU"),
            "{image}"
        );
        let volumes = service["volumes"].as_array().into_iter().flatten();
        for source in volumes.filter_map(|volume| volume.as_str()?.split_once(':')) {
            let path = source.0.strip_prefix("./");
            let is_there = |path| repository().join(path).exists() || is_of_others(path);
            assert!(path.is_none_or(is_there), "{name}: {source:?}");
        }
        for port in service["ports"].as_array().into_iter().flatten() {
            let port = port.as_str().expect("a port");
            // By IPv6 Docker would hide who calls.
            let from = if name == "nginx" {
                "0.0.0.0:"
            } else {
                "127.0.0.1:"
            };
            assert!(port.starts_with(from), "{name}: {port}");
        }
    }
}

#[tokio::test]
async fn what_the_environment_says_reaches_the_host_and_no_password_does() {
    let given = [
        ("DOMAIN", "data.example.com"),
        ("MSSQL_HOST", "sql.example.com,1444"),
        ("MSSQL_PASSWORD", "of-the-environment"),
        ("STATE_STORE", "redis://redis:6379"),
        ("NGINX_HOSTS", "mssql-mcp:8008 mssql-mcp-2:8008"),
    ];
    let project = compose("redis", &given).await;
    let services = services(&project);
    for host in ["mssql-mcp", "mssql-mcp-2"] {
        let environment = &services[host]["environment"];
        assert_eq!(environment["PUBLIC_URL"], "https://data.example.com");
        assert_eq!(environment["MSSQL_HOST"], "sql.example.com,1444");
        assert_eq!(
            environment["MSSQL_PASSWORD_FILE"],
            "/run/secrets/mssql-password"
        );
        assert_eq!(environment["MSSQL_MCP__STATE__STORE"], "redis://redis:6379");
    }
    let environment = &services["nginx"]["environment"];
    assert_eq!(environment["NGINX_HOSTS"], given[4].1);
    assert_eq!(environment["PUBLIC_URL"], "https://data.example.com");
    assert!(!project.to_string().contains("of-the-environment"));
    let local = compose("", &[]).await;
    let environment = &local["services"]["mssql-mcp"]["environment"];
    assert_eq!(environment["PUBLIC_URL"], "https://localhost");
    // Another port is in the address for all who tell it.
    let elsewhere = compose("", &[("HTTPS_PORT", "8443")]).await;
    for name in ["mssql-mcp", "nginx"] {
        let environment = &elsewhere["services"][name]["environment"];
        assert_eq!(
            environment["PUBLIC_URL"], "https://localhost:8443",
            "{name}"
        );
    }
}

#[test]
fn every_variable_of_compose_is_explained() {
    let read = |name: &str| std::fs::read_to_string(repository().join(name)).expect("a file");
    let compose = COMPOSE.map(read).concat();
    let mut used: BTreeSet<&str> = BTreeSet::new();
    for part in compose.split("${").skip(1) {
        let end = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        used.insert(&part[..end.expect("an end")]);
    }
    let example = read(".env.example");
    let mut explained = BTreeSet::new();
    let mut comment = false;
    for line in example.lines() {
        let variable = line.strip_prefix('#').unwrap_or(line).split_once('=');
        match variable {
            Some((name, _)) if name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') => {
                assert!(comment, "{line} has no comment");
                explained.insert(name);
            }
            _ => comment = line.starts_with("# "),
        }
    }
    // These are of the build; `deploy/update` sets them.
    let ours = ["REVISION", "SOURCE_DATE_EPOCH"];
    for name in used {
        assert!(
            explained.contains(name) || ours.contains(&name),
            "{name} is not in .env.example"
        );
    }
}

#[tokio::test]
async fn shellcheck_finds_nothing() {
    let scripts = [
        ".ci/run",
        "deploy/firewall/ufw",
        "deploy/letsencrypt",
        "deploy/secrets",
        "deploy/sqlserver/init",
        "deploy/update",
        "nginx/start",
        "plugins/build",
        "tests/outside/install",
    ];
    let mut command = Command::new("shellcheck");
    command.current_dir(repository()).args(scripts);
    succeeds(command).await;
}

#[tokio::test]
async fn hadolint_finds_nothing() {
    let mut command = Command::new(installed(".venv/bin/hadolint", ".venv/installed"));
    command.arg(repository().join("Dockerfile"));
    succeeds(command).await;
}

#[test]
fn the_image_has_no_shell_and_is_nobodys() {
    let file = std::fs::read_to_string(repository().join("Dockerfile")).expect("a file");
    let (_, last) = file.rsplit_once("\nFROM ").expect("a stage");
    let instructions: Vec<&str> = last
        .lines()
        .filter(|line| !line.starts_with([' ', '#']))
        .collect();
    for wanted in [
        "USER 65532:65532",
        "STOPSIGNAL SIGTERM",
        "HEALTHCHECK ",
        "ENTRYPOINT [",
        "CMD [",
    ] {
        assert!(
            instructions.iter().any(|line| line.starts_with(wanted)),
            "{wanted}: {last}"
        );
    }
    // There is no shell for these.
    assert!(
        !instructions.iter().any(|line| line.starts_with("RUN ")),
        "{last}"
    );
    assert!(
        last.contains(r#"CMD ["/usr/local/bin/mssql-mcp", "health"]"#),
        "{last}"
    );
}

#[tokio::test]
async fn nftables_reads_its_example() {
    let mut command = Command::new("nft");
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command.args(["--check", "--file"]);
    command.arg(repository().join("deploy/firewall/nftables.conf"));
    succeeds(command).await;
}

#[test]
fn microsofts_parser_reads_the_sample_company() {
    let path = repository().join("deploy/sqlserver/init.sql");
    let script = std::fs::read_to_string(path).expect("a script");
    let batches: Vec<&str> = script.split("\nGO\n").collect();
    for (text, errors) in batches.iter().zip(microsofts_parser_finds(&batches)) {
        assert!(
            errors.is_empty(),
            "{errors:?} in {}",
            text.lines().next().unwrap_or_default()
        );
    }
}

/// The profiles of a set.
fn names(profiles: &str) -> impl Iterator<Item = &str> {
    profiles.split(',').filter(|profile| !profile.is_empty())
}

async fn compose(profiles: &str, variables: &[(&str, &str)]) -> Value {
    let mut command = python("compose.py");
    command.arg(repository().join("docker-compose.yml"));
    command.args(names(profiles));
    let path = std::env::var("PATH").unwrap_or_default();
    command
        .env_clear()
        .env("PATH", path)
        .envs(variables.iter().copied());
    let output = succeeds(command).await;
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn services(project: &Value) -> BTreeMap<&str, &Value> {
    let services = project["services"].as_object().expect("services").iter();
    services
        .map(|(name, service)| (name.as_str(), service))
        .collect()
}

/// Written by others than the deployment itself.
fn is_of_others(path: &str) -> bool {
    path.starts_with("monitoring/")
}

async fn succeeds(mut command: Command) -> Output {
    let output = command.output().await;
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}; {INSTALL}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{command:?}: {}\n{said}",
        output.status
    );
    output
}
