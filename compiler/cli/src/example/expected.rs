//! Lines of output as documentation shows them: boxes and blanks aside, `…` standing for any text.

/// Without box drawing, and with single blanks.
pub fn plain(line: &str) -> String {
    let bare: String =
        line.chars().map(|letter| if ('─'..='╿').contains(&letter) { ' ' } else { letter }).collect();
    bare.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a line is what is expected, where `…` stands for any text.
pub fn matches(expected: &str, line: &str) -> bool {
    let pieces: Vec<&str> = expected.split('…').map(str::trim).collect();
    let [first, middle @ .., last] = &pieces[..] else { return expected == line };
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    for piece in middle {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn an_ellipsis_stands_for_any_text() {
        assert!(matches("rho 0.9… exact", "rho 0.949 exact") && matches("…", "anything"));
        assert!(matches("same", "same") && !matches("same", "same, and more"));
        assert!(!matches("rho 0.8…", "rho 0.949"));
    }
}
