//! Reads a mail server's reply: `250-…` lines, the last one `250 …`.

use std::fmt;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

use super::trouble::Cause;

/// RFC 5321 says 512; some servers are chattier.
const LONGEST_LINE: usize = 4096;

/// An EHLO answer has about ten.
const MOST_LINES: usize = 100;

/// What a mail server said.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) code: u16,
    /// The text of each line. May repeat an address: never log it.
    pub(super) lines: Vec<String>,
}

impl fmt::Debug for Reply {
    /// The codes without the text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Reply({} {})",
            self.code,
            self.enhanced().unwrap_or_default()
        )
    }
}

impl Reply {
    /// 200 to 299: done.
    pub(super) fn is_done(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// RFC 3463's code (`5.1.1`), if the server gives one.
    pub(super) fn enhanced(&self) -> Option<&str> {
        let word = self.lines.first()?.split_whitespace().next()?;
        let parts: Vec<&str> = word.split('.').collect();
        let is_code = parts.len() == 3
            && parts.iter().all(|part| {
                (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit())
            });
        is_code.then_some(word)
    }

    /// Whether a word occurs in the text, in any case.
    pub(super) fn says(&self, word: &str) -> bool {
        self.lines
            .iter()
            .any(|line| line.to_ascii_lowercase().contains(word))
    }
}

/// Reads one reply. Bounded in length; the caller bounds the time.
pub(super) async fn read<R: AsyncBufRead + Unpin>(stream: &mut R) -> Result<Reply, Cause> {
    let mut reply: Option<Reply> = None;
    for _ in 0..MOST_LINES {
        let line = read_line(stream).await?;
        let (code, last, text) = parse_line(&line).ok_or(Cause::Garbled)?;
        let reply = reply.get_or_insert_with(|| Reply {
            code,
            lines: Vec::new(),
        });
        if reply.code != code {
            return Err(Cause::Garbled);
        }
        reply.lines.push(text.to_owned());
        if last {
            return Ok(reply.clone());
        }
    }
    Err(Cause::Garbled)
}

async fn read_line<R: AsyncBufRead + Unpin>(stream: &mut R) -> Result<String, Cause> {
    let mut line = Vec::new();
    let mut bounded = stream.take(LONGEST_LINE as u64);
    bounded
        .read_until(b'\n', &mut line)
        .await
        .map_err(Cause::Lost)?;
    if line.last() == Some(&b'\n') {
        return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
    }
    if line.len() == LONGEST_LINE {
        return Err(Cause::Garbled);
    }
    Err(Cause::Lost(std::io::ErrorKind::UnexpectedEof.into()))
}

fn parse_line(line: &str) -> Option<(u16, bool, &str)> {
    let code = line
        .get(..3)
        .filter(|code| code.bytes().all(|b| b.is_ascii_digit()))?;
    let code: u16 = code.parse().ok().filter(|code| (200..600).contains(code))?;
    match line.as_bytes().get(3) {
        None => Some((code, true, "")),
        Some(b' ') => Some((code, true, &line[4..])),
        Some(b'-') => Some((code, false, &line[4..])),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn parsed(mut text: &[u8]) -> Result<Reply, Cause> {
        read(&mut text).await
    }

    #[tokio::test]
    async fn a_reply_of_several_lines_is_one_reply() {
        let reply = parsed(b"250-clinic.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n")
            .await
            .unwrap();
        assert_eq!(reply.code, 250);
        assert_eq!(reply.lines, ["clinic.example", "PIPELINING", "8BITMIME"]);
    }

    #[tokio::test]
    async fn a_status_of_three_parts_is_found_and_nothing_else_is_taken_for_one() {
        let with = parsed(b"550 5.1.1 No such user\r\n").await.unwrap();
        let without = parsed(b"550 192.168.1.1 is blocked\r\n").await.unwrap();
        assert_eq!(with.enhanced(), Some("5.1.1"));
        assert_eq!(without.enhanced(), None);
    }

    #[tokio::test]
    async fn what_is_no_reply_is_garbled_and_an_unfinished_one_is_lost() {
        assert!(matches!(
            parsed(b"HTTP/1.1 400 Bad\r\n").await,
            Err(Cause::Garbled)
        ));
        assert!(matches!(
            parsed(b"250-a\r\n550 b\r\n").await,
            Err(Cause::Garbled)
        ));
        assert!(matches!(parsed(&[b'2'; 9000]).await, Err(Cause::Garbled)));
        assert!(matches!(
            parsed("25\u{e9} x\r\n".as_bytes()).await,
            Err(Cause::Garbled)
        ));
        assert!(matches!(parsed(b"250 hal").await, Err(Cause::Lost(_))));
        assert!(matches!(parsed(b"").await, Err(Cause::Lost(_))));
    }
}
