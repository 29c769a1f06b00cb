//! Content lines (RFC 5545 3.1): unfolded, and taken apart into name, parameters and value.

use super::IcsError;

/// Text of one content line, with the number of the line on which it begins.
pub(super) struct Unfolded {
    number: usize,
    text: String,
}

pub(super) struct Line {
    pub number: usize,
    /// In capitals.
    pub name: String,
    /// Names in capitals, values without their quotes.
    pub parameters: Vec<(String, String)>,
    pub value: String,
}

/// The content lines of `text`: a line that begins with a space or tab goes on with the one before. Empty lines, which
/// the standard does not have but files do, are passed over.
///
/// Folding may split a character, so lines are put together as bytes.
pub(super) fn unfolded(text: &[u8]) -> Result<Vec<Unfolded>, IcsError> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut lines: Vec<(usize, Vec<u8>)> = Vec::new();
    for (number, line) in (1..).zip(text.split(|byte| *byte == b'\n')) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match (line, lines.last_mut()) {
            ([b' ' | b'\t', rest @ ..], Some((_, begun))) => begun.extend_from_slice(rest),
            ([], _) => {}
            _ => lines.push((number, line.to_vec())),
        }
    }
    let decode = |(number, bytes)| match String::from_utf8(bytes) {
        Ok(text) => Ok(Unfolded { number, text }),
        Err(_) => Err(IcsError::NotUtf8 { line: number }),
    };
    lines.into_iter().map(decode).collect()
}

impl Line {
    pub fn parse(Unfolded { number, text }: Unfolded) -> Result<Line, IcsError> {
        let not_a_line = || IcsError::NotALine { line: number, found: beginning(&text) };
        let (head, value) = outside_quotes(&text, ':').ok_or_else(not_a_line)?;
        let (name, mut rest) = outside_quotes(head, ';').unwrap_or((head, ""));
        let is_name_byte = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if name.is_empty() || !name.bytes().all(is_name_byte) {
            return Err(not_a_line());
        }
        let mut parameters = Vec::new();
        while !rest.is_empty() {
            let (parameter, after) = outside_quotes(rest, ';').unwrap_or((rest, ""));
            let (key, value) = parameter.split_once('=').ok_or_else(not_a_line)?;
            parameters.push((key.to_uppercase(), value.trim_matches('"').to_owned()));
            rest = after;
        }
        Ok(Line { number, name: name.to_uppercase(), parameters, value: value.to_owned() })
    }

    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The value as text (RFC 5545 3.3.11), on one line.
    pub fn as_text(&self) -> String {
        let mut text = String::with_capacity(self.value.len());
        let mut characters = self.value.chars();
        while let Some(character) = characters.next() {
            match character {
                '\\' => match characters.next() {
                    Some('n' | 'N') => text.push(' '),
                    Some(escaped) => text.push(escaped),
                    None => {}
                },
                other => text.push(other),
            }
        }
        text.trim().to_owned()
    }
}

/// Splits at the first `at` that is not inside double quotes.
fn outside_quotes(text: &str, at: char) -> Option<(&str, &str)> {
    let mut quoted = false;
    let place = text.char_indices().find(|(_, character)| {
        quoted ^= *character == '"';
        *character == at && !quoted
    });
    place.map(|(index, at)| (&text[..index], &text[index + at.len_utf8()..]))
}

fn beginning(text: &str) -> String {
    const LONGEST: usize = 60;
    let end = text.char_indices().nth(LONGEST);
    end.map_or_else(|| text.to_owned(), |(end, _)| format!("{}…", &text[..end]))
}
