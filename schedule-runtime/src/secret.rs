//! The secret of a group: who knows it belongs to the group.
//!
//! A launcher draws it and hands it to all ranks. It never travels: a rank shows that it knows it by a [`Proof`], the
//! HMAC-SHA-256 (RFC 2104) of what was just said on the connection, so that a proof is of no use on another one.

use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::fmt;
use std::str::FromStr;

/// The length of a secret, and of a proof, in bytes.
pub const LENGTH: usize = 32;

/// That its sender knows the secret.
pub(crate) type Proof = [u8; LENGTH];

/// Thirty-two random bytes, written as 64 hexadecimal digits. The default, all zeros, protects nothing: it is for groups
/// that meet where only they can come.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret([u8; LENGTH]);

impl Secret {
    /// A new one.
    ///
    /// # Errors
    /// Where the operating system has no random bytes.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; LENGTH];
        getrandom::fill(&mut bytes).map(|()| Self(bytes))
    }

    /// The digits, to be handed to a rank.
    pub fn reveal(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn keyed(&self, said: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        said.iter().for_each(|part| mac.update(part));
        mac
    }

    pub(crate) fn prove(&self, said: &[&[u8]]) -> Proof {
        self.keyed(said).finalize().into_bytes().into()
    }

    /// In a time that does not depend on the bytes.
    pub(crate) fn is_proved(&self, said: &[&[u8]], proof: &[u8]) -> bool {
        self.keyed(said).verify_slice(proof).is_ok()
    }
}

impl FromStr for Secret {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "expected 64 hexadecimal digits";
        let text = text.trim();
        if text.len() != 2 * LENGTH || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong);
        }
        let mut bytes = [0; LENGTH];
        for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
            *byte = u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| wrong)?;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
