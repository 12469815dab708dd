//! Text: one page whose text changes, for programs that look on.
//!
//! In: an address, a path, and the text, which its owner writes anew whenever it
//! likes. Out: a [`Serving`]; everything else is 404.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::Serving;

/// A text that one writes and others read.
pub type Page = Arc<Mutex<String>>;

/// Serves a text.
///
/// # Errors
/// When the address cannot be listened on.
pub async fn serve_text(listen: SocketAddr, path: &str, content_type: &'static str, page: Page) -> std::io::Result<Serving> {
    let listener = TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;
    let answer = move || {
        let text = page.lock().unwrap_or_else(PoisonError::into_inner).clone();
        async move { ([(CONTENT_TYPE, content_type)], text) }
    };
    let pages = Router::new().route(path, get(answer));
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(async move {
        let until = async move { drop(stopped.await) };
        // Whoever cannot be answered any more has gone.
        drop(axum::serve(listener, pages).with_graceful_shutdown(until).await);
    });
    Ok(Serving { address, stop, task })
}
