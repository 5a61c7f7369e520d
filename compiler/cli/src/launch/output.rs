//! What ranks print, line by line, each line whole and with the number of its rank.

use std::io::{self, BufRead, BufReader, Read, Write};

/// A line is cut here: a rank that prints no line breaks does not fill the memory.
const LONGEST: u64 = 64 << 10;

/// Copies lines until `from` ends or nobody reads `to` any more.
pub fn tag(rank: u32, from: impl Read, to: impl Write) {
    // Whoever has closed the launcher's output wants no more of it.
    let _ = copy(&format!("[{rank}] "), BufReader::new(from), to);
}

fn copy(tag: &str, mut from: impl BufRead, mut to: impl Write) -> io::Result<()> {
    let mut line = tag.as_bytes().to_vec();
    while from.by_ref().take(LONGEST).read_until(b'\n', &mut line)? > 0 {
        if !line.ends_with(b"\n") {
            line.push(b'\n');
        }
        // One write for each line, so that lines of two ranks do not mix.
        to.write_all(&line)?;
        to.flush()?;
        line.truncate(tag.len());
    }
    Ok(())
}
