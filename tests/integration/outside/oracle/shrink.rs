//! The smallest part of a statement that still has a property.

/// Leaves out words and characters for as long as `holds`.
pub(super) fn shrink(text: &str, mut holds: impl FnMut(&str) -> bool) -> String {
    let mut best: Vec<String> = text.split_inclusive(' ').map(str::to_owned).collect();
    let mut size = best.len().div_ceil(2);
    while size > 0 {
        let mut at = 0;
        while at < best.len() {
            let end = (at + size).min(best.len());
            let rest = [&best[..at], &best[end..]].concat();
            if holds(&rest.concat()) {
                best = rest;
            } else {
                at = end;
            }
        }
        size /= 2;
    }
    best.concat()
}
