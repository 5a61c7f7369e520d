//! Ranks in sentences → the names that a topology gives them, with their numbers: `Port (13)`.

/// The longest name that is shown whole, in characters.
const LONGEST: usize = 40;

/// A rank by its name and number.
pub fn shown(names: &[String], rank: usize) -> String {
    let Some(name) = names.get(rank) else { return rank.to_string() };
    match name.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}… ({rank})", &name[..end]),
        None => format!("{name} ({rank})"),
    }
}

/// A sentence with the names of the ranks that it speaks of: `rank 3`, `ranks {3, 4}`, `row 3`, `column 3`, `W[3][4]`.
pub fn named(text: &str, names: &[String]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, word, after)) = next(rest) {
        out.push_str(before);
        let (numbers, end) = match word {
            "ranks {" => (&after[..after.find('}').unwrap_or(0)], after.find('}').unwrap_or(0)),
            _ => {
                let digits =
                    after.len() - after.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
                (&after[..digits], digits)
            }
        };
        let known = |number: &str| number.parse().ok().filter(|rank| *rank < names.len());
        let ranks: Vec<&str> = numbers.split(", ").collect();
        let is_number =
            !after[end..].starts_with(['.', '/']) || after[end..].starts_with(". ") || after[end..] == *".";
        if is_number && ranks.iter().any(|number| known(number).is_some()) {
            let named = ranks.iter().map(|number| match known(number) {
                Some(rank) => shown(names, rank),
                None => number.to_string(),
            });
            out.push_str(if word == "rank " { "" } else { word });
            out.push_str(&named.collect::<Vec<_>>().join(", "));
        } else {
            out.push_str(word);
            out.push_str(numbers);
        }
        rest = &after[end..];
    }
    out + rest
}

/// What is before the next word that a rank follows, the word, and what is after it.
fn next(text: &str) -> Option<(&str, &'static str, &str)> {
    let begins = |at: usize| !text[..at].ends_with(|letter: char| letter.is_alphanumeric() || letter == '_');
    let place = |word: &'static str| {
        let mut places = text.match_indices(word).map(|(at, _)| at);
        places.find(|at| begins(*at)).map(|at| (at, word))
    };
    let (at, word) =
        ["rank ", "ranks {", "row ", "column ", "W[", "]["].into_iter().filter_map(place).min()?;
    Some((&text[..at], word, &text[at + word.len()..]))
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn ranks_of_sentences_get_their_names() {
        let names = ["Port", "Quay", "Mill"].map(String::from);
        for (text, expected) in [
            ("column 0 sums to 29/8", "column Port (0) sums to 29/8"),
            ("ranks {1, 2} never hear from rank 0", "ranks {Quay (1), Mill (2)} never hear from Port (0)"),
            ("ranks {1, 2, …}: rank 7", "ranks {Quay (1), Mill (2), …}: rank 7"),
            ("a rank has heard, in rank 1.5 of ranks", "a rank has heard, in rank 1.5 of ranks"),
            ("frank 1, row 2.", "frank 1, row Mill (2)."),
            ("W[0][1] is 1/2, W[7][1] is 0", "W[Port (0)][Quay (1)] is 1/2, W[7][Quay (1)] is 0"),
            ("rank ", "rank "),
            ("ranks {", "ranks {"),
        ] {
            assert_eq!(named(text, &names), expected);
        }
    }
}
