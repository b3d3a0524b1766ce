//! What these tests have to know of Markdown: fenced blocks with the comment above them,
//! headings, links and spans of code.

/// A file, taken apart.
#[derive(Debug)]
pub(super) struct Document {
    /// Its path from the root of the repository, with `/`.
    pub(super) name: String,
    /// Fenced blocks.
    pub(super) blocks: Vec<Block>,
    /// Headings, with the number of their `#`.
    pub(super) headings: Vec<(usize, String)>,
    /// Lines between blank lines and blocks, with the number of the first.
    paragraphs: Vec<(usize, String)>,
}

/// A fenced block.
#[derive(Debug)]
pub(super) struct Block {
    /// Where it begins.
    pub(super) line: usize,
    /// What stands behind the fence.
    pub(super) language: String,
    /// The comment on the line above.
    pub(super) mark: Option<String>,
    /// What is between the fences.
    pub(super) text: String,
}

impl Document {
    /// Takes `text` apart.
    pub(super) fn parse(name: &str, text: &str) -> Self {
        let mut document = Self {
            name: name.to_owned(),
            blocks: Vec::new(),
            headings: Vec::new(),
            paragraphs: Vec::new(),
        };
        let mut block: Option<Block> = None;
        let mut mark = None;
        let mut continues = false;
        for (line, content) in (1..).zip(text.lines()) {
            let trimmed = content.trim();
            if let Some(mut open) = block.take() {
                if trimmed == "```" {
                    document.blocks.push(open);
                } else {
                    open.text.push_str(content);
                    open.text.push('\n');
                    block = Some(open);
                }
                continue;
            }
            if let Some(language) = trimmed.strip_prefix("```") {
                block = Some(Block {
                    line,
                    language: language.trim().to_owned(),
                    mark: mark.take(),
                    text: String::new(),
                });
                continues = false;
                continue;
            }
            mark = comment(trimmed);
            if mark.is_some() || trimmed.is_empty() {
                continues = false;
                continue;
            }
            if let Some(heading) = heading(content) {
                document.headings.push(heading);
            }
            if continues && let Some((_, paragraph)) = document.paragraphs.last_mut() {
                paragraph.push('\n');
                paragraph.push_str(content);
            } else {
                document.paragraphs.push((line, content.to_owned()));
            }
            continues = true;
        }
        assert!(block.is_none(), "{name}: a block has no end");
        document
    }

    /// Its blocks in `language`.
    pub(super) fn blocks_of<'a>(&'a self, language: &'a str) -> impl Iterator<Item = &'a Block> {
        self.blocks
            .iter()
            .filter(move |block| block.language == language)
    }

    /// Where its links lead, each with the line at which its paragraph begins.
    pub(super) fn links(&self) -> Vec<(usize, String)> {
        let mut links = Vec::new();
        for (line, paragraph) in &self.paragraphs {
            let (text, _) = apart(paragraph);
            for rest in text.split("](").skip(1) {
                let target = rest.split(')').next().unwrap_or_default();
                let target = target.split_whitespace().next().unwrap_or_default();
                links.push((*line, target.to_owned()));
            }
        }
        links
    }

    /// What stands between back-ticks, each with the line at which its paragraph begins.
    pub(super) fn spans(&self) -> Vec<(usize, String)> {
        let mut spans = Vec::new();
        for (line, paragraph) in &self.paragraphs {
            let (_, code) = apart(paragraph);
            spans.extend(code.into_iter().map(|span| (*line, span)));
        }
        spans
    }

    /// The names by which its headings can be linked.
    pub(super) fn anchors(&self) -> Vec<String> {
        let mut anchors: Vec<String> = Vec::new();
        for (_, heading) in &self.headings {
            let name = slug(heading);
            let mut anchor = name.clone();
            let mut again = 0;
            while anchors.contains(&anchor) {
                again += 1;
                anchor = format!("{name}-{again}");
            }
            anchors.push(anchor);
        }
        anchors
    }
}

/// Text without its spans of code, and these.
fn apart(paragraph: &str) -> (String, Vec<String>) {
    let mut text = String::new();
    let mut code = Vec::new();
    for (at, part) in paragraph.split('`').enumerate() {
        if at % 2 == 0 {
            text.push_str(part);
        } else {
            code.push(part.replace('\n', " "));
        }
    }
    (text, code)
}

fn comment(line: &str) -> Option<String> {
    let comment = line.strip_prefix("<!--")?.strip_suffix("-->")?;
    Some(comment.trim().to_owned())
}

fn heading(line: &str) -> Option<(usize, String)> {
    let text = line.trim_start_matches('#');
    let level = line.len() - text.len();
    let text = text.strip_prefix(' ')?;
    (1..=6)
        .contains(&level)
        .then(|| (level, text.trim().to_owned()))
}

/// As GitHub makes the name of a heading.
fn slug(heading: &str) -> String {
    let letters = heading.chars().filter_map(|letter| match letter {
        ' ' | '-' => Some('-'),
        '_' => Some('_'),
        letter if letter.is_alphanumeric() => Some(letter),
        _ => None,
    });
    letters.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# One\n\nText with `a\nspan` and [a link](x.md#y \"title\").\n\
        <!-- not run: needs Docker -->\n```sh\necho 1\n\necho 2\n```\n\n\
        <!-- too far away -->\n\n```toml\n# no heading\n```\n## Whose rows: `SESSION_X`, día\n## One\n";

    #[test]
    fn a_document_comes_apart_into_what_it_has() {
        let document = Document::parse("a.md", TEXT);
        let marks: Vec<_> = document
            .blocks
            .iter()
            .map(|block| (&*block.language, block.mark.as_deref(), &*block.text))
            .collect();
        assert_eq!(
            marks,
            [
                ("sh", Some("not run: needs Docker"), "echo 1\n\necho 2\n"),
                ("toml", None, "# no heading\n"),
            ]
        );
        assert_eq!(document.links(), [(3, "x.md#y".to_owned())]);
        let spans: Vec<_> = document.spans().into_iter().map(|(_, span)| span).collect();
        assert_eq!(spans, ["a span", "SESSION_X"]);
        assert_eq!(
            document.anchors(),
            ["one", "whose-rows-session_x-día", "one-1"]
        );
    }
}
