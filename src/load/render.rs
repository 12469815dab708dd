//! Forms of a load's report: for a terminal, as Markdown, as a page, with the sentences that they share.

pub mod junit;
pub mod markdown;
pub mod page;
pub mod sentences;
pub mod terminal;
