//! Flavours: what a batch of sequences may hold, how many they are, and how often each kind of step comes in them.

use super::letters::{Form, Letter};

/// What a batch of sequences may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flavour {
    Answers,
    Rows,
    Time,
    Restarts,
    Streams,
}

impl Flavour {
    /// Every one of them.
    pub(super) const ALL: [Self; 5] = [Self::Answers, Self::Rows, Self::Time, Self::Restarts, Self::Streams];

    /// How often a letter comes: what the kind is for comes often.
    pub(super) fn share(self, letter: &Letter) -> f64 {
        match (&letter.form, self) {
            (Form::Advance(_), Self::Time) => 8.0,
            (Form::OwnLife(_), Self::Time) => 3.0,
            (Form::Restart(_) | Form::BreakIn, Self::Restarts) => 30.0,
            (Form::Look(_), Self::Rows | Self::Time) => 3.0,
            (Form::Look(_), Self::Restarts) => 1.0,
            (Form::Stream(_), Self::Streams) => 8.0,
            (Form::Stream(_), Self::Restarts) => 3.0,
            (Form::Advance(_) | Form::Restart(_) | Form::BreakIn | Form::Look(_) | Form::Stream(_), _) => 0.0,
            // Beside streams, what streams are to say nothing of.
            (_, Self::Streams) => 0.1,
            (_, _) => 1.0,
        }
    }

    /// How many sequences of the kind are made at a time.
    pub(super) fn size(self) -> usize {
        match self {
            Self::Answers => 12,
            Self::Rows | Self::Time | Self::Streams => 6,
            Self::Restarts => 2,
        }
    }

    /// How often the kind comes.
    pub(super) fn weight(self) -> f64 {
        match self {
            Self::Answers | Self::Streams => 5.0,
            Self::Rows | Self::Time => 3.0,
            Self::Restarts => 1.5,
        }
    }
}
