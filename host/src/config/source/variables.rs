//! The customer's variables: one database named `default`, the scopes `claude` and
//! `chatgpt`, and what suits a container.

use toml::{Table, Value};

use super::environment::{Environment, PREFIX};
use crate::config::error::nearest;
use crate::config::{ConfigError, check_scope_name};

/// What the variables say, and what of it is worth a word.
pub(super) struct Said {
    pub(super) table: Table,
    pub(super) notices: Vec<String>,
}

/// Whether a variable is one of them.
pub(super) fn is_known(name: &str) -> bool {
    name == LOG_LEVEL || KNOWN.contains(&name)
}

/// Those that are set, and mean nothing where there is a file.
pub(super) fn set(environment: &Environment) -> Vec<&'static str> {
    let known = KNOWN.iter().copied();
    known
        .filter(|name| environment.get(name).is_some())
        .collect()
}

/// The table that the variables stand for.
pub(super) fn table(environment: &Environment) -> Result<Said, ConfigError> {
    let mut said = Said {
        table: Table::new(),
        notices: Vec::new(),
    };
    let writes = flag(environment, READ_ONLY_MODE)? == Some(false);
    let database = database(environment, writes)?;
    if database.is_none()
        && !environment
            .overrides()
            .any(|(name, _)| is_of_databases(name))
    {
        return Err(ConfigError::Nowhere);
    }
    if environment.get(MSSQL_DRIVER).is_some() {
        said.note(format!(
            "{MSSQL_DRIVER} has no effect: the driver is built in"
        ));
    }
    if let Some(database) = database {
        said.table
            .insert("databases".to_owned(), within("default", database));
    }
    let public = public_url(environment);
    said.http(public.as_deref());
    said.oauth(environment, public.as_deref())?;
    said.scopes(environment, writes)?;
    Ok(said)
}

/// What the variables of single keys leave open: which databases a scope has, and who
/// may write where somebody may.
pub(super) fn fill_in(table: &mut Table) {
    let labels = table.get("databases").and_then(Value::as_table);
    let labels: Vec<Value> = labels.map_or_else(Vec::new, |databases| {
        let first = databases.keys().filter(|label| *label == "default");
        let others = databases.keys().filter(|label| *label != "default");
        first.chain(others).cloned().map(Value::String).collect()
    });
    let scopes = table.get_mut("scopes").and_then(Value::as_table_mut);
    let scopes = scopes.into_iter().flat_map(Table::iter_mut);
    for scope in scopes.filter_map(|(_, scope)| scope.as_table_mut()) {
        let writes = scope.get("read_only") == Some(&Value::Boolean(false));
        let people = scope.get("people").cloned().filter(|_| writes);
        if let Some(people) = people {
            scope.entry("writers").or_insert(people);
        }
        scope
            .entry("databases")
            .or_insert_with(|| Value::Array(labels.clone()));
    }
}

/// Which variables the database `default` still needs.
pub(super) fn check(table: &Table, environment: &Environment) -> Result<(), ConfigError> {
    let databases = table.get("databases").and_then(Value::as_table);
    let Some(default) = databases.and_then(|databases| databases.get("default")?.as_table()) else {
        return Ok(());
    };
    let has = |keys: &[&str]| keys.iter().any(|key| default.contains_key(*key));
    let by_password = default
        .get("auth")
        .is_none_or(|auth| auth.as_str() == Some("sql"));
    let needed = [
        (MSSQL_HOST, has(&["host"])),
        (MSSQL_DATABASE, has(&["database"])),
        (MSSQL_USER, !by_password || has(&["user"])),
        (
            "MSSQL_PASSWORD (or MSSQL_PASSWORD_FILE)",
            !by_password || has(&["password", "password_file"]),
        ),
    ];
    let missing: Vec<&str> = needed
        .iter()
        .filter_map(|(name, has)| (!has).then_some(*name))
        .collect();
    let (Some(first), names) = (missing.first(), missing.join(", ")) else {
        return Ok(());
    };
    let word = if missing.len() == 1 { "is" } else { "are" };
    let given: Vec<&str> = environment.strangers().collect();
    let near = nearest(first.split(' ').next().unwrap_or_default(), &given);
    let hint = near.map_or_else(String::new, |near| {
        format!(" ({near} is set, and is no name of ours)")
    });
    Err(ConfigError::rule(
        &names,
        format!(
            "{word} missing in the environment{hint}; set {}, or name a configuration file with \
             --config or MSSQL_MCP_CONFIG",
            if missing.len() == 1 { "it" } else { "them" }
        ),
    ))
}

/// A rule that was broken by a key which a variable has set is told of the variable.
pub(super) fn renamed(error: ConfigError, environment: &Environment) -> ConfigError {
    match error {
        ConfigError::Rule { key, .. }
            if key == "oauth.enabled" && environment.get(ALLOW_UNAUTH_TOOLS_CALL).is_some() =>
        {
            ConfigError::rule(
                ALLOW_UNAUTH_TOOLS_CALL,
                "true is for loopback only; listen on 127.0.0.1, or write false",
            )
        }
        error => error,
    }
}

/// `databases.default`, if anything of it is said.
fn database(environment: &Environment, writes: bool) -> Result<Option<Table>, ConfigError> {
    let mut table = Table::new();
    let mut text = |key: &str, name: &str| {
        if let Some(value) = environment.get(name) {
            table.insert(key.to_owned(), Value::String(value.to_owned()));
        }
    };
    text("database", MSSQL_DATABASE);
    text("user", MSSQL_USER);
    text("password", MSSQL_PASSWORD);
    text("password_file", MSSQL_PASSWORD_FILE);
    if let Some(server) = environment.get(MSSQL_HOST) {
        // As ODBC has it: tcp:HOST,PORT
        let bare = server.trim().strip_prefix("tcp:").unwrap_or(server.trim());
        let (host, port) = bare.split_once(',').unwrap_or((bare, ""));
        table.insert("host".to_owned(), Value::String(host.trim().to_owned()));
        if !port.is_empty() {
            table.insert("port".to_owned(), port_of(MSSQL_HOST, port)?);
        }
    }
    if let Some(port) = environment.get(MSSQL_PORT) {
        table.insert("port".to_owned(), port_of(MSSQL_PORT, port)?);
    }
    if flag(environment, TRUSTED_CONNECTION)? == Some(true) {
        return Err(ConfigError::rule(
            TRUSTED_CONNECTION,
            "asks for the log-in of Windows, which does not exist here yet; write no, and set \
             MSSQL_USER and MSSQL_PASSWORD",
        ));
    }
    let trust = flag(environment, TRUST_SERVER_CERTIFICATE)?;
    if !table.is_empty() {
        if trust == Some(true) {
            table.insert("trust_server_certificate".to_owned(), Value::Boolean(true));
        }
        if writes {
            // The one log-in writes, and scopes that only read use it too.
            table.insert("allow_writable_login".to_owned(), Value::Boolean(true));
        }
    }
    Ok(Some(table).filter(|table| !table.is_empty()))
}

impl Said {
    fn note(&mut self, sentence: String) {
        self.notices.push(sentence);
    }

    fn http(&mut self, public: Option<&str>) {
        let Some(public) = public else {
            self.note("PUBLIC_URL is not set: this machine alone can reach the server".to_owned());
            return;
        };
        let mut http = Table::new();
        http.insert("listen".to_owned(), Value::String(EVERYWHERE.to_owned()));
        http.insert("public_url".to_owned(), Value::String(public.to_owned()));
        self.table.insert("http".to_owned(), Value::Table(http));
    }

    fn oauth(
        &mut self,
        environment: &Environment,
        public: Option<&str>,
    ) -> Result<(), ConfigError> {
        let methods = flag(environment, ALLOW_UNAUTH_METHODS)? == Some(true);
        if flag(environment, ALLOW_UNAUTH_TOOLS_CALL)? != Some(true) {
            if methods {
                self.note(format!(
                    "{ALLOW_UNAUTH_METHODS}=true has no effect without \
                     {ALLOW_UNAUTH_TOOLS_CALL}=true: clients need a token"
                ));
            }
            return Ok(());
        }
        if let Some(public) = public {
            return Err(ConfigError::rule(
                ALLOW_UNAUTH_TOOLS_CALL,
                format!(
                    "true would let everybody in who reaches {public}, and is for loopback only; \
                     write false, or remove {}",
                    if environment.get(PUBLIC_URL).is_some() {
                        PUBLIC_URL
                    } else {
                        DOMAIN
                    }
                ),
            ));
        }
        self.table
            .insert("oauth".to_owned(), within("enabled", Value::Boolean(false)));
        Ok(())
    }

    fn scopes(&mut self, environment: &Environment, writes: bool) -> Result<(), ConfigError> {
        let mut common = Table::new();
        for (key, name) in [
            ("people", PEOPLE),
            ("allowed_redirect_hosts", ALLOWED_REDIRECT_HOSTS),
        ] {
            if let Some(text) = environment.get(name) {
                common.insert(key.to_owned(), items(text));
            }
        }
        if let Some(results) = number(environment, MAX_SEARCH_RESULTS)? {
            common.insert("max_search_results".to_owned(), Value::Integer(results));
        }
        if let Some(seconds) = number(environment, CACHE_TTL_SECONDS)? {
            common.insert("cache_ttl".to_owned(), Value::String(format!("{seconds}s")));
        }
        let path = environment.get(ENVIRONMENT_PATH).unwrap_or_default();
        let names = match path.trim().trim_matches('/') {
            "" => vec![CLAUDE, CHATGPT],
            name => vec![name],
        };
        let mut scopes = Table::new();
        for name in &names {
            scopes.insert(
                (*name).to_owned(),
                Value::Table(scope(name, writes, &common)),
            );
        }
        let first = names.first().copied().unwrap_or(CLAUDE);
        check_scope_name(ENVIRONMENT_PATH, first)?;
        self.table
            .insert("default_scope".to_owned(), Value::String(first.to_owned()));
        self.table.insert("scopes".to_owned(), Value::Table(scopes));
        Ok(())
    }
}

/// The section of the scope `name`: the tools of the vendor that it is named after,
/// or both.
fn scope(name: &str, writes: bool, common: &Table) -> Table {
    let mut scope = common.clone();
    let mut tool_sets = Vec::new();
    if name != CHATGPT {
        tool_sets.push(if writes { CLAUDE_WRITE } else { CLAUDE_READ });
    }
    if name != CLAUDE {
        tool_sets.push(SEARCH_FETCH);
    }
    if writes && name != CHATGPT {
        scope.insert("read_only".to_owned(), Value::Boolean(false));
        scope.insert(
            "write_database".to_owned(),
            Value::String("default".to_owned()),
        );
    }
    let tool_sets = tool_sets
        .into_iter()
        .map(|name| Value::String(name.to_owned()));
    scope.insert("tool_sets".to_owned(), Value::Array(tool_sets.collect()));
    scope
}

fn public_url(environment: &Environment) -> Option<String> {
    let domain = || {
        let domain = environment.get(DOMAIN)?.trim();
        Some(format!("https://{domain}"))
    };
    let url = environment.get(PUBLIC_URL).map(|url| url.trim().to_owned());
    url.or_else(domain)
}

fn is_of_databases(name: &str) -> bool {
    name.strip_prefix(PREFIX)
        .is_some_and(|key| key.starts_with("DATABASES"))
}

fn flag(environment: &Environment, name: &str) -> Result<Option<bool>, ConfigError> {
    let Some(text) = environment.get(name) else {
        return Ok(None);
    };
    match &*text.trim().to_ascii_lowercase() {
        "true" | "yes" | "1" | "on" => Ok(Some(true)),
        "false" | "no" | "0" | "off" => Ok(Some(false)),
        // As ODBC has it.
        "sspi" if name == TRUSTED_CONNECTION => Ok(Some(true)),
        _ => Err(ConfigError::rule(
            name,
            format!("is \"{text}\"; write true or false"),
        )),
    }
}

fn number(environment: &Environment, name: &str) -> Result<Option<i64>, ConfigError> {
    let Some(text) = environment.get(name) else {
        return Ok(None);
    };
    let number = text.trim().parse::<u32>().map(i64::from);
    let wrong = |_| ConfigError::rule(name, format!("is \"{text}\"; write a whole number"));
    number.map(Some).map_err(wrong)
}

fn port_of(name: &str, text: &str) -> Result<Value, ConfigError> {
    let port = text.trim().parse::<u16>();
    let wrong = |_| {
        ConfigError::rule(
            name,
            format!("\"{text}\" is no port; write one, such as 1433"),
        )
    };
    port.map(|port| Value::Integer(port.into())).map_err(wrong)
}

fn items(text: &str) -> Value {
    let items = text
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty());
    Value::Array(items.map(|item| Value::String(item.to_owned())).collect())
}

fn within(key: &str, value: impl Into<Value>) -> Value {
    Value::Table(Table::from_iter([(key.to_owned(), value.into())]))
}

const MSSQL_HOST: &str = "MSSQL_HOST";
const MSSQL_PORT: &str = "MSSQL_PORT";
const MSSQL_DATABASE: &str = "MSSQL_DATABASE";
const MSSQL_USER: &str = "MSSQL_USER";
const MSSQL_PASSWORD: &str = "MSSQL_PASSWORD";
const MSSQL_PASSWORD_FILE: &str = "MSSQL_PASSWORD_FILE";
const MSSQL_DRIVER: &str = "MSSQL_DRIVER";
const TRUSTED_CONNECTION: &str = "Trusted_Connection";
const TRUST_SERVER_CERTIFICATE: &str = "TrustServerCertificate";
const READ_ONLY_MODE: &str = "READ_ONLY_MODE";
const ALLOWED_REDIRECT_HOSTS: &str = "ALLOWED_REDIRECT_HOSTS";
const MAX_SEARCH_RESULTS: &str = "MAX_SEARCH_RESULTS";
const CACHE_TTL_SECONDS: &str = "CACHE_TTL_SECONDS";
const ENVIRONMENT_PATH: &str = "ENVIRONMENT_PATH";
const PUBLIC_URL: &str = "PUBLIC_URL";
const DOMAIN: &str = "DOMAIN";
const PEOPLE: &str = "PEOPLE";
const ALLOW_UNAUTH_METHODS: &str = "ALLOW_UNAUTH_METHODS";
const ALLOW_UNAUTH_TOOLS_CALL: &str = "ALLOW_UNAUTH_TOOLS_CALL";
/// Of every process, with a file or without.
const LOG_LEVEL: &str = "LOG_LEVEL";

/// Those that stand in for a file.
pub(super) const KNOWN: &[&str] = &[
    MSSQL_HOST,
    MSSQL_PORT,
    MSSQL_DATABASE,
    MSSQL_USER,
    MSSQL_PASSWORD,
    MSSQL_PASSWORD_FILE,
    MSSQL_DRIVER,
    TRUSTED_CONNECTION,
    TRUST_SERVER_CERTIFICATE,
    READ_ONLY_MODE,
    ALLOWED_REDIRECT_HOSTS,
    MAX_SEARCH_RESULTS,
    CACHE_TTL_SECONDS,
    ENVIRONMENT_PATH,
    PUBLIC_URL,
    DOMAIN,
    PEOPLE,
    ALLOW_UNAUTH_METHODS,
    ALLOW_UNAUTH_TOOLS_CALL,
];

const CLAUDE: &str = "claude";
const CHATGPT: &str = "chatgpt";
const CLAUDE_READ: &str = "claude-tools";
const CLAUDE_WRITE: &str = "claude-tools-write";
const SEARCH_FETCH: &str = "chatgpt-search-fetch";
/// Whoever has a public address has others who come to it.
const EVERYWHERE: &str = "0.0.0.0:8008";
