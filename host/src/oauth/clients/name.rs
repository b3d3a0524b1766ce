//! A client's own name for itself, made fit to be shown: nothing that hides,
//! reorders or ends the text around it.

/// `text` without invisible characters, each run of white space one blank;
/// `None` when what is left is longer than a name is.
pub(crate) fn clean(text: &str) -> Option<String> {
    let mut name = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        let visible = word.chars().filter(|c| !is_invisible(*c));
        let before = name.len();
        if before > 0 {
            name.push(' ');
        }
        let begun = name.len();
        name.extend(visible);
        if name.len() == begun {
            name.truncate(before);
        }
    }
    (name.chars().count() <= MAX_CHARACTERS).then_some(name)
}

/// Characters that change how their neighbours look or take no room: soft
/// hyphen, bidirectional marks, embeddings, overrides and isolates (UAX #9),
/// zero-width ones, fillers, variation selectors, tags and private use.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{e000}'..='\u{f8ff}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{ffff}'
        | '\u{e0000}'..='\u{10ffff}')
}

const MAX_CHARACTERS: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_or_reorders_is_taken_out() {
        for (text, name) in [
            ("Claude", "Claude"),
            ("  Claude \n\t Code\0 ", "Claude Code"),
            ("Claude\u{202e}edoC", "ClaudeedoC"),
            ("\u{2066}Claude\u{2069}", "Claude"),
            ("a \u{200b} b", "a b"),
            ("C\u{2028}D", "C D"),
            ("日本語 Ñandú", "日本語 Ñandú"),
            ("\u{1b}[31mred", "[31mred"),
            ("\u{200b}", ""),
            ("", ""),
        ] {
            assert_eq!(clean(text).as_deref(), Some(name), "{text:?}");
        }
    }

    #[test]
    fn a_name_ends_at_a_hundred_characters() {
        assert!(clean(&"é".repeat(100)).is_some());
        assert_eq!(clean(&"é".repeat(101)), None);
    }
}
