//! Turns a file's bytes into text: by its byte order mark, else as UTF-8, else as the Windows-1252
//! that spreadsheet programs still write.

use std::borrow::Cow;
use std::fmt;

use crate::directory::table::NotATable;

/// What a file's bytes were read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// With or without its byte order mark.
    Utf8,
    /// UTF-16, little end first: Excel's "Unicode text".
    Utf16Le,
    /// UTF-16, big end first.
    Utf16Be,
    /// Windows-1252, which contains Latin-1.
    Windows1252,
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16Le | Self::Utf16Be => "UTF-16",
            Self::Windows1252 => "Windows-1252",
        })
    }
}

/// One in so many characters may be a control character before a file counts as binary.
const CONTROL_SHARE: usize = 50;

/// Decodes a whole file. Every file without NUL is valid Windows-1252, so that guess is checked for
/// looking like text.
pub(in crate::directory) fn decode(bytes: &[u8]) -> Result<(String, Encoding), NotATable> {
    let (text, encoding) = match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => (
            strict(encoding_rs::UTF_8, rest, Encoding::Utf8)?,
            Encoding::Utf8,
        ),
        [0xff, 0xfe, rest @ ..] => (
            strict(encoding_rs::UTF_16LE, rest, Encoding::Utf16Le)?,
            Encoding::Utf16Le,
        ),
        [0xfe, 0xff, rest @ ..] => (
            strict(encoding_rs::UTF_16BE, rest, Encoding::Utf16Be)?,
            Encoding::Utf16Be,
        ),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => (Cow::Borrowed(text), Encoding::Utf8),
            Err(_) => (
                encoding_rs::WINDOWS_1252
                    .decode_without_bom_handling(bytes)
                    .0,
                Encoding::Windows1252,
            ),
        },
    };
    if looks_binary(&text) {
        return Err(NotATable::Binary);
    }
    Ok((text.into_owned(), encoding))
}

fn strict<'b>(
    decoder: &'static encoding_rs::Encoding,
    bytes: &'b [u8],
    encoding: Encoding,
) -> Result<Cow<'b, str>, NotATable> {
    decoder
        .decode_without_bom_handling_and_without_replacement(bytes)
        .ok_or(NotATable::Damaged(encoding))
}

fn looks_binary(text: &str) -> bool {
    let control = |sign: &char| sign.is_control() && !matches!(sign, '\t' | '\n' | '\r');
    let controls = text.chars().filter(control).count();
    text.contains('\0') || controls * CONTROL_SHARE > text.len()
}
