//! Keeps what a mail server says it can do.

/// What the server says it can do: EHLO's lines after the first, in capitals.
#[derive(Default)]
pub(super) struct Offers(Vec<String>);

impl Offers {
    /// The first line is the server's name.
    pub(super) fn read(lines: &[String]) -> Self {
        Self(
            lines
                .iter()
                .skip(1)
                .map(|line| line.to_ascii_uppercase())
                .collect(),
        )
    }

    pub(super) fn has(&self, extension: &str) -> bool {
        self.0
            .iter()
            .any(|line| line.split_whitespace().next() == Some(extension))
    }

    pub(super) fn signs_in_by(&self, mechanism: &str) -> bool {
        self.0.iter().any(|line| {
            let mut words = line.split_whitespace();
            words.next() == Some("AUTH") && words.any(|word| word == mechanism)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_offers_are_read_in_any_case() {
        let lines = ["PIPELINING", "starttls", "AUTH LOGIN plain"].map(str::to_owned);
        let offers = Offers::read(&lines);
        assert!(!offers.has("PIPELINING"), "the first line is a name");
        assert!(offers.has("STARTTLS"));
        assert!(offers.signs_in_by("LOGIN") && offers.signs_in_by("PLAIN"));
        assert!(!offers.signs_in_by("CRAM-MD5"));
    }
}
