//! Syntax that came after the parser's grammar of 2019, and how each was written
//! before. A text that the parser cannot read is asked about again in that form.

use super::mutate::pieces;

/// `sql` without the constructs below, or nothing where it has none of them.
pub(super) fn older(sql: &str) -> Option<String> {
    let mut before = pieces(sql);
    before.retain(|token| !token.starts_with("--") && !token.starts_with("/*"));
    let mut tokens = before.clone();
    distinct_from(&mut tokens);
    json_arguments(&mut tokens);
    trim_sides(&mut tokens);
    nulls(&mut tokens);
    windows(&mut tokens);
    regular_expressions(&mut tokens);
    (tokens != before).then(|| tokens.join(" "))
}

/// `a IS [NOT] DISTINCT FROM b` (2022): a comparison.
fn distinct_from(tokens: &mut Vec<String>) {
    for at in (0..tokens.len()).rev() {
        for form in [
            &["IS", "NOT", "DISTINCT", "FROM"][..],
            &["IS", "DISTINCT", "FROM"],
        ] {
            if stands(tokens, at, form) {
                tokens.splice(at..at + form.len(), ["=".to_owned()]);
            }
        }
    }
}

/// `JSON_OBJECT('a': 1 NULL ON NULL)`, `JSON_ARRAY(1 ABSENT ON NULL)` (2022): a list.
fn json_arguments(tokens: &mut Vec<String>) {
    for at in (0..tokens.len()).rev() {
        let begins = [
            "JSON_OBJECT",
            "JSON_ARRAY",
            "JSON_OBJECTAGG",
            "JSON_ARRAYAGG",
        ]
        .iter()
        .any(|name| stands(tokens, at, &[name, "("]));
        let Some(end) = begins.then(|| closing(tokens, at + 1)).flatten() else {
            continue;
        };
        let mut depth = 0;
        for index in at + 1..end {
            match tokens[index].as_str() {
                "(" => depth += 1,
                ")" => depth -= 1,
                // `geography::Point` is none of ours.
                ":" if depth == 1 && tokens[index - 1] != ":" && tokens[index + 1] != ":" => {
                    tokens[index] = ",".to_owned();
                }
                _ => {}
            }
        }
        for form in [["NULL", "ON", "NULL"], ["ABSENT", "ON", "NULL"]] {
            if end >= 3 && stands(tokens, end - 3, &form) {
                tokens.drain(end - 3..end);
                break;
            }
        }
    }
}

/// `TRIM(LEADING 'x' FROM y)` (2022): `TRIM('x' FROM y)`.
fn trim_sides(tokens: &mut Vec<String>) {
    for at in (0..tokens.len()).rev() {
        for side in ["LEADING", "TRAILING", "BOTH"] {
            if stands(tokens, at, &["TRIM", "(", side]) {
                tokens.remove(at + 2);
            }
        }
    }
}

/// `LAG(a) IGNORE NULLS OVER (…)` (2022).
fn nulls(tokens: &mut Vec<String>) {
    for at in (1..tokens.len()).rev() {
        let one = stands(tokens, at, &["IGNORE", "NULLS", "OVER"])
            || stands(tokens, at, &["RESPECT", "NULLS", "OVER"]);
        if one && tokens[at - 1] == ")" {
            tokens.drain(at..at + 2);
        }
    }
}

/// `SUM(a) OVER w … WINDOW w AS (…)` (2022): the window where its name is used, so that
/// nothing in it goes unseen. `OVER (w ROWS …)` is left.
fn windows(tokens: &mut Vec<String>) {
    for at in (0..tokens.len().saturating_sub(3)).rev() {
        if !stands(tokens, at, &["WINDOW"]) || !stands(tokens, at + 2, &["AS", "("]) {
            continue;
        }
        let name = tokens[at + 1].clone();
        let Some(end) = closing(tokens, at + 3) else {
            continue;
        };
        let uses: Vec<usize> = (0..at)
            .filter(|at| stands(tokens, *at, &["OVER", &name]))
            .collect();
        if uses.is_empty() {
            continue;
        }
        let window: Vec<String> = tokens.drain(at..=end).skip(3).collect();
        for at in uses.into_iter().rev() {
            tokens.splice(at + 1..=at + 1, window.iter().cloned());
        }
    }
}

/// `WHERE REGEXP_LIKE(a, b)` (2025): a condition without a comparison.
fn regular_expressions(tokens: &mut Vec<String>) {
    for at in (0..tokens.len()).rev() {
        if stands(tokens, at, &["REGEXP_LIKE", "("])
            && let Some(end) = closing(tokens, at + 1)
        {
            tokens.splice(end + 1..end + 1, ["=".to_owned(), "1".to_owned()]);
        }
    }
}

fn stands(tokens: &[String], at: usize, form: &[&str]) -> bool {
    tokens.len() >= at + form.len()
        && form
            .iter()
            .zip(&tokens[at..])
            .all(|(word, token)| token.eq_ignore_ascii_case(word))
}

/// Where the parenthesis at `open` closes.
fn closing(tokens: &[String], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.as_str() {
            "(" => depth += 1,
            ")" => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}
