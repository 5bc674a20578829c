//! cala-ledger as it is fastest: two entries, no limit on the accounts, no account sets, no metadata.

use crate::{ACCOUNTS, Ledger};
use anyhow::{Result, anyhow};
use cala_ledger::{
    AccountId, CalaLedger, CalaLedgerConfig, JournalId, TransactionId,
    account::NewAccount,
    job::{JobSvcConfig, Jobs},
    journal::NewJournal,
    tx_template::{
        NewParamDefinition, NewTxTemplate, NewTxTemplateEntry, NewTxTemplateTransaction, ParamDataType, Params,
        TxTemplateId,
    },
};
use sqlx::PgPool;
use std::{fmt::Debug, sync::Arc};

pub const NAME: &str = "cala-ledger";
const TEMPLATE: &str = "TRANSFER";

#[derive(Clone)]
pub struct Cala {
    ledger: CalaLedger,
    // Its background work is never started; it must only stay.
    _jobs: Arc<Jobs>,
    journal: JournalId,
    accounts: Arc<Vec<AccountId>>,
}

impl Cala {
    pub async fn open(pool: PgPool) -> Result<Self> {
        let mut jobs =
            Jobs::init(JobSvcConfig::builder().pool(pool.clone()).build().map_err(said)?).await.map_err(said)?;
        let config = CalaLedgerConfig::builder().pool(pool.clone()).exec_migrations(true).build().map_err(said)?;
        let ledger = CalaLedger::init(config, &mut jobs).await.map_err(said)?;
        let journal = JournalId::new();
        let new = NewJournal::builder().id(journal).name("Debits").build();
        ledger.journals().create(new).await.map_err(said)?;
        // Those who pay come first, those who are paid after them.
        let accounts: Vec<AccountId> = (0..2 * ACCOUNTS).map(|_| AccountId::new()).collect();
        let new = accounts.iter().enumerate().map(|(number, id)| {
            NewAccount::builder().id(*id).name(format!("Account {number}")).code(format!("A{number}")).build()
        });
        ledger.accounts().create_all(new.collect()).await.map_err(said)?;
        ledger.tx_templates().create(template()?).await.map_err(said)?;
        sqlx::raw_sql("vacuum analyze").execute(&pool).await?;
        Ok(Self { ledger, _jobs: Arc::new(jobs), journal, accounts: Arc::new(accounts) })
    }
}

impl Ledger for Cala {
    async fn transfer(&self, from: usize, to: usize) -> Result<()> {
        let mut params = Params::new();
        params.insert("journal", self.journal);
        params.insert("sender", self.accounts[from]);
        params.insert("recipient", self.accounts[ACCOUNTS + to]);
        self.ledger.post_transaction(TransactionId::new(), TEMPLATE, params).await.map_err(said)?;
        Ok(())
    }
}

fn template() -> Result<NewTxTemplate> {
    let param = |name: &str| NewParamDefinition::builder().name(name).r#type(ParamDataType::Uuid).build();
    let entry = |kind: &str, account: &str, direction: &str| {
        NewTxTemplateEntry::builder()
            .entry_type(kind)
            .account_id(account)
            .layer("SETTLED")
            .direction(direction)
            .units("decimal('1')")
            .currency("'EUR'")
            .build()
    };
    let transaction = NewTxTemplateTransaction::builder().effective("date()").journal_id("params.journal").build();
    let params = ["journal", "sender", "recipient"].into_iter().map(param).collect::<Result<_, _>>().map_err(said)?;
    let entries = vec![
        entry("'TRANSFER_DR'", "params.sender", "DEBIT").map_err(said)?,
        entry("'TRANSFER_CR'", "params.recipient", "CREDIT").map_err(said)?,
    ];
    Ok(NewTxTemplate::builder()
        .id(TxTemplateId::new())
        .code(TEMPLATE)
        .params(params)
        .transaction(transaction.map_err(said)?)
        .entries(entries)
        .build())
}

fn said(error: impl Debug) -> anyhow::Error {
    anyhow!("cala-ledger: {error:?}")
}
