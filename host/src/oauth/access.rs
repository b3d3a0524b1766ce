//! Who may enter a scope, who may write there, and where codes may go.

use std::collections::BTreeSet;
use std::str::FromStr;

use url::Url;

use super::clients::redirect;
use crate::principal::Rights;

/// What one scope's authorization server goes by.
#[derive(Clone, Debug)]
pub struct ScopeAccess {
    /// The scope's name, which is its path.
    pub name: String,
    /// Who may sign in here; nobody when empty.
    pub people: Vec<Admission>,
    /// Who may be given `mcp:write`; of no use in a read-only scope.
    pub writers: Vec<Admission>,
    /// Whether anything here can write at all.
    pub writable: bool,
    /// Where codes may go.
    pub redirects: Vec<RedirectRule>,
    /// The claims about a person that are handed on with a call.
    pub claims: BTreeSet<String>,
}

impl ScopeAccess {
    /// The most that this person may be given here; none for who may not enter.
    pub fn rights_of(&self, subject: &str, groups: &BTreeSet<String>) -> Rights {
        let among = |list: &[Admission]| list.iter().any(|entry| entry.admits(subject, groups));
        if !among(&self.people) {
            return Rights::NONE;
        }
        if self.writable && among(&self.writers) {
            return Rights::ALL;
        }
        Rights::READ
    }

    /// Judges a redirect URI that a client is to be registered with.
    pub fn check_redirect(&self, uri: &str) -> Result<(), RuleError> {
        redirect::check(uri, &self.redirects)
            .map_err(|problem| RuleError::RedirectUri(problem.to_string()))
    }

    /// Every right there is here, as metadata lists them.
    pub fn rights(&self) -> Rights {
        if self.writable {
            Rights::ALL
        } else {
            Rights::READ
        }
    }
}

/// An entry of `people` or `writers`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// `*`: everybody who can sign in.
    Everybody,
    /// `group:NAME`
    Group(String),
    /// A subject: as written, which is how some providers spell theirs, or in
    /// lower case, which is how people are known here.
    Person(String),
}

impl Admission {
    fn admits(&self, subject: &str, groups: &BTreeSet<String>) -> bool {
        match self {
            Self::Everybody => true,
            Self::Group(group) => groups.contains(group),
            Self::Person(person) => person == subject || person.to_lowercase() == subject,
        }
    }
}

/// An entry that says nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// Of `people` or `writers`.
    #[error("\"{0}\" is neither a person, nor \"group:NAME\", nor \"*\"")]
    Admission(String),
    /// Of `allowed_redirect_hosts`.
    #[error(
        "\"{0}\" is neither a host such as \"claude.ai\", nor a scheme of a program such as \
         \"cursor:\", nor \"*\""
    )]
    Redirect(String),
    /// A redirect URI that no client may have here.
    #[error("{0}")]
    RedirectUri(String),
}

impl FromStr for Admission {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let wrong = || RuleError::Admission(text.to_owned());
        match text.strip_prefix("group:") {
            Some(group) if !group.trim().is_empty() => Ok(Self::Group(group.trim().to_owned())),
            Some(_) => Err(wrong()),
            None if text == "*" => Ok(Self::Everybody),
            None if text.trim().is_empty() || text.contains('*') => Err(wrong()),
            None => Ok(Self::Person(text.trim().to_owned())),
        }
    }
}

/// An entry of `allowed_redirect_hosts`. Loopback addresses need none
/// (RFC 8252 §7.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedirectRule {
    /// `*`: every https host.
    AnyHost,
    /// This https host and its subdomains.
    Host(String),
    /// `NAME:`, a private-use scheme (RFC 8252 §7.1).
    Scheme(String),
}

impl RedirectRule {
    /// What is allowed where the operator says nothing: the hosts and programs
    /// of well-known MCP clients.
    pub fn well_known() -> Vec<Self> {
        let hosts = [
            "claude.ai",
            "claude.com",
            "chatgpt.com",
            "openai.com",
            "vscode.dev",
            "cursor.com",
        ];
        let schemes = ["cursor", "vscode", "vscode-insiders"];
        let hosts = hosts.into_iter().map(|host| Self::Host(host.to_owned()));
        hosts
            .chain(
                schemes
                    .into_iter()
                    .map(|name| Self::Scheme(name.to_owned())),
            )
            .collect()
    }

    /// Whether a well-formed redirect URI falls under this rule.
    pub fn allows(&self, uri: &Url) -> bool {
        match self {
            Self::AnyHost => uri.scheme() == "https",
            Self::Host(allowed) => {
                uri.scheme() == "https"
                    && uri.domain().is_some_and(|host| {
                        host.strip_suffix(allowed.as_str())
                            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
                    })
            }
            Self::Scheme(scheme) => uri.scheme() == scheme,
        }
    }
}

impl FromStr for RedirectRule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let wrong = || RuleError::Redirect(text.to_owned());
        let name = text.trim().to_ascii_lowercase();
        if name == "*" {
            return Ok(Self::AnyHost);
        }
        if let Some(scheme) = name.strip_suffix(':') {
            let usable = Url::parse(&format!("{scheme}:x")).is_ok_and(|url| url.scheme() == scheme)
                && !NEVER.contains(&scheme);
            return usable
                .then(|| Self::Scheme(scheme.to_owned()))
                .ok_or_else(wrong);
        }
        let host = name.trim_start_matches('.');
        match Url::parse(&format!("https://{host}/")) {
            Ok(url) if url.domain() == Some(host) => Ok(Self::Host(host.to_owned())),
            _ => Err(wrong()),
        }
    }
}

/// Schemes that a browser would run or read from, or that have rules of their
/// own.
pub(super) const NEVER: &[&str] = &[
    "about",
    "blob",
    "data",
    "file",
    "ftp",
    "http",
    "https",
    "javascript",
    "vbscript",
    "ws",
    "wss",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(people: &[&str], writers: &[&str]) -> ScopeAccess {
        let list = |entries: &[&str]| entries.iter().map(|entry| entry.parse().unwrap()).collect();
        ScopeAccess {
            name: "claude".to_owned(),
            people: list(people),
            writers: list(writers),
            writable: true,
            redirects: Vec::new(),
            claims: std::collections::BTreeSet::new(),
        }
    }

    #[test]
    fn a_person_enters_by_name_by_group_or_with_everybody() {
        let analysts = BTreeSet::from(["analysts".to_owned()]);
        let nobody = BTreeSet::new();
        for (people, subject, groups, enters) in [
            (&["ana@example.com"][..], "ana@example.com", &nobody, true),
            (&["Ana@Example.com"], "ana@example.com", &nobody, true),
            (&["AAAAx-1"], "AAAAx-1", &nobody, true),
            (&["aaaax-1"], "AAAAx-1", &nobody, false),
            (&["ana@example.com"], "bob@example.com", &nobody, false),
            (&["group:analysts"], "bob@example.com", &analysts, true),
            (&["group:analysts"], "bob@example.com", &nobody, false),
            (&["analysts"], "bob@example.com", &analysts, false),
            (&["*"], "bob@example.com", &nobody, true),
            (&[], "bob@example.com", &analysts, false),
        ] {
            let rights = scope(people, &[]).rights_of(subject, groups);
            assert_eq!(!rights.is_empty(), enters, "{people:?} {subject}");
        }
    }

    #[test]
    fn writers_must_be_let_in_as_well() {
        let nobody = BTreeSet::new();
        let rights = |people, writers| scope(people, writers).rights_of("ana", &nobody);
        assert_eq!(rights(&["ana"], &["ana"]), Rights::ALL);
        assert_eq!(rights(&["ana"], &["bob"]), Rights::READ);
        assert_eq!(rights(&["bob"], &["ana"]), Rights::NONE);
    }

    #[test]
    fn a_host_allows_itself_and_its_subdomains_over_https() {
        let rule: RedirectRule = "ChatGPT.com".parse().unwrap();
        for (uri, allowed) in [
            ("https://chatgpt.com/cb", true),
            ("https://a.b.chatgpt.com/cb", true),
            ("https://chatgpt.com.evil.com/cb", false),
            ("https://evilchatgpt.com/cb", false),
            ("https://evil.com/chatgpt.com", false),
            ("http://chatgpt.com/cb", false),
        ] {
            assert_eq!(rule.allows(&Url::parse(uri).unwrap()), allowed, "{uri}");
        }
    }

    #[test]
    fn rules_that_could_never_be_safe_are_refused() {
        for text in [
            "javascript:",
            "data:",
            "http:",
            "",
            "a b",
            "https://claude.ai",
            "claude.ai/x",
            "10.0.0.1",
        ] {
            assert!(text.parse::<RedirectRule>().is_err(), "{text}");
        }
        for text in ["", "group:", "*@example.com"] {
            assert!(text.parse::<Admission>().is_err(), "{text}");
        }
    }
}
