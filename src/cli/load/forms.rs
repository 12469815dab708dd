//! What is printed of a load.

use super::super::Failure;
use super::super::args::LoadFormat;
use crate::api::load_folder::json;
use crate::load::render::junit::junit;
use crate::load::render::markdown::markdown;
use crate::load::render::sentences::summary;
use crate::load::render::terminal::human;
use crate::load::report::LoadReport;
use crate::report::language::Language;
use crate::secret::Redacted;

/// A report in the form that was asked for.
pub(super) fn in_format(
    report: &Redacted<LoadReport>,
    format: LoadFormat,
    quiet: bool,
    language: Language,
    width: usize,
) -> Result<String, Failure> {
    match (format, quiet) {
        (LoadFormat::Json, _) => json(report).map_err(Failure::harness),
        (LoadFormat::Markdown, _) => Ok(markdown(report, language)),
        (LoadFormat::Junit, _) => junit(report).map_err(Failure::harness),
        (LoadFormat::Human, true) => Ok(summary(report, language)),
        (LoadFormat::Human, false) => Ok(human(report, language, width)),
    }
}
