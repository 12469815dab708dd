//! `axum-receiver [--forget] DATABASE`: listens on 127.0.0.1:$PORT, verifies with $STANDARD_WEBHOOKS_SECRET.

use std::path::Path;

use axum_receiver::{Settings, app};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let forgets = arguments.iter().any(|one| one == "--forget");
    let database = arguments.iter().find(|one| *one != "--forget").ok_or("which database? axum-receiver [--forget] DATABASE")?;
    let secret = std::env::var("STANDARD_WEBHOOKS_SECRET")?;
    let port = std::env::var("PORT").unwrap_or_else(|_| "8080".to_owned());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    axum::serve(listener, app(&Settings { secret, forgets }, Path::new(database))?).await?;
    Ok(())
}
