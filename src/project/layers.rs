//! Layers: which of several values of a member is in force: a flag's, a variable's, a profile's or the file's.
//!
//! In: what a command line gives, the environment as a function, a file that
//! was read. Out: one [`Setting`] a member, with where its value comes from.
//! A value displaces those below it that cannot stand beside it (`--target`
//! displaces the file's `exec`), and what means nothing without them goes, too.
//!
//! Start at [`in_force`].

use std::ops::Range;

use super::Project;
use super::members::{Form, MEMBERS, Member, found_in, member};

/// Where a value comes from; what is above wins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A flag of the command line.
    Flag,
    /// An environment variable.
    Variable(String),
    /// A profile of the file.
    Profile {
        /// Its name.
        name: String,
        /// The place of the value in the file, in bytes.
        span: Range<usize>,
        /// Its line.
        line: u32,
    },
    /// The file.
    File {
        /// The place of the value in the file, in bytes.
        span: Range<usize>,
        /// Its line.
        line: u32,
    },
    /// What holds where nobody says anything.
    Default,
}

impl Origin {
    /// The place of the value in the file.
    #[must_use]
    pub fn span(&self) -> Option<&Range<usize>> {
        match self {
            Self::Profile { span, .. } | Self::File { span, .. } => Some(span),
            Self::Flag | Self::Variable(_) | Self::Default => None,
        }
    }

    /// The level alone, as one word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Variable(_) => "variable",
            Self::Profile { .. } => "profile",
            Self::File { .. } => "file",
            Self::Default => "default",
        }
    }
}

/// A member with the value that is in force.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Which.
    pub member: &'static Member,
    /// Its value: one text, or those of a list.
    pub texts: Vec<String>,
    /// Where it comes from.
    pub origin: Origin,
}

/// Levels from above.
fn levels<'p>(
    flags: &'p [Setting],
    variable: &'p dyn Fn(&str) -> Option<String>,
    project: Option<(&'p Project, Option<&'p str>)>,
) -> [Vec<Setting>; 4] {
    let from_variable = |member: &'static Member| {
        let name = member.variable();
        let value = variable(&name).filter(|value| !value.is_empty())?;
        Some(Setting { member, texts: member.texts_of_variable(&value), origin: Origin::Variable(name) })
    };
    let section = |profile: Option<&str>| -> Vec<Setting> {
        let Some((project, _)) = project else { return Vec::new() };
        let Some(section) = project.section(profile) else { return Vec::new() };
        let setting = |member: &'static Member| {
            let span = section.span_at(member.path);
            let line = project.tree.line_of(&span);
            match profile {
                Some(name) => Origin::Profile { name: name.to_owned(), span, line },
                None => Origin::File { span, line },
            }
        };
        found_in(section).map(|(member, node)| Setting { member, texts: member.texts_of(node), origin: setting(member) }).collect()
    };
    let profile = project.and_then(|(_, profile)| profile);
    [
        flags.to_vec(),
        MEMBERS.iter().filter_map(from_variable).collect(),
        profile.map_or_else(Vec::new, |name| section(Some(name))),
        section(None),
    ]
}

/// The value of every member that has one, in the order of [`MEMBERS`]; header lines of several levels are several.
///
/// * `flags`: what the command line gives; * `variable`: the environment;
/// * `project`: the file, and the profile that was chosen.
#[must_use]
pub fn in_force(flags: &[Setting], variable: &dyn Fn(&str) -> Option<String>, project: Option<(&Project, Option<&str>)>) -> Vec<Setting> {
    let mut accepted: Vec<Setting> = Vec::new();
    let mut displaced: Vec<&'static str> = Vec::new();
    for level in levels(flags, variable, project) {
        let above = accepted.len();
        for setting in level {
            let excluded = accepted[..above].iter().any(|higher| is_on(higher) && higher.member.excludes(setting.member));
            if excluded {
                displaced.push(setting.member.path);
            } else if let Form::Lines(separator) = setting.member.form {
                // Header lines are members of their own: those of other names stay.
                let names: Vec<String> = header_names(&accepted[..above]);
                let texts: Vec<String> = setting.texts.into_iter().filter(|text| !names.contains(&header_name(text, separator))).collect();
                accepted.extend((!texts.is_empty()).then_some(Setting { texts, ..setting }));
            } else if accepted[..above].iter().any(|higher| higher.member.path == setting.member.path) {
                // A higher level has said it.
            } else {
                accepted.push(setting);
            }
        }
    }
    loop {
        let has = |path: &str| accepted.iter().any(|one| one.member.path == path);
        let idle = accepted.iter().position(|one| match (&one.origin, one.member.needs) {
            (Origin::Flag | Origin::Default, _) | (_, None) => false,
            // What a variable asks for in vain is told by the flag's own reader, but for an address that would pass for a target.
            (Origin::Variable(_), Some(needed)) => !has(needed) && (displaced.contains(&needed) || one.member.path == "target.address"),
            (Origin::Profile { .. } | Origin::File { .. }, Some(needed)) => !has(needed),
        });
        match idle {
            Some(at) => displaced.push(accepted.remove(at).member.path),
            None => break,
        }
    }
    accepted.extend(report_of_load(&accepted));
    accepted.sort_by_key(|one| MEMBERS.iter().position(|member| member.path == one.member.path));
    accepted
}

/// Whether a setting is any: a switch that is off displaces nothing.
fn is_on(setting: &Setting) -> bool {
    setting.member.form != Form::Switch || setting.texts.iter().any(|text| text == "true")
}

/// A folder has one report: that of a load stands beside the run's, where nobody says where.
fn report_of_load(accepted: &[Setting]) -> Option<Setting> {
    let of = |path: &str| accepted.iter().find(|one| one.member.path == path);
    let (None, Some(run)) = (of("load.report"), of("report.dir").filter(|one| one.origin != Origin::Flag)) else { return None };
    let texts = run.texts.iter().map(|dir| format!("{}-load", dir.trim_end_matches('/'))).collect();
    Some(Setting { member: member("load.report")?, texts, origin: run.origin.clone() })
}

fn header_name(text: &str, separator: char) -> String {
    text.split(separator).next().unwrap_or(text).trim().to_lowercase()
}

/// The names of header lines that are in force already, plain ones and those from variables.
fn header_names(accepted: &[Setting]) -> Vec<String> {
    let lines = accepted.iter().filter_map(|one| match one.member.form {
        Form::Lines(separator) => Some(one.texts.iter().map(move |text| header_name(text, separator))),
        Form::Text | Form::Switch | Form::Path | Form::PathOrName | Form::Place | Form::Command => None,
    });
    lines.flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    const FILE: &str = r#"
contract = "of-file"
secret_env = "OF_FILE"
timeout = "1 s"
jobs = 1
[target]
exec = "start {port}"
address = "http://127.0.0.1:{port}/hooks"
tz = "Asia/Tokyo"
headers = { A = "file", B = "file" }
[evidence]
db = "of-file.sqlite"
[report]
dir = "out/"
[profile.ci]
secret_env = "OF_PROFILE"
timeout = "2 s"
jobs = 2
[profile.ci.target]
headers = { A = "profile" }
[profile.there.target]
url = "http://there"
"#;

    /// Flags `path=value`, variables `NAME=value`, a profile: what is in force, a line each.
    fn told(flags: &[&str], variables: &[&str], profile: Option<&str>) -> String {
        let project = read("hookgate.toml", FILE).expect("the test writes a file that is right");
        let pair = |text: &&str| text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())).expect("a pair");
        let flag = |text: &&str| {
            let (path, value) = pair(text);
            Setting { member: member(&path).expect("a member"), texts: vec![value], origin: Origin::Flag }
        };
        let flags: Vec<Setting> = flags.iter().map(flag).collect();
        let variables: Vec<(String, String)> = variables.iter().map(pair).collect();
        let variable = |name: &str| variables.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone());
        let all = in_force(&flags, &variable, Some((&project, profile)));
        all.iter().map(|one| format!("{} = {} ({})\n", one.member.path, one.texts.join(" | "), one.origin.word())).collect()
    }

    #[test]
    fn the_file_alone() {
        insta::assert_snapshot!(told(&[], &[], None));
    }

    #[test]
    fn flags_before_variables_before_the_profile_before_the_file() {
        let flags = ["jobs=4", "target.headers=B: flag"];
        let variables = ["HOOKGATE_JOBS=3", "HOOKGATE_TIMEOUT=3 s", "HOOKGATE_REQUIRE=DUP-*, TTL-1", "HOOKGATE_TARGET_HEADERS=C: variable"];
        insta::assert_snapshot!(told(&flags, &variables, Some("ci")));
    }

    /// An address on the command line, in a variable or in a profile takes the place of what the file would start, with all that belongs to it.
    #[test]
    fn what_cannot_stand_beside_a_value_gives_way_to_it() {
        let by_flag = told(&["target.url=http://here"], &[], None);
        assert!(!by_flag.contains("exec") && !by_flag.contains("address") && !by_flag.contains("tz"), "{by_flag}");
        assert!(told(&[], &["HOOKGATE_TARGET_URL=http://here"], None).contains("target.url = http://here (variable)"));
        let by_profile = told(&[], &[], Some("there"));
        assert!(by_profile.contains("target.url = http://there (profile)") && !by_profile.contains("exec"), "{by_profile}");
        assert!(!told(&["target.exec=mine"], &[], Some("there")).contains("there"));
    }
}
