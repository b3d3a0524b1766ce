//! SESSION_CONTEXT: what row-level security policies may know of who asks. It
//! cannot be changed once set, so a connection then belongs to that caller.

use std::fmt;
use std::sync::Arc;

use tiberius::ColumnData;

use super::error::Error;
use super::params::Bound;
use crate::principal::Principal;

/// What a scope tells the server of who asks: `mcp.scope`, `mcp.subject`,
/// `mcp.client`, and its own keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionContext {
    /// Name of the scope.
    pub scope: String,
    /// Keys of at most 128 characters, and where their values come from.
    pub keys: Vec<(String, ContextValue)>,
}

/// Where the value of a key comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContextValue {
    /// A claim about the person.
    Claim(String),
    /// The configuration.
    Constant(String),
}

/// For whom a connection must be.
pub(super) enum Asker {
    /// The host itself, whose statements answer everybody the same.
    Host,
    /// Whoever asks, where the server is told of nobody.
    Anybody,
    /// One caller.
    Person(Identity),
}

/// All that the server is told of one caller; equal for nobody else.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Identity(Arc<[(String, String)]>);

impl SessionContext {
    /// What the server is to be told of `principal`.
    ///
    /// # Errors
    /// A claim that the person lacks, or that is too long: without it the
    /// policies would judge somebody else.
    pub(super) fn identity(&self, principal: Option<&Principal>) -> Result<Identity, Error> {
        let mut told = Vec::with_capacity(self.keys.len() + 3);
        let mut tell = |key: &str, value: &str| {
            told.push((key.to_owned(), value.to_owned()));
        };
        tell("mcp.scope", &self.scope);
        if let Some(Principal {
            subject, client, ..
        }) = principal
        {
            for (key, value) in [("mcp.subject", subject), ("mcp.client", client)] {
                fits(key, value)?;
                tell(key, value);
            }
        }
        for (key, value) in &self.keys {
            match value {
                ContextValue::Constant(value) => tell(key, value),
                ContextValue::Claim(claim) => {
                    let value = principal.and_then(|principal| known(principal, claim));
                    let value = value.ok_or_else(|| lacking(claim))?;
                    fits(claim, value)?;
                    tell(key, value);
                }
            }
        }
        Ok(Identity(told.into()))
    }
}

fn known<'a>(principal: &'a Principal, claim: &str) -> Option<&'a str> {
    let stored = principal.claims.get(claim).map(String::as_str);
    let subject = || Some(principal.subject.as_str()).filter(|_| claim == "sub");
    stored.or_else(subject).filter(|value| !value.is_empty())
}

fn lacking(claim: &str) -> Error {
    Error::Withheld(format!(
        "which rows may be shown here depends on the claim \"{claim}\", and it is not known of \
         the person who is signed in; the person must sign in again, and if that does not help, \
         whoever runs this service must have the claim sent"
    ))
}

fn fits(name: &str, value: &str) -> Result<(), Error> {
    if value.encode_utf16().count() <= MAX_CHARACTERS {
        return Ok(());
    }
    Err(Error::Withheld(format!(
        "which rows may be shown here depends on \"{name}\", which for this person is longer than \
         the {MAX_CHARACTERS} characters that can be told to the database; whoever runs this \
         service must shorten it"
    )))
}

impl Identity {
    /// The statement that tells the server all of it, for one round trip of
    /// `sp_executesql`. Of the text nothing comes from outside.
    pub(super) fn statement(&self) -> (String, Bound) {
        let mut sql = String::new();
        let mut bound = Bound::default();
        for (index, (key, value)) in self.0.iter().enumerate() {
            sql.push_str(&format!(
                "EXEC sys.sp_set_session_context @key = @k{index}, @value = @v{index}, \
                 @read_only = 1; "
            ));
            if index > 0 {
                bound.declaration.push(',');
            }
            bound.declaration.push_str(&format!(
                "@k{index} nvarchar(128),@v{index} nvarchar({MAX_CHARACTERS})"
            ));
            for (name, text) in [("@k", key), ("@v", value)] {
                let data = ColumnData::String(Some(text.clone().into()));
                bound.values.push((format!("{name}{index}"), data));
            }
        }
        (sql, bound)
    }
}

impl fmt::Debug for Identity {
    /// Without what is known of a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Identity").finish_non_exhaustive()
    }
}

/// Of an `nvarchar` in a `sql_variant`.
const MAX_CHARACTERS: usize = 4_000;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::principal::Rights;

    fn context(keys: &[(&str, ContextValue)]) -> SessionContext {
        let owned = |(key, value): &(&str, ContextValue)| ((*key).to_owned(), value.clone());
        SessionContext {
            scope: "claude".to_owned(),
            keys: keys.iter().map(owned).collect(),
        }
    }

    fn ana(claims: &[(&str, &str)]) -> Principal {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Principal {
            subject: "ana".to_owned(),
            client: "c1".to_owned(),
            rights: Rights::READ,
            claims: claims.iter().map(owned).collect::<BTreeMap<_, _>>(),
        }
    }

    fn claim(name: &str) -> ContextValue {
        ContextValue::Claim(name.to_owned())
    }

    #[test]
    fn the_server_is_told_scope_subject_client_and_the_configured_keys_and_nothing_in_the_text() {
        let office = ContextValue::Constant("it's".to_owned());
        let context = context(&[("Dept", claim("department")), ("Office", office)]);
        let identity = context.identity(Some(&ana(&[("department", "7"), ("x", "y")])));
        let (sql, bound) = identity.unwrap().statement();
        assert_eq!(sql.matches("@read_only = 1").count(), 5);
        assert!(!sql.contains("it's") && !sql.contains("Dept"), "{sql}");
        let values: Vec<String> = bound
            .values
            .iter()
            .map(|(name, data)| match data {
                ColumnData::String(Some(text)) => format!("{name}={text}"),
                other => panic!("{other:?}"),
            })
            .collect();
        let expected = "@k0=mcp.scope @v0=claude @k1=mcp.subject @v1=ana @k2=mcp.client @v2=c1 \
             @k3=Dept @v3=7 @k4=Office @v4=it's";
        assert_eq!(values.join(" "), expected);
        assert!(bound.declaration.contains("@v4 nvarchar(4000)"));
    }

    #[test]
    fn whoever_lacks_a_claim_is_told_which_and_sub_is_the_subject_of_who_has_none() {
        let wanted = context(&[("Dept", claim("department"))]);
        let long = "x".repeat(MAX_CHARACTERS + 1);
        for principal in [
            None,
            Some(ana(&[])),
            Some(ana(&[("department", "")])),
            Some(ana(&[("department", &long)])),
        ] {
            let refused = wanted.identity(principal.as_ref());
            assert!(
                matches!(&refused, Err(Error::Withheld(sentence)) if sentence.contains("\"department\"")),
                "{refused:?}"
            );
        }
        let by_subject = context(&[("who", claim("sub"))]);
        let told = |claims: &[(&str, &str)]| by_subject.identity(Some(&ana(claims))).unwrap();
        assert_eq!(told(&[]).0.last().unwrap().1, "ana");
        assert_eq!(told(&[("sub", "1001")]).0.last().unwrap().1, "1001");
        assert_ne!(told(&[]), told(&[("sub", "1001")]));
    }
}
