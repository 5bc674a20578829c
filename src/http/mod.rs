//! What endpoints share: bodies, pages, keys, the description, the watch on every request.

pub mod body;
pub mod cors;
pub mod health;
pub mod idempotency;
pub mod observe;
pub mod openapi;
pub mod page;
pub mod reply;
