//! A new password, typed twice.

use secrecy::{ExposeSecret, SecretString};

use crate::oauth::pages::Texts;
use crate::oauth::parameters::Parameters;
use crate::oauth::people::{PasswordError, Passwords};

/// What the fields `password` and `again` say, if `subject` may have it; else
/// what to do about it.
pub(super) fn read(
    form: &Parameters,
    subject: &str,
    texts: &'static Texts,
) -> Result<SecretString, &'static str> {
    let texts = &texts.new_password;
    let field = |name| {
        let typed = form.one(name).ok().flatten().unwrap_or_default();
        SecretString::from(typed)
    };
    let (password, again) = (field("password"), field("again"));
    match Passwords::check(subject, &password) {
        Ok(()) if password.expose_secret() == again.expose_secret() => Ok(password),
        Ok(()) => Err(texts.different),
        Err(PasswordError::TooLong) => Err(texts.too_long),
        Err(PasswordError::SameAsName) => Err(texts.same_as_name),
        Err(_) => Err(texts.too_short),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::pages::Language;

    #[test]
    fn both_must_be_the_same_and_good() {
        let texts = Language::English.texts();
        let long = "x".repeat(1_025);
        let good = "correct horse";
        for (password, again, answer) in [
            (good, good, None),
            (good, "correct hors", Some(texts.new_password.different)),
            (good, "", Some(texts.new_password.different)),
            ("", "", Some(texts.new_password.too_short)),
            ("correct", "correct", Some(texts.new_password.too_short)),
            (&long, &long, Some(texts.new_password.too_long)),
            (
                "ana@example.com",
                "ana@example.com",
                Some(texts.new_password.same_as_name),
            ),
        ] {
            let form = format!("password={password}&again={again}");
            let read = read(
                &Parameters::parse(form.as_bytes()),
                "ana@example.com",
                texts,
            );
            assert_eq!(read.err(), answer, "{password}");
        }
    }
}
