//! Keeps passwords: what is good enough, its Argon2id hash, and the comparison that gives nothing away.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

use super::{Error, refused};
use crate::storage;

/// Fewest characters of a password.
pub const SHORTEST: usize = 12;

/// Most characters: enough for any sentence, too few to keep the hash busy.
pub const LONGEST: usize = 200;

/// Hashes at once, each in 19 MiB: a flood of sign-ins must not become a flood of memory.
const AT_ONCE: usize = 2;

/// The commonest passwords and their stems, one a line.
const COMMON: &str = include_str!("password/common.txt");

/// A hash that belongs to nobody: compared with when there is no account or no password, so that a
/// wrong login takes as long as a wrong password.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5cy1zYWx0LTAx$\
                       bXVzdGVyLW5vYm9keXMtcGFzc3dvcmQtaGFzaC0zMmI";

/// Hashes and compares passwords, few at a time. Clones share the limit.
#[derive(Clone, Debug)]
pub struct Passwords {
    slots: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            slots: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

impl Passwords {
    /// The hash of a password that [`check`] found good, in PHC form.
    pub async fn hash(&self, password: &str, login: &str) -> Result<String, Error> {
        check(password, login).map_err(refused)?;
        let password = password.to_owned();
        self.off_the_road(move || {
            Argon2::default()
                .hash_password(password.as_bytes())
                .map(|hash| hash.to_string())
        })
        .await?
        .map_err(|_cause| storage::Error::Broken("a password could not be hashed").into())
    }

    /// Whether the password is the one behind the hash; without a hash it is not, after the same time.
    pub async fn matches(&self, password: &str, hash: Option<&str>) -> Result<bool, Error> {
        let is_somebodys = hash.is_some();
        let password = password.to_owned();
        let hash = hash.unwrap_or(NOBODYS).to_owned();
        let matches = self
            .off_the_road(move || {
                PasswordHash::new(&hash).is_ok_and(|hash| {
                    Argon2::default()
                        .verify_password(password.as_bytes(), &hash)
                        .is_ok()
                })
            })
            .await?;
        Ok(matches && is_somebodys)
    }

    /// Runs what takes a whole core for tens of milliseconds where it holds up nobody else.
    async fn off_the_road<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let slot = self.slots.clone().acquire_owned().await;
        let slot = slot.map_err(|_cause| storage::Error::Broken("passwords are closed"))?;
        let done = tokio::task::spawn_blocking(move || {
            let value = work();
            drop(slot);
            value
        });
        Ok(done
            .await
            .map_err(|_cause| storage::Error::Broken("a password's hash panicked"))?)
    }
}

/// Whether a password is good enough: length counts, not kinds of characters. The answer is a
/// sentence for the person who chose it.
pub fn check(password: &str, login: &str) -> Result<(), &'static str> {
    let length = password.chars().count();
    if length < SHORTEST {
        return Err("use at least 12 characters: four unrelated words are easy to remember");
    }
    if length > LONGEST {
        return Err("use at most 200 characters");
    }
    let lower = password.to_lowercase();
    if is_monotonous(&lower) {
        return Err("this password is a row of keys: use four unrelated words");
    }
    if login.chars().count() >= 4 && lower.contains(&login.to_lowercase()) {
        return Err("the password must not hold the login");
    }
    if is_common(&lower) || is_common(&without_disguise(&lower)) {
        return Err("this is one of the passwords that are tried first: use four unrelated words");
    }
    Ok(())
}

/// Few different characters, or mostly neighbours: `aaaaaaaaaaaa`, `abcdefghijkl`, `123456789012`.
fn is_monotonous(text: &str) -> bool {
    let characters: Vec<u32> = text.chars().map(u32::from).collect();
    let mut different = characters.clone();
    different.sort_unstable();
    different.dedup();
    let neighbours = characters
        .windows(2)
        .filter(|pair| pair[0].abs_diff(pair[1]) <= 1)
        .count();
    different.len() < 5 || neighbours * 4 >= (characters.len() - 1) * 3
}

/// A common password with digits and signs around it, or several in a row.
fn is_common(lower: &str) -> bool {
    let mut stems: Vec<&str> = COMMON.lines().filter(|stem| !stem.is_empty()).collect();
    stems.sort_by_key(|stem| std::cmp::Reverse(stem.len()));
    let mut rest = lower.to_owned();
    for stem in stems {
        rest = rest.replace(stem, "");
    }
    rest.len() < lower.len() && rest.chars().filter(|c| c.is_alphabetic()).count() < 4
}

/// `p@$$w0rd` as what it stands for.
fn without_disguise(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '0' => 'o',
            '1' | '!' => 'i',
            '3' => 'e',
            '4' | '@' => 'a',
            '5' | '$' => 's',
            '7' => 't',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_what_counts() {
        assert!(check("four quiet grey geese", "ana").is_ok());
        assert!(check("ÄÖÜ zwölf Boxkämpfer", "ana").is_ok());
        assert!(
            check("Xy7!kQ2", "ana")
                .unwrap_err()
                .contains("12 characters")
        );
        assert!(check(&"long word ".repeat(21), "ana").is_err());
    }

    #[test]
    fn the_commonest_passwords_are_refused_in_their_usual_disguises() {
        for common in [
            "password1234",
            "P@ssw0rd2026!",
            "Welcome12345",
            "qwertyuiop12",
            "passwordpassword",
            "hospital2026!",
            "letmeinletmein",
            "Administrator1",
        ] {
            assert!(check(common, "ana").is_err(), "{common}");
        }
    }

    #[test]
    fn rows_of_keys_and_the_login_are_refused() {
        for bad in [
            "aaaaaaaaaaaaaa",
            "123456789012",
            "abcdefghijklm",
            "121212121212",
        ] {
            assert!(check(bad, "ana").is_err(), "{bad}");
        }
        assert!(
            check("dana.brown rides", "dana.brown")
                .unwrap_err()
                .contains("login")
        );
    }

    #[tokio::test]
    async fn a_password_matches_its_own_hash_only() {
        let passwords = Passwords::default();
        let hash = passwords
            .hash("four quiet grey geese", "ana")
            .await
            .unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        assert!(
            passwords
                .matches("four quiet grey geese", Some(&hash))
                .await
                .unwrap()
        );
        assert!(
            !passwords
                .matches("four quiet grey goose", Some(&hash))
                .await
                .unwrap()
        );
        assert!(
            !passwords
                .matches("four quiet grey geese", None)
                .await
                .unwrap()
        );
    }

    #[test]
    fn nobodys_hash_costs_as_much_as_somebodys() {
        let hash = PasswordHash::new(NOBODYS).unwrap();
        let parameters = argon2::Params::try_from(&hash).unwrap();
        assert_eq!(parameters.m_cost(), argon2::Params::DEFAULT_M_COST);
        assert_eq!(parameters.t_cost(), argon2::Params::DEFAULT_T_COST);
        assert_eq!(hash.hash.unwrap().len(), 32);
    }
}
