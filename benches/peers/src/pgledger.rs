//! pgledger: a ledger in SQL functions, from the files that are given.

use crate::{ACCOUNTS, Ledger};
use anyhow::{Context, Result};
use sqlx::PgPool;
use std::{path::PathBuf, sync::Arc};

pub const NAME: &str = "pgledger";

#[derive(Clone)]
pub struct Pgledger {
    pool: PgPool,
    accounts: Arc<Vec<String>>,
}

impl Pgledger {
    pub async fn open(pool: PgPool, files: &[PathBuf]) -> Result<Self> {
        for file in files {
            let sql = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
            let applied = sqlx::raw_sql(&sql).execute(&pool).await;
            applied.with_context(|| format!("{} does not apply", file.display()))?;
        }
        // Those who pay come first, those who are paid after them.
        let accounts = sqlx::query_scalar(
            "select a.id::text from generate_series(1, $1) n, pgledger_create_account('account ' || n, 'EUR') a",
        )
        .bind(i32::try_from(2 * ACCOUNTS)?)
        .fetch_all(&pool)
        .await?;
        sqlx::raw_sql("vacuum analyze").execute(&pool).await?;
        Ok(Self { pool, accounts: Arc::new(accounts) })
    }
}

impl Ledger for Pgledger {
    async fn transfer(&self, from: usize, to: usize) -> Result<()> {
        // The amount has been of more than one type: the literal fits all.
        sqlx::query("select id from pgledger_create_transfer($1, $2, '1')")
            .bind(&self.accounts[from])
            .bind(&self.accounts[ACCOUNTS + to])
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
