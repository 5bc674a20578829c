//! Who files are encrypted to, by another hand than the service's.

use aws_lc_rs::{aead, agreement, hkdf, hmac};
use bech32::{Bech32, Hrp};
use data_encoding::BASE64_NOPAD;

/// A private key, and its owner's reading of the age format.
pub struct AgeKey(pub [u8; 32]);

struct Length(usize);
impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn derived(salt: &[u8], secret: &[u8], info: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret);
    prk.expand(&[info], Length(32)).unwrap().fill(&mut key).unwrap();
    key
}

fn opened(key: &[u8; 32], nonce: [u8; 12], sealed: &[u8]) -> Option<Vec<u8>> {
    let key = aead::LessSafeKey::new(aead::UnboundKey::new(&aead::CHACHA20_POLY1305, key).unwrap());
    let mut data = sealed.to_vec();
    let nonce = aead::Nonce::assume_unique_for_key(nonce);
    key.open_in_place(nonce, aead::Aad::empty(), &mut data).ok().map(|plain| plain.to_vec())
}

impl AgeKey {
    fn private(&self) -> agreement::PrivateKey {
        agreement::PrivateKey::from_private_key(&agreement::X25519, &self.0).unwrap()
    }
    fn public(&self) -> Vec<u8> {
        self.private().compute_public_key().unwrap().as_ref().to_vec()
    }
    pub fn recipient(&self) -> String {
        bech32::encode::<Bech32>(Hrp::parse("age").unwrap(), &self.public()).unwrap()
    }
    pub fn open(&self, file: &[u8]) -> Option<Vec<u8>> {
        let end = file.windows(5).position(|window| window == b"\n--- ").unwrap() + 4;
        let header = std::str::from_utf8(&file[..end + 1 + 43]).unwrap();
        let lines: Vec<&str> = header.lines().collect();
        assert_eq!((lines.len(), lines[0]), (4, "age-encryption.org/v1"));
        let share = BASE64_NOPAD.decode(lines[1].strip_prefix("-> X25519 ").unwrap().as_bytes()).unwrap();
        let salt = [share.clone(), self.public()].concat();
        let peer = agreement::UnparsedPublicKey::new(&agreement::X25519, share);
        let wrap = agreement::agree(&self.private(), peer, (), |secret| {
            Ok(derived(&salt, secret, b"age-encryption.org/v1/X25519"))
        });
        let file_key = opened(&wrap.unwrap(), [0; 12], &BASE64_NOPAD.decode(lines[2].as_bytes()).unwrap())?;
        let tag = BASE64_NOPAD.decode(lines[3].strip_prefix("--- ").unwrap().as_bytes()).unwrap();
        let mac = hmac::Key::new(hmac::HMAC_SHA256, &derived(&[], &file_key, b"header"));
        hmac::verify(&mac, header.rsplit_once(' ').unwrap().0.as_bytes(), &tag).unwrap();
        let (nonce, chunks) = file[header.len() + 1..].split_at(16);
        let key = derived(nonce, &file_key, b"payload");
        let chunks: Vec<&[u8]> = chunks.chunks(64 * 1024 + 16).collect();
        let mut plain = vec![];
        for (count, chunk) in (0_u32..).zip(&chunks) {
            let [a, b, c, d] = count.to_be_bytes();
            let last = u8::from(usize::try_from(count).unwrap() + 1 == chunks.len());
            plain.extend(opened(&key, [0, 0, 0, 0, 0, 0, 0, a, b, c, d, last], chunk)?);
        }
        Some(plain)
    }
}
