//! Target: where a receiver listens, and as whom it is addressed.
//!
//! In: `http://host:port/prefix`, `https://…`, or a Unix socket
//! (`unix:/path/to.sock`, with a prefix `unix:/path/to.sock:/prefix`, as nginx
//! and curl's users write it; `http+unix://%2Fpath%2Fto.sock/prefix` is read,
//! too). Out: the parts, or what is wrong and the way out. Nothing is
//! connected to in here.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use crate::transport::tls::Tls;

/// What `Host` says over a Unix socket, when nobody says otherwise.
const UNIX_HOST: &str = "localhost";

/// How a receiver is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Via {
    /// TCP.
    Tcp,
    /// TLS over TCP; the settings, when they are not the usual ones.
    Tls(Option<Tls>),
    /// A Unix socket.
    Unix(PathBuf),
}

/// Where a receiver listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    via: Via,
    host: String,
    port: u16,
    prefix: String,
    /// The name that stands in `Host` and in TLS's SNI, when it is not the host's.
    named: Option<String>,
}

/// Text that is not the address of a receiver.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTarget {
    /// No scheme.
    #[error("`{found}` has no scheme; write `http://{found}`")]
    NoScheme {
        /// The text.
        found: String,
    },
    /// None of the schemes that are spoken.
    #[error("unknown scheme `{scheme}`; `http://`, `https://` and `unix:/path` are spoken")]
    OtherScheme {
        /// The scheme.
        scheme: String,
    },
    /// A user name or password before the host; not repeated here, it may be a secret.
    #[error("the address has a user name or password before `@`; leave it out, deliveries prove themselves by their signature")]
    UserInfo,
    /// A query or a fragment.
    #[error("`{found}` cannot be part of an address; end it with the path (the query of deliveries is the contract's `endpoint.query`)")]
    Query {
        /// From the mark on.
        found: String,
    },
    /// No host, or something that cannot be one.
    #[error("`{found}` is not a host; write a name, an IPv4 address or an IPv6 address in brackets (`http://[::1]:5001`)")]
    Host {
        /// What stands in its place.
        found: String,
    },
    /// The port is not a number from 1 to 65535.
    #[error("`{found}` is not a port; write a number from 1 to 65535")]
    Port {
        /// What stands in its place.
        found: String,
    },
    /// A blank or a control character in the path.
    #[error("the path `{found}` holds a blank or a character outside ASCII; write it percent-encoded")]
    Path {
        /// The path.
        found: String,
    },
    /// The path of a Unix socket is not one.
    #[error("`{found}` names no Unix socket; write its whole path: `unix:/run/receiver.sock`")]
    Socket {
        /// What stands in its place.
        found: String,
    },
    /// This system has no Unix sockets.
    #[error("the Unix socket `{found}` needs a Unix system; let the receiver listen at a port, and give http://host:port")]
    NeedsUnix {
        /// The path of the socket.
        found: String,
    },
    /// TLS was asked for where there is none.
    #[error(
        "{found} is no https:// address: --ca-cert, --client-cert, --client-key and --insecure go with one (--target https://…), or with a database by TLS"
    )]
    NoTls {
        /// The address.
        found: String,
    },
}

impl Target {
    /// Reads an address; without a port it is 80, or 443 for `https`.
    ///
    /// ```
    /// # use hookgate::transport::Target;
    /// assert_eq!(Target::parse("http://[::1]:5001/hooks/")?.url("/status"), "http://[::1]:5001/hooks/status");
    /// assert_eq!(Target::parse("https://localhost:443")?.authority(), "localhost");
    /// assert_eq!(Target::parse("unix:/run/receiver.sock")?.to_string(), "unix:/run/receiver.sock");
    /// # Ok::<(), hookgate::transport::BadTarget>(())
    /// ```
    ///
    /// # Errors
    /// [`BadTarget`], which names what is wrong and the way out.
    pub fn parse(text: &str) -> Result<Self, BadTarget> {
        let text = text.trim();
        if let Some(rest) = text.strip_prefix("unix:") {
            return Self::at_socket(rest);
        }
        let (scheme, rest) = text.split_once("://").ok_or_else(|| BadTarget::NoScheme { found: text.to_owned() })?;
        let authority_len = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(authority_len);
        let via = match scheme.to_ascii_lowercase().as_str() {
            "http" => Via::Tcp,
            "https" => Via::Tls(None),
            "http+unix" => Via::Unix(socket_path(&percent_decoded(authority))?),
            other => return Err(BadTarget::OtherScheme { scheme: other.to_owned() }),
        };
        let prefix = prefix(path)?;
        if matches!(via, Via::Unix(_)) {
            return Ok(Self { via, host: UNIX_HOST.to_owned(), port: 80, prefix, named: None });
        }
        if authority.contains('@') {
            return Err(BadTarget::UserInfo);
        }
        let usual = if via == Via::Tcp { 80 } else { 443 };
        let (host, port) = host_and_port(authority, usual)?;
        Ok(Self { via, host, port, prefix, named: None })
    }

    /// This machine, over TCP, at no port that anybody has yet.
    #[must_use]
    pub fn here() -> Self {
        Self { via: Via::Tcp, host: Ipv4Addr::LOCALHOST.to_string(), port: 0, prefix: String::new(), named: None }
    }

    /// `/path/to.sock`, `///path/to.sock`, `/path/to.sock:/prefix`.
    fn at_socket(rest: &str) -> Result<Self, BadTarget> {
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let (path, behind) = rest.split_once(":/").map_or((rest, String::new()), |(path, behind)| (path, format!("/{behind}")));
        let via = Via::Unix(socket_path(path)?);
        Ok(Self { via, host: UNIX_HOST.to_owned(), port: 80, prefix: prefix(&behind)?, named: None })
    }

    /// Whether it is reached by TLS.
    #[must_use]
    pub fn is_secured(&self) -> bool {
        matches!(self.via, Via::Tls(_))
    }

    /// The name by which it is addressed, where that is not where it is.
    #[must_use]
    pub fn named_otherwise(&self) -> Option<&str> {
        self.named.as_deref()
    }

    /// The same receiver by TLS with these settings.
    ///
    /// # Errors
    /// [`BadTarget::NoTls`] where it is not reached by TLS.
    pub fn secured(self, tls: Tls) -> Result<Self, BadTarget> {
        match self.via {
            Via::Tls(_) => Ok(Self { via: Via::Tls(Some(tls)), ..self }),
            Via::Tcp | Via::Unix(_) => Err(BadTarget::NoTls { found: self.to_string() }),
        }
    }

    /// The same receiver, addressed by another name (`name`, or `name:port`), in `Host` and in TLS's SNI.
    ///
    /// # Errors
    /// [`BadTarget`] when it is no name.
    pub fn named(self, name: &str) -> Result<Self, BadTarget> {
        host_and_port(name, self.port)?;
        Ok(Self { named: Some(name.to_owned()), ..self })
    }

    /// Another address, reached as this one: with its settings of TLS where it is https, and by its name.
    ///
    /// # Errors
    /// As [`Target::parse`].
    pub fn at(&self, address: &str) -> Result<Self, BadTarget> {
        let there = Self::parse(address)?;
        let via = match (&there.via, &self.via) {
            (Via::Tls(None), Via::Tls(tls)) => Via::Tls(tls.clone()),
            (Via::Tls(_) | Via::Tcp | Via::Unix(_), _) => there.via,
        };
        Ok(Self { via, named: self.named.clone(), ..there })
    }

    /// A whole address as a target and the path and query there; what it shares with this target is reached as it is.
    ///
    /// # Errors
    /// As [`Target::parse`].
    pub fn page(&self, address: &str) -> Result<(Self, String), BadTarget> {
        let (base, path) = Self::apart(address);
        Ok((self.at(base)?, if path.is_empty() { "/".to_owned() } else { path.to_owned() }))
    }

    /// An address without its path, and the path with its query; empty where it has none.
    #[must_use]
    pub fn apart(address: &str) -> (&str, &str) {
        let behind = address.find("://").map_or(0, |at| at + 3);
        let split = match address.strip_prefix("unix:") {
            Some(socket) => socket.find(":/").map_or(address.len(), |at| at + "unix:".len() + 1),
            None => address[behind..].find(['/', '?']).map_or(address.len(), |at| at + behind),
        };
        let (base, path) = address.split_at(split);
        (if address.starts_with("unix:") { base.trim_end_matches(':') } else { base }, path)
    }

    /// How it is reached.
    #[must_use]
    pub fn via(&self) -> &Via {
        &self.via
    }

    /// The Unix socket, when it is one.
    #[must_use]
    pub fn socket(&self) -> Option<&Path> {
        match &self.via {
            Via::Unix(path) => Some(path),
            Via::Tcp | Via::Tls(_) => None,
        }
    }

    /// Whether it is on this machine.
    #[must_use]
    pub fn is_on_this_machine(&self) -> bool {
        let is_loopback = || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        self.socket().is_some() || self.host == "localhost" || is_loopback()
    }

    /// The host that is connected to, an IPv6 address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The name that TLS asks for, without a port.
    #[must_use]
    pub fn server_name(&self) -> String {
        let named = self.named.as_deref().and_then(|name| host_and_port(name, self.port).ok());
        named.map_or_else(|| self.host.clone(), |(host, _)| host)
    }

    fn scheme(&self) -> &'static str {
        if matches!(self.via, Via::Tls(_)) { "https" } else { "http" }
    }

    /// The value of `Host`: the port is left out when it is the scheme's own.
    #[must_use]
    pub fn authority(&self) -> String {
        if let Some(named) = &self.named {
            return named.clone();
        }
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let usual = if matches!(self.via, Via::Tls(_)) { 443 } else { 80 };
        if self.port == usual { host } else { format!("{host}:{}", self.port) }
    }

    /// The path and query that travel for `path`: behind this target's own prefix; a whole address travels as it is.
    #[must_use]
    pub fn path(&self, path: &str) -> String {
        if path.starts_with("http://") || path.starts_with("https://") {
            return path.to_owned();
        }
        format!("{}{path}", self.prefix)
    }

    /// The whole address of `path`, as the receiver is addressed.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{}", self.scheme(), self.authority(), self.path(path))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.via, self.prefix.as_str()) {
            (Via::Unix(path), "") => write!(f, "unix:{}", path.display()),
            (Via::Unix(path), prefix) => write!(f, "unix:{}:{prefix}", path.display()),
            (Via::Tcp | Via::Tls(_), _) => {
                let there = Self { named: None, ..self.clone() };
                f.write_str(&there.url(""))
            }
        }
    }
}

fn prefix(path: &str) -> Result<String, BadTarget> {
    if let Some(mark) = path.find(['?', '#']) {
        return Err(BadTarget::Query { found: path[mark..].to_owned() });
    }
    if !path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(BadTarget::Path { found: path.to_owned() });
    }
    Ok(path.trim_end_matches('/').to_owned())
}

fn socket_path(path: &str) -> Result<PathBuf, BadTarget> {
    if !cfg!(unix) {
        return Err(BadTarget::NeedsUnix { found: path.to_owned() });
    }
    let is_whole = path.starts_with('/') && path.len() > 1;
    if is_whole { Ok(PathBuf::from(path)) } else { Err(BadTarget::Socket { found: path.to_owned() }) }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let escaped =
            behind.get(..2).filter(|_| *first == b'%').and_then(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok());
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &behind[2..] } else { behind };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn host_and_port(authority: &str, usual: u16) -> Result<(String, u16), BadTarget> {
    let refuse = || BadTarget::Host { found: authority.to_owned() };
    let (host, port) = match authority.strip_prefix('[') {
        Some(bracketed) => {
            let (inside, after) = bracketed.split_once(']').ok_or_else(refuse)?;
            let address: Ipv6Addr = inside.parse().map_err(|_| refuse())?;
            let port = if after.is_empty() { None } else { Some(after.strip_prefix(':').ok_or_else(refuse)?) };
            (IpAddr::V6(address).to_string(), port)
        }
        None => {
            let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
            if host.is_empty() || !host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)) {
                return Err(refuse());
            }
            (host.to_owned(), port)
        }
    };
    let Some(port) = port else { return Ok((host, usual)) };
    match port.parse() {
        Ok(number @ 1..) if !port.starts_with('+') => Ok((host, number)),
        Ok(_) | Err(_) => Err(BadTarget::Port { found: port.to_owned() }),
    }
}

#[cfg(test)]
mod tests;
