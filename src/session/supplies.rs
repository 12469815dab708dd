//! Supplies: what deliveries are made from, the same for a live target and in memory.
//!
//! Body files, the signer, and words that no other delivery bears. Nothing is
//! sent here, and no clock is asked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use crate::contract::Contract;
use crate::delivery::{Delivery, HeaderLine};
use crate::sign::Signer;
use crate::sign::tamper::Tamper;

/// Words of a session are counted from here, so that the first and the last of some hundred thousand have one length: what
/// hangs on the length of a key must not hang on how much was played before.
pub const FIRST_NUMBER: u64 = 100_000;

/// What deliveries are made from.
pub struct Supplies {
    /// The promise.
    pub contract: Arc<Contract>,
    /// The body file of deliveries that do not say which.
    pub ordinary_body: String,
    /// Body files by name.
    pub bodies: Arc<BTreeMap<String, Bytes>>,
    /// Header lines that every delivery and every question bears beside what the contract says.
    pub own_headers: Arc<Vec<HeaderLine>>,
    /// Signs as an honest sender does.
    pub signer: Signer,
    /// `http://host:port`, for schemes that sign the URL.
    pub origin: String,
    /// The seed of everything random.
    pub seed: u64,
    /// What every key of this run begins with.
    pub run_word: String,
    /// How many words were given.
    pub counter: AtomicU64,
    /// How often random bytes were given.
    pub random_counter: AtomicU64,
}

impl Supplies {
    /// Supplies without words and bodies of their own, for whoever says key and body of every delivery.
    ///
    /// * `own_headers`, `origin`: as they stand here.
    #[must_use]
    pub fn without_bodies(contract: Arc<Contract>, signer: Signer, own_headers: Vec<HeaderLine>, origin: String) -> Self {
        Self {
            contract,
            ordinary_body: String::new(),
            bodies: Arc::default(),
            own_headers: Arc::new(own_headers),
            signer,
            origin,
            seed: 0,
            run_word: String::new(),
            counter: AtomicU64::new(0),
            random_counter: AtomicU64::new(0),
        }
    }

    /// The same supplies with words of their own, so that a rehearsal takes none from a run.
    #[must_use]
    pub fn for_rehearsal(&self) -> Self {
        Self {
            contract: Arc::clone(&self.contract),
            ordinary_body: self.ordinary_body.clone(),
            bodies: Arc::clone(&self.bodies),
            own_headers: Arc::clone(&self.own_headers),
            signer: self.signer.clone(),
            origin: self.origin.clone(),
            seed: self.seed,
            run_word: "hg0".to_owned(),
            counter: AtomicU64::new(0),
            random_counter: AtomicU64::new(0),
        }
    }

    /// Why a delivery cannot be signed so, and what to give where a secret is missing.
    #[must_use]
    pub fn not_signed_so(&self, tamper: Tamper, why: &str) -> String {
        let secret = &self.contract.secret;
        let missing = [(Tamper::ByPreviousSecret, &secret.previous), (Tamper::ByRetiredSecret, &secret.retired)];
        match missing.into_iter().find_map(|(of, named)| named.as_ref().filter(|_| of == tamper)) {
            Some(named) => format!("{why}: set {} for hookgate, and for the receiver where it is to know it", named.env),
            None => why.to_owned(),
        }
    }

    /// A question by GET, or by another method without a body.
    #[must_use]
    pub fn question(&self, method: &str, path: &str) -> Delivery {
        let headers = self.own_headers.as_ref().clone();
        Delivery { method: method.to_owned(), path: path.to_owned(), headers, ..Delivery::default() }
    }

    /// A word that no other delivery of any run bears; visible ASCII, no longer than 32 characters.
    #[must_use]
    pub fn unique(&self) -> String {
        self.word(self.number())
    }

    /// A number that no other delivery of this run bears.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::Relaxed)
    }

    /// The unique word of a number.
    #[must_use]
    pub fn word(&self, number: u64) -> String {
        format!("{}-{number}", self.run_word)
    }

    /// A key that no other delivery of any run bears, in the form of the contract's keys.
    #[must_use]
    pub fn unique_key(&self) -> String {
        self.contract.key.unique_key(&self.run_word, self.number())
    }

    /// A body file's bytes, with `{unique}` replaced where it stands.
    ///
    /// # Errors
    /// When there is no such file, as a sentence.
    pub fn body_file(&self, name: &str, unique: &str) -> Result<Bytes, String> {
        const MARK: &[u8] = b"{unique}";
        let bytes = self.bodies.get(name).ok_or_else(|| format!("there is no body file `{name}`"))?;
        if !bytes.windows(MARK.len()).any(|window| window == MARK) {
            return Ok(bytes.clone());
        }
        Ok(Bytes::from(String::from_utf8_lossy(bytes).replace("{unique}", unique)))
    }

    /// So many random bytes; the same for the same seed and the same order of asking.
    #[must_use]
    pub fn random_bytes(&self, count: usize) -> Bytes {
        let mut state = self.seed ^ self.random_counter.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x2545_f491_4f6c_dd1d);
        let mut bytes = Vec::with_capacity(count + 8);
        while bytes.len() < count {
            // SplitMix64 (Steele, Lea, Flood 2014): small, and good enough for bodies.
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut word = state;
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            bytes.extend_from_slice(&(word ^ (word >> 31)).to_le_bytes());
        }
        bytes.truncate(count);
        bytes.into()
    }
}
