//! Wraps a message's bytes for DATA.

/// Makes every line end with CR LF, doubles a dot at the beginning of a line, and adds the dot that
/// ends the message. A lone CR or LF would be a line end to some servers and not to others: the
/// gap through which a second message can be smuggled.
pub(super) fn with_dots(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() + 64);
    let mut at_start = true;
    let mut bytes = content.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\r' | b'\n' => {
                if byte == b'\r' && bytes.peek() == Some(&b'\n') {
                    bytes.next();
                }
                out.extend_from_slice(b"\r\n");
                at_start = true;
            }
            byte => {
                if at_start && byte == b'.' {
                    out.push(b'.');
                }
                out.push(byte);
                at_start = false;
            }
        }
    }
    if !at_start {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b".\r\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_at_the_beginning_of_a_line_is_doubled_and_the_end_is_marked() {
        assert_eq!(with_dots(b".a\r\n.\r\nb.c"), b"..a\r\n..\r\nb.c\r\n.\r\n");
        assert_eq!(with_dots(b"a\r\n"), b"a\r\n.\r\n");
        assert_eq!(with_dots(b""), b".\r\n");
    }

    #[test]
    fn no_lone_line_end_can_smuggle_a_second_message() {
        assert_eq!(with_dots(b"a\n.\nMAIL"), b"a\r\n..\r\nMAIL\r\n.\r\n");
        assert_eq!(with_dots(b"a\r.\rMAIL\r"), b"a\r\n..\r\nMAIL\r\n.\r\n");
    }
}
