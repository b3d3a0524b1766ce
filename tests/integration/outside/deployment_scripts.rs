//! The scripts of a deployment, with a stand-in for the one program that needs Docker or
//! the internet: it writes down what it is asked.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Output;

use rcgen::{CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tempfile::TempDir;
use tokio::process::Command;

use super::{INSTALL, installed, repository};

#[tokio::test]
async fn an_update_replaces_the_second_host_first_and_can_be_taken_back() {
    let site = Site::new(
        "docker",
        "case \"$*\" in\n*--services) printf 'nginx\\nmssql-mcp\\nmssql-mcp-2\\n';;\n*--wait*mssql-mcp-2) exit \"${FAILS:-0}\";;\nesac\n",
    );
    site.copy("deploy/update");
    fs::write(site.path(".env"), "DOMAIN=data.example.com\n").expect("a file");
    fs::write(site.path(".gitignore"), "/asked\n/bin\n").expect("a file");
    for arguments in [
        &["init", "--quiet"][..],
        &["add", "--all"],
        &[
            "-c",
            "user.name=Ana",
            "-c",
            "user.email=ana@example.com",
            "commit",
            "--quiet",
            "-m",
            "First",
        ],
    ] {
        let mut git = Command::new("git");
        let done = git
            .current_dir(site.folder.path())
            .args(arguments)
            .status()
            .await;
        assert!(done.expect("git").success());
    }
    // Another person's settings are no change of the product.
    let untracked = ["rm", "--quiet", "--cached", ".env"];
    let mut git = Command::new("git");
    git.current_dir(site.folder.path()).args(untracked);
    assert!(git.status().await.expect("git").success());

    let refused = site.run("deploy/update", &[], &[]).await;
    assert!(!refused.status.success());
    assert!(
        text(&refused.stderr).contains("not committed"),
        "{refused:?}"
    );
    let mut git = Command::new("git");
    let commit = [
        "-c",
        "user.name=Ana",
        "-c",
        "user.email=ana@example.com",
        "commit",
        "--quiet",
        "-m",
        "Second",
    ];
    assert!(
        git.current_dir(site.folder.path())
            .args(commit)
            .status()
            .await
            .expect("git")
            .success()
    );

    let nothing = site.run("deploy/update", &["rollback"], &[]).await;
    assert!(
        text(&nothing.stderr).contains("there was no update"),
        "{nothing:?}"
    );
    let updated = site.run("deploy/update", &[], &[]).await;
    assert!(updated.status.success(), "{updated:?}");
    let asked = site.asked();
    let waits: Vec<&String> = asked
        .iter()
        .filter(|line| line.contains("--wait"))
        .collect();
    assert!(asked[0].ends_with("compose build mssql-mcp"), "{asked:?}");
    assert!(
        waits[0].ends_with(" mssql-mcp-2") && waits[1].ends_with(" mssql-mcp"),
        "{waits:?}"
    );
    let settings = fs::read_to_string(site.path(".env")).expect("settings");
    let tag = settings
        .lines()
        .find_map(|line| line.strip_prefix("MSSQL_MCP_TAG="));
    assert_eq!(tag.map(str::len), Some(12), "{settings}");
    assert!(settings.contains("DOMAIN=data.example.com\n"), "{settings}");
    assert!(
        settings.contains("MSSQL_MCP_PREVIOUS_TAG=latest\n"),
        "{settings}"
    );

    let back = site.run("deploy/update", &["rollback"], &[]).await;
    assert!(back.status.success(), "{back:?}");
    let settings = fs::read_to_string(site.path(".env")).expect("settings");
    assert!(settings.contains("MSSQL_MCP_TAG=latest\n"), "{settings}");
    assert!(
        !site
            .asked()
            .iter()
            .any(|line| line.contains("build mssql-mcp"))
    );
    // A host that does not come up ends it, and the other one serves on.
    let failed = site.run("deploy/update", &[], &[("FAILS", "1")]).await;
    assert!(!failed.status.success());
    assert!(
        text(&failed.stderr).contains("deploy/update rollback"),
        "{failed:?}"
    );
    assert!(
        !site
            .asked()
            .iter()
            .any(|line| line.ends_with(" mssql-mcp") && line.contains("--wait"))
    );
}

#[tokio::test]
async fn secrets_are_made_once_and_follow_the_settings() {
    let site = Site::new("unused", "");
    site.copy("deploy/secrets");
    let done = site.run("deploy/secrets", &[], &[]).await;
    assert!(done.status.success(), "{done:?}");
    let read = |name: &str| fs::read_to_string(site.path("secrets").join(name)).expect("a secret");
    let (database, grafana) = (read("mssql-password"), read("grafana-password"));
    assert!(database.len() > 30 && database != grafana);
    let mode = |path: &Path| fs::metadata(path).expect("a file").permissions().mode() & 0o777;
    assert_eq!(mode(&site.path("secrets")), 0o700);
    assert_eq!(mode(&site.path("secrets/mssql-password")), 0o444);
    fs::write(site.path(".env"), "MSSQL_PASSWORD='it$ \"own\" one'\n").expect("a file");
    let done = site.run("deploy/secrets", &[], &[]).await;
    assert!(done.status.success(), "{done:?}");
    assert_eq!(read("mssql-password"), "it$ \"own\" one");
    assert_eq!(read("grafana-password"), grafana);
    for secret in [&database, "own"] {
        assert!(!text(&done.stdout).contains(secret), "{done:?}");
    }
}

#[tokio::test]
async fn a_certificate_is_asked_for_as_it_should_be() {
    let site = Site::new("certbot", "");
    let live = site.path("letsencrypt/live/data.example.com");
    let run = async |arguments: &[&str], more: &[(&str, &str)]| {
        let folder = site.path("letsencrypt").display().to_string();
        let webroot = site.path("webroot").display().to_string();
        let mut variables = vec![
            ("DOMAIN", "data.example.com"),
            ("LETSENCRYPT_EMAIL", "ana@example.com"),
            ("LETSENCRYPT_FOLDER", &folder),
            ("LETSENCRYPT_WEBROOT", &webroot),
        ];
        variables.extend(more);
        let script = repository().join("deploy/letsencrypt");
        site.run(script.to_str().expect("a path"), arguments, &variables)
            .await
    };
    let asks = async |arguments: &[&str]| {
        let output = run(arguments, &[]).await;
        assert!(output.status.success(), "{output:?}");
        (site.asked().pop(), text(&output.stderr))
    };
    let (asked, _) = asks(&["--no-check"]).await;
    let asked = asked.expect("a question");
    for part in [
        "certonly --webroot",
        "--domain data.example.com",
        "--keep-until-expiring",
        "--email ana@example.com",
        "--non-interactive",
    ] {
        assert!(asked.contains(part), "{asked}");
    }
    assert!(!asked.contains("--staging"), "{asked}");
    let (asked, _) = asks(&["--no-check", "--staging"]).await;
    assert!(asked.expect("a question").contains("--staging"));

    // One from staging is replaced by a good one, and never the other way round.
    certificate(&live, "(STAGING) Tenuous Tomato");
    let (asked, _) = asks(&["--no-check"]).await;
    assert!(asked.expect("a question").contains("--force-renewal"));
    certificate(&live, "R13");
    let (asked, said) = asks(&["--no-check", "--staging"]).await;
    assert_eq!(asked, None, "{said}");
    let (asked, _) = asks(&["--no-check"]).await;
    assert!(asked.expect("a question").contains("--keep-until-expiring"));

    for (variable, told) in [
        (("DOMAIN", "localhost"), "of its own making"),
        (("LETSENCRYPT_EMAIL", ""), "LETSENCRYPT_EMAIL is missing"),
    ] {
        let output = run(&["--no-check"], &[variable]).await;
        assert_eq!(output.status.code(), Some(64), "{output:?}");
        assert!(text(&output.stderr).contains(told), "{output:?}");
    }
    // A name that cannot exist (RFC 6761).
    let output = run(&[], &[("DOMAIN", "data.example.invalid")]).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(
        text(&output.stderr).contains("has no A record"),
        "{output:?}"
    );
    let output = run(&["--stagin"], &[]).await;
    assert_eq!(output.status.code(), Some(64), "{output:?}");
    assert_eq!(site.asked(), Vec::<String>::new());
}

/// A folder with a program that writes down its arguments.
struct Site {
    folder: TempDir,
}

impl Site {
    fn new(program: &str, then: &str) -> Self {
        let site = Self {
            folder: tempfile::tempdir().expect("a folder"),
        };
        fs::create_dir(site.path("bin")).expect("a folder");
        let asked = site.path("asked");
        let script = format!("#!/bin/sh\necho \"$*\" >>'{}'\n{then}", asked.display());
        let path = site.path("bin").join(program);
        fs::write(&path, script).expect("a file");
        fs::set_permissions(path, Permissions::from_mode(0o755)).expect("a mode");
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn copy(&self, name: &str) {
        let to = self.path(name);
        fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
        fs::copy(repository().join(name), to).expect("a file");
    }

    async fn run(&self, script: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
        // With the packages of the tests.
        let python = installed(".venv/bin", ".venv/installed");
        let path = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{}:{path}", self.path("bin").display(), python.display());
        let mut command = Command::new("/bin/sh");
        command
            .arg(self.folder.path().join(script))
            .args(arguments)
            .env("PATH", path)
            .envs(variables.iter().copied());
        let output = command.output().await;
        output.unwrap_or_else(|error| panic!("{script}: {error}; {INSTALL}"))
    }

    /// What the program was asked since the last time.
    fn asked(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("asked")).unwrap_or_default();
        let _ = fs::remove_file(self.path("asked"));
        text.lines().map(ToOwned::to_owned).collect()
    }
}

/// A certificate that an authority of that name issued.
fn certificate(folder: &Path, issuer: &str) {
    let mut authority = CertificateParams::default();
    authority
        .distinguished_name
        .push(DnType::CommonName, issuer);
    authority.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let issuer = Issuer::new(authority, KeyPair::generate().expect("a key"));
    let params = CertificateParams::new(vec!["data.example.com".to_owned()]).expect("a name");
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, &issuer).expect("a certificate");
    fs::create_dir_all(folder).expect("a folder");
    fs::write(folder.join("fullchain.pem"), certificate.pem()).expect("a file");
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
