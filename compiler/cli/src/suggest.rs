//! "Did you mean": the names that a mistyped one resembles most.

/// How alike names are from which one may stand for the other.
const CLOSE: f64 = 0.8;

/// The candidate most like `name`, if one is close.
pub fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    close(name, candidates).first().copied()
}

/// The candidates like `name`, the closest first.
pub fn close<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let likeness = |candidate: &str| strsim::jaro_winkler(&name.to_lowercase(), &candidate.to_lowercase());
    let scored = candidates.into_iter().map(|candidate| (likeness(candidate), candidate));
    let mut close: Vec<(f64, &str)> = scored.filter(|(likeness, _)| *likeness > CLOSE).collect();
    close.sort_by(|a, b| b.0.total_cmp(&a.0));
    close.into_iter().map(|(_, candidate)| candidate).collect()
}
