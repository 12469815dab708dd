//! Live view: what one sees while a load runs. A screen on a terminal, a line a second elsewhere.
//!
//! Fed with a [`Progress`] every second. The screen is drawn by [`view`], in
//! the terminal's alternate screen, which is left again however the load ends.

mod view;

use std::io::{Stderr, Write as _, stderr};
use std::sync::{Arc, Mutex, PoisonError};

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen};

use crate::load::OnSecond;
use crate::load::progress::{Phase, Progress};

/// A terminal's other screen, as long as it is needed.
struct Screen(Terminal<CrosstermBackend<Stderr>>);

impl Screen {
    /// Nothing where the terminal does not take part.
    fn open() -> Option<Self> {
        let mut error = stderr();
        execute!(error, EnterAlternateScreen, Hide).ok()?;
        match Terminal::new(CrosstermBackend::new(stderr())) {
            Ok(terminal) => Some(Self(terminal)),
            Err(_) => {
                drop(execute!(error, Show, LeaveAlternateScreen));
                None
            }
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        drop(execute!(stderr(), Show, LeaveAlternateScreen));
    }
}

/// Tells how far a load is, a second each.
///
/// * `show`: nothing is told otherwise.
/// * `live`: standard error is a terminal.
/// * `title`: whose load it is, in a few words.
pub(crate) fn teller(show: bool, live: bool, title: String) -> OnSecond {
    if !show {
        return Arc::new(|_: &Progress<'_>| {});
    }
    let screen = live.then(Screen::open).flatten().map(Mutex::new);
    Arc::new(move |progress: &Progress<'_>| match &screen {
        // Its report tells it.
        _ if progress.phase == Phase::Over => {}
        Some(screen) => {
            let mut screen = screen.lock().unwrap_or_else(PoisonError::into_inner);
            // Whoever has no terminal any more is not told.
            drop(screen.0.draw(|frame| view::draw(frame, &title, progress)).map(drop));
        }
        None => drop(stderr().write_all(format!("{}\n", view::line(progress)).as_bytes())),
    })
}
