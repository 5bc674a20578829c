use super::*;
use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use serde_json::Value;

const VECTORS: &str = include_str!("../../../tests/data/ledger-chain-v1.json");

fn id(value: &Value) -> Option<Uuid> {
    value.as_str().map(|text| text.parse().unwrap())
}

#[test]
fn the_published_examples_give_their_bytes_and_hashes() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    assert_eq!(vectors["format"], FORMAT);
    let epoch: DateTime<Utc> = "2000-01-01T00:00:00Z".parse().unwrap();
    let mut previous = START;
    let mut kinds = std::collections::BTreeSet::new();
    for example in vectors["transfers"].as_array().unwrap() {
        let at: DateTime<Utc> = example["at"].as_str().unwrap().parse().unwrap();
        let fingerprint = example["fingerprint"].as_str().map(|hex| HEXLOWER.decode(hex.as_bytes()).unwrap());
        let record = Record {
            kind: example["kind"].as_str().unwrap().parse().unwrap(),
            id: id(&example["id"]).unwrap(),
            from_account: id(&example["from_account"]).unwrap(),
            to_account: id(&example["to_account"]).unwrap(),
            amount_cents: example["amount_cents"].as_i64().unwrap(),
            wallet: id(&example["wallet_id"]).unwrap(),
            wallet_version: example["wallet_version"].as_i64().unwrap(),
            balance_after_cents: example["balance_after_cents"].as_i64().unwrap(),
            at_micros: at.signed_duration_since(epoch).num_microseconds().unwrap(),
            client: id(&example["client_id"]),
            key: id(&example["key"]),
            merchant: id(&example["merchant_id"]),
            reverses: id(&example["reverses"]),
            hold: id(&example["hold_id"]),
            request: id(&example["request_id"]),
            fingerprint: fingerprint.as_deref(),
            cause: example["cause"].as_str().unwrap(),
        };
        kinds.insert(record.kind);
        assert_eq!(HEXLOWER.encode(&previous), example["previous"].as_str().unwrap());
        assert_eq!(HEXLOWER.encode(&record.bytes()), example["record"].as_str().unwrap());
        previous = record.link(&previous);
        assert_eq!(HEXLOWER.encode(&previous), example["hash"].as_str().unwrap());
    }
    assert_eq!(kinds.len(), TransferKind::ALL.len(), "an example of each kind");
}
