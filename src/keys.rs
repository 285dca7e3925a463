//! Seals what must not be readable in a stolen database, and makes the tokens people answer with.
//!
//! One key file outside the database; every use has its own key derived from it, so that a sealed
//! number, a look-up hash, an answer link and a launch form can never stand in for one another.

use std::io::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::ids::DeliveryId;

/// Bytes of a sealed value's nonce, which precedes it.
const NONCE: usize = 24;

/// Characters of an answer token: 22 of base58 are 128.9 bits (OWASP ASVS 11.5.1 asks for 128).
pub const TOKEN_LENGTH: usize = 22;

/// Bytes that the database keeps of an answer token.
pub const ANSWER_KEY: usize = 16;

/// The keys of this installation.
#[derive(Clone)]
pub struct Keys {
    seal: XChaCha20Poly1305,
    lookup: [u8; 32],
    answer: [u8; 32],
    form: [u8; 32],
    fingerprint: String,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys")
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
    }
}

/// Why the key file or a sealed value could not be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or made.
    #[error("the key file {path} cannot be {doing}: {source}")]
    File {
        /// Its path.
        path: String,
        /// "read" or "made".
        doing: &'static str,
        /// The cause.
        source: std::io::Error,
    },
    /// The file is not a key.
    #[error("the key file {0} does not hold a key: restore it from your backup")]
    NotAKey(String),
    /// A sealed value is damaged, was moved to another row, or was sealed with another key.
    #[error("a sealed value does not open with this key")]
    Sealed,
}

impl Keys {
    /// Reads the key file, or makes it (mode 0600) where there is none.
    pub fn open_or_make(path: &Path) -> Result<Self, KeyError> {
        match std::fs::read_to_string(path) {
            Ok(text) => {
                Self::from_text(&text).ok_or_else(|| KeyError::NotAKey(path.display().to_string()))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::make(path),
            Err(source) => Err(KeyError::File {
                path: path.display().to_string(),
                doing: "read",
                source,
            }),
        }
    }

    fn make(path: &Path) -> Result<Self, KeyError> {
        let master: [u8; 32] = rand::random();
        let fails = |source| KeyError::File {
            path: path.display().to_string(),
            doing: "made",
            source,
        };
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(fails)?;
        writeln!(file, "muster-key-1 {}", STANDARD_NO_PAD.encode(master)).map_err(fails)?;
        file.sync_all().map_err(fails)?;
        Ok(Self::derive(&master))
    }

    fn from_text(text: &str) -> Option<Self> {
        let encoded = text.trim().strip_prefix("muster-key-1 ")?;
        let master: [u8; 32] = STANDARD_NO_PAD
            .decode(encoded.trim())
            .ok()?
            .try_into()
            .ok()?;
        Some(Self::derive(&master))
    }

    /// The keys that come from one secret; tests use it with a fixed one.
    pub fn derive(master: &[u8; 32]) -> Self {
        let key = |purpose: &str| mac(master, &[purpose.as_bytes()]);
        Self {
            seal: XChaCha20Poly1305::new(&key("muster seal 1").into()),
            lookup: key("muster lookup 1"),
            answer: key("muster answer 1"),
            form: key("muster form 1"),
            fingerprint: STANDARD_NO_PAD.encode(&key("muster fingerprint 1")[..12]),
        }
    }

    /// Tells keys apart without giving anything away: kept in the database, so that the wrong key
    /// file is noticed at the start and not at the first message.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Encrypts `clear` for the row that `bound_to` names; it opens only there.
    pub fn seal(&self, bound_to: &[u8], clear: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE] = rand::random();
        let sealed = self
            .seal
            .encrypt(
                &XNonce::from(nonce),
                Payload {
                    msg: clear,
                    aad: bound_to,
                },
            )
            .expect("a short text in memory can always be encrypted");
        [nonce.as_slice(), &sealed].concat()
    }

    /// Opens what [`Keys::seal`] made for the same row.
    pub fn open(&self, bound_to: &[u8], sealed: &[u8]) -> Result<Vec<u8>, KeyError> {
        let (nonce, sealed) = sealed
            .split_first_chunk::<NONCE>()
            .ok_or(KeyError::Sealed)?;
        self.seal
            .decrypt(
                &XNonce::from(*nonce),
                Payload {
                    msg: sealed,
                    aad: bound_to,
                },
            )
            .map_err(|_| KeyError::Sealed)
    }

    /// [`Keys::open`] for text.
    pub fn open_text(&self, bound_to: &[u8], sealed: &[u8]) -> Result<String, KeyError> {
        String::from_utf8(self.open(bound_to, sealed)?).map_err(|_| KeyError::Sealed)
    }

    /// The blind index of a normalised number or address.
    pub fn lookup(&self, normalised: &str) -> Vec<u8> {
        mac(&self.lookup, &[normalised.as_bytes()])[..16].to_vec()
    }

    /// The answer token of a delivery: always the same, so that a retry sends the same bytes.
    pub fn answer_token(&self, delivery: DeliveryId) -> String {
        token_text(&mac(&self.answer, &[b"ack1|", &delivery.0.to_be_bytes()]))
    }

    /// Signs what a page shows, so that what comes back is what was shown.
    pub fn sign_form(&self, parts: &[&[u8]]) -> [u8; 32] {
        mac(&self.form, parts)
    }

    /// Whether `signature` is [`Keys::sign_form`] of `parts`; takes the same time either way.
    pub fn form_is_signed(&self, parts: &[&[u8]], signature: &[u8]) -> bool {
        self.sign_form(parts).as_slice().ct_eq(signature).into()
    }
}

/// HMAC-SHA256 over the parts, each preceded by its length so that they cannot run together.
fn mac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac =
        <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// The first 128 bits in base58, always [`TOKEN_LENGTH`] characters: no 0, O, I or l to misread.
fn token_text(bytes: &[u8; 32]) -> String {
    const LETTERS: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    /// As many characters as fit 64 bits: dividing 128 bits for each would take ten times as long.
    const AT_ONCE: usize = 10;
    let mut rest = u128::from_be_bytes(*bytes.first_chunk().expect("32 bytes are more than 16"));
    let mut text = [0_u8; TOKEN_LENGTH];
    for part in text.rchunks_mut(AT_ONCE) {
        let some = 58_u128.pow(10);
        let mut low = u64::try_from(rest % some).expect("58^10 is less than 2^64");
        rest /= some;
        for letter in part.iter_mut().rev() {
            *letter = LETTERS[usize::try_from(low % 58).expect("below 58")];
            low /= 58;
        }
    }
    text.iter().map(|letter| char::from(*letter)).collect()
}

/// A new secret for links, sessions and API tokens: as long as an answer token.
pub fn random_token() -> String {
    token_text(&rand::random())
}

/// What the database keeps of an answer token: 128 bits of its hash, as many as the token has.
pub fn answer_key(token: &str) -> [u8; ANSWER_KEY] {
    *Sha256::digest(token.as_bytes())
        .first_chunk()
        .expect("a SHA-256 is longer")
}

/// What the database keeps of a token. A plain hash is enough for 128 random bits (ASVS 6.5.2).
pub fn token_hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| {
            [
                DIGITS[usize::from(byte >> 4)],
                DIGITS[usize::from(byte & 15)],
            ]
        })
        .map(char::from)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::AlertNumber;

    fn keys() -> Keys {
        Keys::derive(&[7; 32])
    }

    #[test]
    fn a_sealed_number_opens_only_in_its_own_row_with_its_own_key() {
        let sealed = keys().seal(b"row 1", b"+41791234567");
        assert_eq!(keys().open_text(b"row 1", &sealed).unwrap(), "+41791234567");
        assert!(keys().open(b"row 2", &sealed).is_err());
        assert!(Keys::derive(&[8; 32]).open(b"row 1", &sealed).is_err());
        assert!(keys().open(b"row 1", b"short").is_err());
    }

    #[test]
    fn the_same_number_is_sealed_differently_and_looked_up_equally() {
        assert_ne!(
            keys().seal(b"r", b"+41791234567"),
            keys().seal(b"r", b"+41791234567")
        );
        assert_eq!(keys().lookup("+41791234567"), keys().lookup("+41791234567"));
    }

    #[test]
    fn an_answer_token_is_the_same_at_every_retry_and_its_own_for_each_delivery() {
        let delivery = DeliveryId(AlertNumber(3).base() + 1);
        let token = keys().answer_token(delivery);
        assert_eq!(token, keys().answer_token(delivery));
        assert_eq!(token.len(), TOKEN_LENGTH);
        assert_ne!(token, keys().answer_token(DeliveryId(delivery.0 + 1)));
    }

    #[test]
    fn a_token_is_its_128_bits_in_base58() {
        let mut bytes = [0xFF; 32];
        assert_eq!(token_text(&bytes), "YcVfxkQb6JRzqk5kF2tNLv");
        bytes[..16].fill(0);
        assert_eq!(token_text(&bytes), "1".repeat(TOKEN_LENGTH));
        bytes[15] = 58;
        assert!(token_text(&bytes).ends_with("121"));
    }

    #[test]
    fn parts_of_a_signature_cannot_run_together() {
        let signature = keys().sign_form(&[b"ab", b"c"]);
        assert!(keys().form_is_signed(&[b"ab", b"c"], &signature));
        assert!(!keys().form_is_signed(&[b"a", b"bc"], &signature));
    }

    #[test]
    fn a_key_file_is_made_once_readable_by_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("muster.key");
        let made = Keys::open_or_make(&path).unwrap();
        assert_eq!(
            Keys::open_or_make(&path).unwrap().fingerprint(),
            made.fingerprint()
        );
        #[cfg(unix)]
        assert_eq!(
            std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&path).unwrap()) & 0o777,
            0o600
        );
        std::fs::write(&path, "rubbish").unwrap();
        assert!(Keys::open_or_make(&path).is_err());
    }
}
