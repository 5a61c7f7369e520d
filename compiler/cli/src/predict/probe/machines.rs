//! The names of the machines on which ranks run become the machines of a cluster.

/// Ranks of a machine, where consecutive ranks share one and all but the last have as many.
///
/// # Errors
/// Where ranks of one machine do not follow each other, or machines have different numbers of them.
pub fn ranks_per_machine(names: &[String]) -> Result<usize, String> {
    let runs: Vec<&[String]> = names.chunk_by(|a, b| a == b).collect();
    let size = runs.first().map_or(1, |first| first.len());
    for (place, run) in runs.iter().enumerate() {
        if runs[..place].iter().any(|earlier| earlier[0] == run[0]) {
            return Err(format!(
                "the ranks of `{}` do not follow each other; start them with `--map-by slot`",
                run[0]
            ));
        }
        if run.len() > size || run.len() < size && place + 1 < runs.len() {
            let (found, first) = (run.len(), &runs[0][0]);
            return Err(format!(
                "`{}` has {found} ranks and `{first}` has {size}; start as many on each",
                run[0]
            ));
        }
    }
    Ok(size)
}

#[cfg(test)]
mod tests {
    use super::ranks_per_machine;

    #[test]
    fn consecutive_ranks_share_machines() {
        let of = |names: &str| {
            ranks_per_machine(&names.split_whitespace().map(str::to_string).collect::<Vec<_>>())
        };
        assert_eq!(of("a a b b"), Ok(2));
        assert_eq!(of("a a a b"), Ok(3));
        assert_eq!(of("a"), Ok(1));
        assert_eq!(of("a b c"), Ok(1));
        assert!(of("a b a b").is_err_and(|reason| reason.contains("`a` do not follow")));
        assert!(of("a b b").is_err_and(|reason| reason.contains("`b` has 2 ranks")));
        assert!(of("a a b c c").is_err_and(|reason| reason.contains("`b` has 1 ranks")));
    }
}
