//! Pages: reports as one HTML file that needs nothing beside it.
//!
//! In: a template's name and its values. Out: a whole page, with its style and
//! its script inside, for light and dark, narrow and printed. Nothing here
//! names another address: a page is read offline, from a folder, years later.

pub mod chart;

use minijinja::{AutoEscape, Environment, Error, Value};

use super::language::Language;
use super::words;

const STYLE: &str = include_str!("page/style.css");
const SCRIPT: &str = include_str!("page/script.js");
const FRAME: &str = include_str!("page/frame.html.j2");

/// Fills a page.
///
/// * `body`: a template that extends `frame.html`.
/// * `values`: what it names. Text is escaped; what is a drawing, the template says (`|safe`).
/// * `language`: what `t("key")` in the template speaks.
///
/// # Errors
/// When the template names what is not there.
pub fn page(body: &str, values: Value, language: Language) -> Result<String, Error> {
    let mut pages = Environment::new();
    language.teach(&mut pages);
    pages.set_auto_escape_callback(|_| AutoEscape::Html);
    pages.set_undefined_behavior(minijinja::UndefinedBehavior::SemiStrict);
    pages.add_global("style", Value::from_safe_string(STYLE.to_owned()));
    pages.add_global("script", Value::from_safe_string(SCRIPT.to_owned()));
    pages.add_global("version", env!("CARGO_PKG_VERSION"));
    pages.add_filter("latency", |us: u64| words::duration(us));
    // To the second, and broken nowhere but between date and time.
    pages.add_filter("moment", |instant: String| instant.chars().take(19).collect::<String>().replace('T', " "));
    pages.add_template("frame.html", FRAME)?;
    pages.add_template("body.html", body)?;
    pages.get_template("body.html")?.render(values)
}
