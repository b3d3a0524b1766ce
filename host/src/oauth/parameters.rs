//! Parameters of a query or a form: each at most once (RFC 6749 §3.1, §3.2).

use std::borrow::Cow;

use url::form_urlencoded;

/// Decoded `application/x-www-form-urlencoded` parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parameters(Vec<(String, String)>);

/// A parameter came more than once.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the parameter {0} was sent more than once")]
pub(crate) struct Repeated(pub(crate) String);

impl Parameters {
    /// Decodes a query or a body; an empty value counts as none
    /// (RFC 6749 §3.1).
    pub(crate) fn parse(encoded: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(encoded);
        Self(
            pairs
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| (Cow::into_owned(name), Cow::into_owned(value)))
                .collect(),
        )
    }

    /// The value of a parameter that may come once.
    pub(crate) fn one(&self, name: &str) -> Result<Option<&str>, Repeated> {
        let mut values = self.all(name);
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            _ => Err(Repeated(name.to_owned())),
        }
    }

    /// The values of one that may come several times, such as `resource`
    /// (RFC 8707 §2).
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let fits = move |(has, _): &&(String, String)| has == name;
        self.0.iter().filter(fits).map(|(_, value)| value.as_str())
    }

    /// The first parameter but `resource` that came more than once.
    pub(crate) fn repeated(&self) -> Option<Repeated> {
        let names = self.0.iter().map(|(name, _)| name.as_str());
        names
            .filter(|name| *name != "resource")
            .find(|name| self.one(name).is_err())
            .map(|name| Repeated(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_parameter_has_no_value() {
        let parameters = Parameters::parse(b"a=1&b=%20x+y&a=2&c=&resource=r&resource=s");
        assert_eq!(parameters.one("b"), Ok(Some(" x y")));
        assert_eq!(parameters.one("c"), Ok(None));
        assert_eq!(parameters.one("a"), Err(Repeated("a".to_owned())));
        assert_eq!(parameters.repeated(), Some(Repeated("a".to_owned())));
        assert_eq!(parameters.all("resource").collect::<Vec<_>>(), ["r", "s"]);
    }
}
