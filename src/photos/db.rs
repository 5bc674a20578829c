//! Sealed portraits, one a child.

use crate::{
    db::Tx,
    error::Error,
    kernel::ids::{ChildId, FamilyId},
    schema::department::photos,
};
use diesel::{prelude::*, upsert::excluded};

pub fn put(tx: &mut Tx<'_>, child: ChildId, family: FamilyId, sealed: &[u8]) -> Result<(), Error> {
    let now = tx.now()?;
    diesel::insert_into(photos::table)
        .values((
            photos::child_id.eq(child),
            photos::family_id.eq(family),
            photos::image_sealed.eq(sealed),
            photos::submitted_at.eq(now),
        ))
        .on_conflict(photos::child_id)
        .do_update()
        .set((
            photos::image_sealed.eq(excluded(photos::image_sealed)),
            photos::submitted_at.eq(excluded(photos::submitted_at)),
        ))
        .execute(tx.conn)?;
    Ok(())
}

pub fn sealed(tx: &mut Tx<'_>, child: ChildId) -> Result<Vec<u8>, Error> {
    Ok(photos::table.find(child).select(photos::image_sealed).first(tx.conn)?)
}

/// False when there was none.
pub fn delete(tx: &mut Tx<'_>, child: ChildId) -> Result<bool, Error> {
    Ok(diesel::delete(photos::table.find(child)).execute(tx.conn)? == 1)
}
