//! An authenticator app: the code of a secret at a time, by RFC 6238 and with nobody's library.

use hmac::{Hmac, Mac};
use sha1::Sha1;

/// The six digits that an app with this base32 secret shows at that many milliseconds since 1970.
pub fn totp(secret: &str, at: i64) -> String {
    let step = u64::try_from(at / 30_000).unwrap();
    let mut mac = <Hmac<Sha1> as hmac::KeyInit>::new_from_slice(&base32(secret)).unwrap();
    mac.update(&step.to_be_bytes());
    let hash = mac.finalize().into_bytes();
    let offset = usize::from(hash[19] & 15);
    let word: [u8; 4] = hash[offset..offset + 4].try_into().unwrap();
    let number = (u32::from_be_bytes(word) & 0x7fff_ffff) % 1_000_000;
    format!("{number:06}")
}

fn base32(text: &str) -> Vec<u8> {
    const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut bits = 0_u64;
    let mut count = 0;
    let mut bytes = Vec::new();
    for letter in text.chars().filter(|letter| !letter.is_whitespace()) {
        bits = bits << 5 | u64::try_from(LETTERS.find(letter).unwrap()).unwrap();
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).unwrap());
        }
    }
    bytes
}
