//! Turns: runs side by side on one database, in processes of their own, that count whole tables one at a time.
//!
//! What all of them may do at once is done by each with a shared lock on the
//! database's file; what counts all rows of a table waits until nobody else is
//! at it. The lock is none of SQLite's own, which no receiver ever meets.
//!
//! **Invariant:** the file stays open until the process ends: closing it would
//! take away SQLite's own locks of this process (see `evidence::sqlite::copy`).

use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Files that are open for good.
static OPEN: Mutex<Vec<Arc<File>>> = Mutex::new(Vec::new());

/// Whose turn it is at a file.
#[derive(Clone, Debug)]
pub struct Turn(Option<Arc<File>>);

impl Turn {
    /// Turns at a file; where it cannot be opened, it is everybody's turn.
    #[must_use]
    pub fn at(path: Option<&Path>) -> Self {
        let file = path.and_then(|path| File::open(path).ok()).map(Arc::new);
        OPEN.lock().unwrap_or_else(PoisonError::into_inner).extend(file.clone());
        Self(file)
    }

    /// Waits until nobody is alone at it, and stays with the others.
    pub async fn with_others(&self) {
        self.wait(File::lock_shared).await;
    }

    /// Waits until nobody else is at it.
    pub async fn alone(&self) {
        self.wait(|file| file.unlock().and_then(|()| file.lock())).await;
    }

    /// Lets others come.
    pub async fn over(&self) {
        self.wait(File::unlock).await;
    }

    /// Where files cannot be locked, nobody waits.
    async fn wait(&self, how: impl FnOnce(&File) -> std::io::Result<()> + Send + 'static) {
        if let Some(file) = self.0.clone() {
            drop(tokio::task::spawn_blocking(move || how(&file)).await);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Those who count wait for those who do not, and for each other.
    #[tokio::test]
    async fn whoever_is_alone_is_alone() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("a.db");
        std::fs::write(&path, "")?;
        let (one, other, none) = (Turn::at(Some(&path)), Turn::at(Some(&path)), Turn::at(None));
        one.with_others().await;
        other.with_others().await;
        none.alone().await;
        let waits = tokio::spawn({
            let other = other.clone();
            async move { other.alone().await }
        });
        let looks = File::open(&path)?;
        // Not alone as long as one of the others is there.
        assert!(looks.try_lock().is_err() && looks.try_lock_shared().is_ok());
        looks.unlock()?;
        one.over().await;
        waits.await.map_err(std::io::Error::other)?;
        assert!(looks.try_lock_shared().is_err());
        other.over().await;
        assert!(looks.try_lock().is_ok());
        Ok(())
    }
}
