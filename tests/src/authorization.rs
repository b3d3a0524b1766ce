//! The authorization servers of the product under test: state in memory, and a
//! clock that tests move.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use argon2::password_hash::PasswordHasher as _;
use argon2::{Algorithm, Argon2, Params, Version};
use mssql_mcp::app::{App, ServedScope};
use mssql_mcp::clock::{Clock, ManualClock};
use mssql_mcp::entropy::Entropy;
use mssql_mcp::oauth::{
    Admission, DocumentFetcher, DocumentRules, LOCAL_SUBJECT, OAuth, OAuthConfig, OidcSettings,
    PublicUrl, RedirectRule, ScopeAccess, SignInMethod,
};
use mssql_mcp::principal::Rights;
use mssql_mcp::state::{HostKey, SecretKind, Secrets, Store, Tokens};

/// Who may do what, before the product starts.
#[derive(Default)]
pub(crate) struct AuthorizationBuilder {
    /// Subject and password; nobody signs in when there is none.
    people: Vec<(String, String)>,
    operators: BTreeSet<String>,
    scope_people: HashMap<String, Vec<Admission>>,
    scope_writers: HashMap<String, Vec<Admission>>,
    provider: Option<OidcSettings>,
    documents: Option<DocumentRules>,
}

/// Running.
pub(crate) struct Authorization {
    pub(crate) oauth: OAuth,
    pub(crate) time: ManualClock,
    own_tokens: HashMap<String, String>,
}

impl AuthorizationBuilder {
    pub(crate) fn people(&mut self, people: &[(&str, &str)]) {
        let owned =
            |(subject, password): &(&str, &str)| (subject.to_string(), password.to_string());
        self.people.extend(people.iter().map(owned));
    }

    pub(crate) fn operators(&mut self, people: &[(&str, &str)]) {
        let names = people.iter().map(|(subject, _)| (*subject).to_owned());
        self.operators.extend(names);
    }

    pub(crate) fn scope_people(&mut self, scope: &str, people: &[&str]) {
        self.scope_people.insert(scope.to_owned(), list(people));
    }

    pub(crate) fn scope_writers(&mut self, scope: &str, writers: &[&str]) {
        self.scope_writers.insert(scope.to_owned(), list(writers));
    }

    pub(crate) fn provider(&mut self, provider: OidcSettings) {
        self.provider = Some(provider);
    }

    pub(crate) fn documents(&mut self, rules: DocumentRules) {
        self.documents = Some(rules);
    }

    pub(crate) async fn start(
        &self,
        app: &App,
        key: &HostKey,
        public_url: Option<&str>,
    ) -> Authorization {
        let (clock, time) = Clock::manual(Clock::system().now());
        let store = Store::memory(clock, Secrets::new(key, Entropy::system()));
        for (subject, password) in &self.people {
            let mut groups = BTreeSet::new();
            if self.operators.contains(subject) {
                groups.insert("operators".to_owned());
            }
            let hash = hash(password);
            let added = store.add_person(subject, Some(&hash), &groups);
            assert!(
                added.await.expect("memory works"),
                "{subject} is there twice"
            );
        }
        let oauth = OAuth::new(OAuthConfig {
            store,
            scopes: app
                .scopes()
                .iter()
                .map(|scope| self.access(scope))
                .collect(),
            default_scope: app.default_scope().to_string(),
            root_discovery: app.default_scope().to_string(),
            public_url: public_url.map(|url| PublicUrl::parse(url).expect("an address")),
            sign_in: match &self.provider {
                Some(provider) => SignInMethod::Oidc(provider.clone()),
                None if self.people.is_empty() => SignInMethod::Consent,
                None => SignInMethod::Password,
            },
            access_token_ttl: HOUR,
            refresh_token_ttl: 24 * HOUR,
            documents: match &self.documents {
                Some(rules) => DocumentFetcher::new(rules.clone()),
                None => DocumentFetcher::public_internet(),
            }
            .expect("TLS"),
        });
        let mut authorization = Authorization {
            oauth,
            time,
            own_tokens: HashMap::new(),
        };
        for scope in app.scopes() {
            let token = authorization.token(&scope.name, self.first_of(&scope.name), Rights::ALL);
            let token = token.await;
            authorization
                .own_tokens
                .insert(scope.name.to_string(), token);
        }
        authorization
    }

    fn access(&self, scope: &ServedScope) -> ScopeAccess {
        let of = |lists: &HashMap<String, Vec<Admission>>| lists.get(&*scope.name).cloned();
        ScopeAccess {
            name: scope.name.to_string(),
            people: of(&self.scope_people).unwrap_or_else(|| vec![Admission::Everybody]),
            writers: of(&self.scope_writers).unwrap_or_default(),
            writable: !scope.read_only,
            redirects: RedirectRule::well_known(),
            claims: scope.claims(),
        }
    }

    /// The person that tests are at a scope: the first that may enter.
    fn first_of(&self, scope: &str) -> &str {
        let listed = self.scope_people.get(scope);
        let person = listed.and_then(|people| {
            people.iter().find_map(|admission| match admission {
                Admission::Person(subject) => Some(subject),
                Admission::Everybody | Admission::Group(_) => None,
            })
        });
        let first = || self.people.first().map(|(subject, _)| subject);
        person.or_else(first).map_or(LOCAL_SUBJECT, String::as_str)
    }
}

impl Authorization {
    pub(crate) fn store(&self) -> &Store {
        self.oauth.store()
    }

    /// Of the client that tests are.
    pub(crate) fn own_token(&self, scope: &str) -> &str {
        &self.own_tokens[scope]
    }

    pub(crate) async fn token(&self, scope: &str, subject: &str, rights: Rights) -> String {
        let store = self.store();
        let secret = store.secrets().issue(SecretKind::AccessToken);
        let secret = secret.expect("randomness");
        let tokens = Tokens::access_only(secret.hash, HOUR);
        let issued = store.issue_token(scope, subject, CLIENT, rights, tokens);
        issued.await.expect("memory works");
        secret.expose().to_owned()
    }
}

fn list(entries: &[&str]) -> Vec<Admission> {
    let entries = entries.iter().map(|entry| entry.parse());
    entries.collect::<Result<_, _>>().expect("a good entry")
}

/// As cheap as argon2id gets: the parameters are in the hash.
fn hash(password: &str) -> String {
    let cheap = Params::new(Params::MIN_M_COST, 1, 1, None).expect("good parameters");
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, cheap);
    hasher
        .hash_password_with_salt(password.as_bytes(), b"salt of the tests")
        .expect("a hash")
        .to_string()
}

/// The client that has the tokens that no client asked for.
const CLIENT: &str = "test-client";
const HOUR: Duration = Duration::from_secs(3600);
