//! Bytes of a browser → a request that may be answered.
//!
//! A page of any site can make a browser send requests to a port of this machine, and a site whose name comes to mean
//! 127.0.0.1 can read the answers (DNS rebinding). So a request must name this server as its host and come from its own
//! pages, and it must carry the token, which other users of this machine do not know.

use std::fmt;
use std::io::Read;

/// The most bytes of the head of a request.
const MOST_BYTES: usize = 16 << 10;

/// Decides which requests are answered.
pub struct Guard {
    port: u16,
    token: String,
}

/// A request.
pub struct Request {
    /// The path, without the query.
    pub path: String,
    /// The query, decoded.
    pub query: Vec<(String, String)>,
}

/// Why a request is not answered.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is not an HTTP request.
    Malformed,
    /// Its method is not `GET`.
    Method,
    /// It is for another host, or comes from another site.
    ForeignOrigin,
    /// It lacks the token.
    Token,
    /// There is no such page.
    NotFound,
}

impl Refusal {
    /// The status line.
    pub fn status(&self) -> &'static str {
        match self {
            Self::Malformed => "400 Bad Request",
            Self::Method => "405 Method Not Allowed",
            Self::ForeignOrigin | Self::Token => "403 Forbidden",
            Self::NotFound => "404 Not Found",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "this is not an HTTP request",
            Self::Method => "this server answers GET only",
            Self::ForeignOrigin => "this server answers its own pages only",
            Self::Token => "open the address that `bfc view` printed",
            Self::NotFound => "there is no such page",
        })
    }
}

impl Guard {
    /// For a server on this port; requests must carry the token.
    pub fn new(port: u16, token: String) -> Self {
        Self { port, token }
    }

    /// The address of the page.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}/?token={}", self.port, self.token)
    }

    /// Reads a request and decides whether it may be answered.
    ///
    /// # Errors
    /// It may not.
    pub fn read(&self, stream: impl Read) -> Result<Request, Refusal> {
        let head = read_head(stream).ok_or(Refusal::Malformed)?;
        let mut lines = head.split("\r\n");
        let mut words = lines.next().unwrap_or_default().split(' ');
        let (Some(method), Some(target), Some(version)) = (words.next(), words.next(), words.next()) else {
            return Err(Refusal::Malformed);
        };
        if !version.starts_with("HTTP/1.") {
            return Err(Refusal::Malformed);
        }
        let fields: Vec<(String, &str)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim()))
            .collect();
        let all = |name: &str| {
            fields.iter().filter(|field| field.0 == name).map(|field| field.1).collect::<Vec<_>>()
        };
        let hosts = [format!("127.0.0.1:{}", self.port), format!("localhost:{}", self.port)];
        let is_own = |host: &str| hosts.iter().any(|own| own == host);
        let from = |origin: &&str| origin.strip_prefix("http://").is_some_and(is_own);
        let (host, sites) = (all("host"), all("sec-fetch-site"));
        let is_known = matches!(host[..], [one] if is_own(one))
            && all("origin").iter().all(from)
            && sites.iter().all(|site| ["same-origin", "none"].contains(site));
        if !is_known {
            return Err(Refusal::ForeignOrigin);
        }
        if method != "GET" {
            return Err(Refusal::Method);
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let query: Vec<(String, String)> = query.split('&').filter_map(pair).collect();
        let token = query.iter().find(|(name, _)| name == "token").map_or("", |(_, token)| token);
        if !equal(token, &self.token) {
            return Err(Refusal::Token);
        }
        Ok(Request { path: path.to_string(), query })
    }
}

/// The bytes up to the empty line.
fn read_head(mut stream: impl Read) -> Option<String> {
    let mut head = vec![];
    let mut chunk = [0; 2048];
    loop {
        let read = stream.read(&mut chunk).ok().filter(|&read| read > 0)?;
        head.extend_from_slice(&chunk[..read]);
        if let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") {
            head.truncate(end);
            return String::from_utf8(head).ok();
        }
        if head.len() > MOST_BYTES {
            return None;
        }
    }
}

/// A name and a value of a query, decoded.
fn pair(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once('=')?;
    Some((decoded(name)?, decoded(value)?))
}

/// Decodes `+` as a space and `%41` as a byte.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = vec![];
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

/// In constant time for texts of one length, so that the time of a response does not tell how much of a token is right.
fn equal(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(request: &str) -> Result<(String, Vec<(String, String)>), Refusal> {
        let guard = Guard::new(8000, "secret".into());
        guard.read(request.replace('\n', "\r\n").as_bytes()).map(|asked| (asked.path, asked.query))
    }

    #[test]
    fn only_own_pages_with_the_token_are_answered() {
        let own = "GET /?token=secret&size=8&param.base=a%20b HTTP/1.1\nHost: 127.0.0.1:8000\n";
        let (path, query) = asked(&format!("{own}\n")).expect("answered");
        assert_eq!((path.as_str(), query[1].1.as_str(), query[2].1.as_str()), ("/", "8", "a b"));
        for (request, refusal) in [
            (format!("{own}Origin: http://evil.example\n\n"), Refusal::ForeignOrigin),
            (format!("{own}Origin: null\n\n"), Refusal::ForeignOrigin),
            (format!("{own}Sec-Fetch-Site: cross-site\n\n"), Refusal::ForeignOrigin),
            (format!("{own}Host: evil.example\n\n"), Refusal::ForeignOrigin),
            (own.replace("127.0.0.1:8000", "evil.example:8000") + "\n", Refusal::ForeignOrigin),
            (own.replace("127.0.0.1:8000", "127.0.0.1") + "\n", Refusal::ForeignOrigin),
            (own.replace("Host", "Hast") + "\n", Refusal::ForeignOrigin),
            (own.replace("GET", "POST") + "\n", Refusal::Method),
            (own.replace("secret", "secres") + "\n", Refusal::Token),
            (own.replace("secret", "") + "\n", Refusal::Token),
            (own.replace("token", "taken") + "\n", Refusal::Token),
            (own.replace("HTTP/1.1", "") + "\n", Refusal::Malformed),
            (own.to_string(), Refusal::Malformed),
            ("x".repeat(MOST_BYTES * 2), Refusal::Malformed),
            ("\n\n".into(), Refusal::Malformed),
        ] {
            assert_eq!(asked(&request), Err(refusal), "{request:.80}");
        }
        let localhost = own.replace("127.0.0.1", "localhost");
        assert!(
            asked(&format!("{localhost}Origin: http://localhost:8000\nSec-Fetch-Site: same-origin\n\n"))
                .is_ok()
        );
    }
}
