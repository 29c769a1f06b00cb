//! The text of API keys, and what is kept of it.

use sha2::{Digest, Sha256};

/// What every key begins with, so that people and scanners of leaked secrets know one when they see it.
pub const PREFIX: &str = "belfry_";

/// The text of a new key: [`PREFIX`] and 64 hexadecimal digits, which select as one word and need no quoting in a shell.
///
/// `random` must come from a cryptographic generator and be used once.
pub fn secret(random: [u8; 32]) -> String {
    let digits: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{PREFIX}{digits}")
}

/// What is kept of a key: the SHA-256 of its whole text. A fast hash is right, for there is nothing to guess among 2^256.
pub fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_all_its_random_bits_and_hashes_as_its_whole_text() {
        let mut random = [0_u8; 32];
        random[0] = 0xab;
        random[31] = 0x01;
        let text = secret(random);
        assert_eq!(text, format!("belfry_ab{}01", "00".repeat(30)));
        assert_eq!(hash("abc")[..4], [0xba, 0x78, 0x16, 0xbf]);
        assert_ne!(hash(&text), hash(&text[PREFIX.len()..]));
    }
}
