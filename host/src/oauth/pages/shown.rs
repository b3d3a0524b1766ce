//! What strangers call themselves, made fit to be shown.

/// `text` on one line and of bearable length, without characters that are not
/// seen or that turn others round: a client must not write the page. Markup is
/// escaped by the templates.
pub(crate) fn shown(text: &str) -> String {
    let mut shown = String::new();
    let visible = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c });
    for (written, c) in visible.filter(|c| !is_hidden(*c)).enumerate() {
        if written == LONGEST {
            shown.truncate(shown.trim_end().len());
            shown.push('…');
            return shown;
        }
        if c != ' ' || !shown.ends_with(' ') {
            shown.push(c);
        }
    }
    shown.trim().to_owned()
}

/// Controls, bidirectional controls, joiners, variation selectors, tags.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Characters; longer names say more than who asks.
const LONGEST: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_shown_on_one_line_without_what_hides_or_turns() {
        for (text, seen) in [
            ("Claude", "Claude"),
            ("  Claude \n\t Code ", "Claude Code"),
            ("Claude\u{202e}edoC", "ClaudeedoC"),
            ("Cl\u{200b}au\u{2066}de\u{feff}", "Claude"),
            ("\u{200b}\u{3164}", ""),
            ("Añadir 数据 🙂", "Añadir 数据 🙂"),
            ("<script>", "<script>"),
        ] {
            assert_eq!(shown(text), seen, "{text:?}");
        }
    }

    #[test]
    fn a_long_name_is_cut_with_an_ellipsis() {
        let seen = shown(&"ñ".repeat(1_000));
        assert_eq!(seen.chars().count(), LONGEST + 1);
        assert!(seen.ends_with('…'));
        assert_eq!(shown(&"a".repeat(LONGEST)), "a".repeat(LONGEST));
    }
}
