//! The token that a request presents (RFC 6750 §2.1).

use axum::http::{HeaderMap, header};
use url::form_urlencoded;

use super::Refusal;

/// The token of the only `Authorization: Bearer …`.
pub(super) fn token<'a>(headers: &'a HeaderMap, query: Option<&str>) -> Result<&'a str, Refusal> {
    // RFC 6750 §2.3 is not served, and a token that came that way is lost: the
    // client has to learn it even if it sent a header as well.
    if query.is_some_and(has_token) {
        return Err(Refusal::InAddress);
    }
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(Refusal::Missing);
    };
    let (scheme, token) = value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .ok_or(Refusal::Missing)?;
    let token = token.trim_ascii();
    if !scheme.eq_ignore_ascii_case("Bearer") || token.is_empty() {
        return Err(Refusal::Missing);
    }
    Ok(token)
}

fn has_token(query: &str) -> bool {
    form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "access_token")
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn one_header_with_any_spelling_of_the_scheme_carries_the_token() {
        for value in ["Bearer t", "bearer t", "BEARER   t", "Bearer t  "] {
            assert_eq!(token(&headers(&[value]), None), Ok("t"), "{value}");
        }
        for values in [
            &[][..],
            &["Bearer t", "Bearer t"],
            &["Basic dA==", "Bearer t"],
            &["Basic dA=="],
            &["Bearer"],
            &["Bearer "],
            &["Bearert"],
            &["t"],
            &["Bearer t\u{e9}"],
        ] {
            assert_eq!(
                token(&headers(values), None),
                Err(Refusal::Missing),
                "{values:?}"
            );
        }
    }

    #[test]
    fn a_token_in_the_query_spoils_the_one_in_the_header() {
        let good = headers(&["Bearer t"]);
        for query in ["access_token=t", "a=b&access_token=", "access%5Ftoken=t"] {
            assert_eq!(
                token(&good, Some(query)),
                Err(Refusal::InAddress),
                "{query}"
            );
            assert_eq!(
                token(&HeaderMap::new(), Some(query)),
                Err(Refusal::InAddress),
                "{query}"
            );
        }
        for query in ["", "x=access_token", "access_tokens=t"] {
            assert_eq!(token(&good, Some(query)), Ok("t"), "{query}");
        }
    }
}
