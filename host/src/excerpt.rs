//! What anybody can send, in a length that fits a log, a page or a reply.

/// The first so many characters of `text`.
pub(crate) fn excerpt(text: &str, characters: usize) -> &str {
    let end = text.char_indices().nth(characters);
    end.map_or(text, |(end, _)| text.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_counted_and_none_is_split() {
        assert_eq!(excerpt("señal", 3), "señ");
        assert_eq!(excerpt("señal", 5), "señal");
        assert_eq!(excerpt("", 5), "");
    }
}
