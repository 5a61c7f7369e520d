//! `bfc view`: the report of a source on localhost, which reloads when its files change.

mod request;
mod watched;

use super::arguments;
use super::subject::subject;
use crate::arguments::{Format, Settings, count};
use crate::failure::{CliError, Failure};
use crate::{input, output};
use bfc_compiler::Parameter;
use bfc_report::page;
use bfc_runtime::secret::Secret;
use miette::Diagnostic;
use request::{Guard, Refusal, Request};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use thiserror::Error;
use watched::{State, Watched, state};

/// The time between two looks at the files.
const POLL: Duration = Duration::from_millis(10);
/// How long a browser may take to send a request, and to receive the response.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The most connections at a time.
const MOST_CONNECTIONS: usize = 32;
/// Looks at the files between two comments in a stream of events: writing fails once the browser has gone, which ends the stream.
const HEARTBEAT: u32 = 500;

/// No page can be served.
#[derive(Debug, Error, Diagnostic)]
#[error("cannot listen on 127.0.0.1:{port}: {error}")]
#[diagnostic(
    code(bfc::cli::no_port),
    help("choose another port with `--port`, or leave it out for a free one")
)]
struct NoPort {
    port: u16,
    error: io::Error,
}

/// What is served.
struct View {
    file: String,
    settings: Settings,
    size: u32,
    guard: Guard,
    /// The files that the last page was made from, as they were then.
    watched: Mutex<BTreeMap<PathBuf, State>>,
}

/// Serves the page until the command is interrupted.
///
/// # Errors
/// The file does not exist, or the port is taken.
pub fn view(arguments: arguments::View, format: Format) -> Result<(), Failure> {
    let arguments::View { source, port } = arguments;
    if source.file == input::STANDARD_INPUT {
        let message = "standard input cannot be read again when it changes".to_string();
        return Err(
            CliError::Usage { message, help: Some("write the source to a file and name it".into()) }.into()
        );
    }
    input::request(&source.file, source.size, &source.settings)?;
    let refused = |error| Failure::running(NoPort { port, error });
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(refused)?;
    let port = listener.local_addr().map_err(refused)?.port();
    let secret = Secret::random().map_err(|error| refused(io::Error::other(error.to_string())))?;
    let guard = Guard::new(port, secret.reveal());
    let address = guard.address();
    output::show(format, &serde_json::json!({ "url": address }), || format!("{address}\n"))?;
    output::say("the page reloads when the file changes; press Ctrl-C to stop");
    let watched = Mutex::default();
    let (file, settings, size) = (source.file, source.settings, source.size);
    let view = Arc::new(View { file, settings, size, guard, watched });
    for stream in listener.incoming() {
        // A browser that closes a connection while it opens does not end the server.
        let Ok(stream) = stream else { continue };
        // Each connection has a share of the view, which also a panic gives back.
        if Arc::strong_count(&view) > MOST_CONNECTIONS {
            continue;
        }
        let view = view.clone();
        std::thread::spawn(move || view.serve(&stream));
    }
    Ok(())
}

impl View {
    /// Answers one request. Errors are ignored: the browser has gone.
    fn serve(&self, stream: &TcpStream) {
        let _ = stream.set_read_timeout(Some(TIMEOUT));
        let _ = stream.set_write_timeout(Some(TIMEOUT));
        let _ = stream.set_nodelay(true);
        let _ = match self.guard.read(stream) {
            Ok(Request { path, query }) => match path.as_str() {
                "/" => self.page(stream, &query),
                "/changes" => self.changes(stream),
                _ => refuse(stream, &Refusal::NotFound),
            },
            Err(refusal) => refuse(stream, &refusal),
        };
    }

    /// The page with the size and the parameters of the query.
    fn page(&self, stream: &TcpStream, query: &[(String, String)]) -> io::Result<()> {
        let given =
            |name: &str| query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let size = given("size").and_then(|size| count(size).ok()).unwrap_or(self.size);
        let files = Watched::default();
        files.note(PathBuf::from(&self.file));
        let html = match input::request(&self.file, size, &self.settings) {
            Ok(mut request) => {
                // A source that is refused has no parameters to set, and its diagnostics are shown.
                let mut parameters = bfc_compiler::parameters(&request, &files).unwrap_or_default();
                for parameter in &mut parameters {
                    let value =
                        given(&format!("param.{}", parameter.name)).filter(|value| !value.trim().is_empty());
                    set(&mut request, parameter, value);
                }
                let (subject, _) = subject(&self.file, &request, &files, None, None);
                page::live(size, &[subject], &parameters)
            }
            Err(failure) => {
                let reports = failure.reports().iter();
                let diagnostics = reports.map(bfc_report::diagnostic_json).collect();
                page::live(size, &[page::Subject::refused(&self.file, diagnostics)], &[])
            }
        };
        *self.watched.lock().unwrap_or_else(PoisonError::into_inner) = files.states();
        answer(stream, "200 OK", "text/html; charset=utf-8", html.as_bytes())
    }

    /// A stream of events: one for each change of the files.
    fn changes(&self, mut stream: &TcpStream) -> io::Result<()> {
        stream.write_all(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n: here\n\n",
        )?;
        // The states from before the page was made: a change since then counts, too.
        let mut known = self.watched();
        for look in 1.. {
            let now: BTreeMap<PathBuf, State> =
                self.watched().into_keys().map(|path| (path.clone(), state(&path))).collect();
            if now != known {
                known = now;
                stream.write_all(b"data: changed\n\n")?;
            } else if look % HEARTBEAT == 0 {
                stream.write_all(b": here\n\n")?;
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    fn watched(&self) -> BTreeMap<PathBuf, State> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Gives a parameter another value, in place of that of the command line.
fn set(request: &mut bfc_compiler::Request, parameter: &mut Parameter, value: Option<&str>) {
    let Some(value) = value.filter(|value| parameter.value.as_deref() != Some(*value)) else { return };
    let name = &parameter.name;
    let bare = |known: &str| known.rsplit('.').next().is_some_and(|bare| bare == name);
    request.parameters.retain(|(known, _)| known != name && !bare(known));
    request.parameters.push((name.clone(), value.to_string()));
    parameter.value = Some(value.to_string());
}

fn refuse(stream: &TcpStream, refusal: &Refusal) -> io::Result<()> {
    answer(stream, refusal.status(), "text/plain; charset=utf-8", refusal.to_string().as_bytes())
}

fn answer(mut stream: &TcpStream, status: &str, kind: &str, body: &[u8]) -> io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
         Referrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\n\
         Cross-Origin-Resource-Policy: same-origin\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)
}
