//! The kill matrix as text: a line a defect for the terminal, a paragraph a topic for the guide.

use super::{FEW, Matrix, Row};

/// The matrix for people.
#[must_use]
pub fn human(matrix: &Matrix) -> String {
    let width = matrix.defects.iter().map(|row| row.defect.len()).max().unwrap_or(0);
    let mut text = String::new();
    for row in &matrix.defects {
        let mut on: Vec<&str> = row.caught_by.iter().map(|one| one.requirement.as_str()).collect();
        on.sort_unstable();
        on.dedup();
        let files = Matrix::files_that_catch(row);
        let first = files.first().copied().unwrap_or_default();
        let told = match (row.caught, files.len()) {
            (false, _) => format!("breaks {}; found instead: {}", row.breaks.join(", "), also(row)),
            (true, 1) => format!("{:<22} {first}", on.join(", ")),
            (true, many) => format!("{:<22} {first} and {} more", on.join(", "), many - 1),
        };
        text.push_str(&format!("{} {:width$}  {told}\n", if row.caught { "caught" } else { "MISSED" }, row.defect));
        if !row.until_caught {
            text.push_str(&cause_line(row));
        }
    }
    for alarm in &matrix.false_alarms {
        text.push_str(&format!("FALSE ALARM on the right reference: {} ({})\n", alarm.scenario, alarm.requirement));
    }
    for file in &matrix.idle {
        text.push_str(&format!(
            "IDLE {file}: it catches no defect that at most {FEW} scenario files catch; say why it stands (member `stands`)\n"
        ));
    }
    for one in &matrix.under {
        let rows = || matrix.defects.iter().filter(|row| row.contract == one.contract);
        let (caught, total) = (rows().filter(|row| row.caught).count(), rows().count());
        text.push_str(&format!(
            "{}: of {} defects {} apply, {caught} of {total} caught, {} missed; {} act otherwise where nobody is held to that\n",
            one.contract,
            one.defects,
            one.apply,
            total - caught,
            one.allowed
        ));
    }
    text.push_str(&figures(matrix));
    let caught = matrix.defects.iter().filter(|row| row.caught).count();
    text.push_str(&format!(
        "\n{caught} of {} defects caught · {} scenario files stand for another reason · right reference judged {} times, {} false alarms\n",
        matrix.defects.len(),
        matrix.standing.len(),
        matrix.right_runs,
        matrix.false_alarms.len()
    ));
    text
}

/// The first cause of a defect, and what it is wrongly said to break.
fn cause_line(row: &Row) -> String {
    let mut text = match &row.first_cause {
        Some(cause) => {
            format!("       {}{}: {}\n", if cause.is_of_the_defect { "" } else { "NOT ITS OWN " }, cause.requirement, cause.sentence)
        }
        None => "       NO CAUSE\n".to_owned(),
    };
    if !row.called_broken.is_empty() {
        text.push_str(&format!("       CALLED BROKEN, TOO: {}\n", row.called_broken.join(", ")));
    }
    text
}

/// The two figures of causes.
fn figures(matrix: &Matrix) -> String {
    let whole = matrix.judged_whole().count();
    if whole == 0 {
        return String::new();
    }
    let rest = if whole == matrix.defects.len() {
        String::new()
    } else {
        format!(" (of the other {} only that they are caught is known)", matrix.defects.len() - whole)
    };
    format!(
        "\nthe first cause names a requirement of the defect for {} of {} defects; {} requirements are called broken that the defect does not break{rest}\n",
        matrix.named(),
        whole,
        matrix.wrongly_called()
    )
}

fn also(row: &Row) -> String {
    let told: Vec<String> = row.also.iter().take(4).map(|one| format!("{} in {}", one.requirement, one.scenario)).collect();
    if told.is_empty() { "nothing".to_owned() } else { told.join(", ") }
}

/// The defects by topic, for the guide; what went wrong, if anything did, stands below.
///
/// Which scenario caught a race, and which cause explains most of it, depends on the race: neither is named here.
pub fn markdown(matrix: &Matrix, topic_of: impl Fn(&str) -> String) -> String {
    let mut topics: Vec<(String, Vec<&Row>)> = Vec::new();
    for row in &matrix.defects {
        let topic = row.breaks.first().map_or_else(String::new, |id| topic_of(id));
        match topics.iter_mut().find(|(name, _)| *name == topic) {
            Some((_, rows)) => rows.push(row),
            None => topics.push((topic, vec![row])),
        }
    }
    let mut text = String::new();
    for (topic, rows) in &topics {
        let caught = rows.iter().filter(|row| row.caught).count();
        text.push_str(&format!("<details><summary>{topic}: {caught} of {}</summary>\n\n", rows.len()));
        for row in rows {
            let missed = if row.caught { "" } else { " **missed**" };
            text.push_str(&format!("- `{}`: {} ({}){missed}\n", row.defect, row.sentence, row.breaks.join(", ")));
        }
        text.push_str("\n</details>\n\n");
    }
    for alarm in &matrix.false_alarms {
        text.push_str(&format!("- **false alarm** on the right reference: {} ({})\n", alarm.scenario, alarm.requirement));
    }
    let caught = matrix.defects.iter().filter(|row| row.caught).count();
    text.push_str(&format!("{caught} of {} defects are caught.\n", matrix.defects.len()));
    text
}
