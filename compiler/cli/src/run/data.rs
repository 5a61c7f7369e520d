//! A table of numbers with a label in the last column becomes scaled training shards and a test set.
//!
//! Deterministic in the text, the seed and the number of ranks:
//!
//! 1. The rows are shuffled by Fisher–Yates from the top, `j = u mod (i + 1)`, with SplitMix64 from the seed.
//! 2. The first fifth of the shuffled rows (rounded down, at least one) is the test set, the rest the training set.
//! 3. Each feature is shifted by its mean and divided by its standard deviation over the training set, summed in
//!    shuffled order; a constant feature is divided by 1.
//! 4. Training rows are ordered by `(1 - skew) · (place in the shuffle) + skew · (place when sorted by label)`; ties
//!    keep the order of the shuffle. Rank i gets rows `i·N/n .. (i+1)·N/n`.

use super::csv::Table;
use bfc_schedule::random;

/// Rows of features, row by row, with the class of each row.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// `rows × columns` numbers.
    pub features: Vec<f64>,
    /// The class of each row.
    pub labels: Vec<usize>,
}

/// Training and test data.
#[derive(Clone, Debug)]
pub struct Data {
    /// The number of features.
    pub columns: usize,
    /// The names of the classes.
    pub classes: Vec<String>,
    /// One part of the training rows for each rank.
    pub shards: Vec<Rows>,
    /// All training rows: the shards one after the other.
    pub train: Rows,
    /// Rows kept apart.
    pub test: Rows,
}

/// How rows are distributed.
#[derive(Clone, Copy, Debug)]
pub struct Split {
    /// The number of ranks, at least 1 and at most the number of training rows.
    pub ranks: usize,
    /// 0: shards alike; 1: sorted by label.
    pub skew: f64,
    /// Selects the shuffle.
    pub seed: u64,
}

/// The number of training rows that a table of `rows` rows leaves.
pub fn training_rows(rows: usize) -> usize {
    rows - test_rows(rows)
}

/// Splits, scales and distributes a table.
pub fn prepare(table: Table, split: Split) -> Data {
    let order = shuffled(table.labels.len(), split.seed);
    let (test, train) = order.split_at(test_rows(order.len()));
    let scale = Scale::new(&table, train);
    let train = by_skew(&table, train, split.skew);
    let shard = |rank: usize| {
        let rows = &train[rank * train.len() / split.ranks..(rank + 1) * train.len() / split.ranks];
        scale.apply(&table, rows)
    };
    Data {
        columns: table.columns,
        shards: (0..split.ranks).map(shard).collect(),
        train: scale.apply(&table, &train),
        test: scale.apply(&table, test),
        classes: table.classes,
    }
}

fn test_rows(rows: usize) -> usize {
    (rows / 5).max(1)
}

fn shuffled(rows: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..rows).collect();
    random::shuffle(&mut order, seed, 0);
    order
}

fn by_skew(table: &Table, train: &[usize], skew: f64) -> Vec<usize> {
    let mut by_label: Vec<usize> = (0..train.len()).collect();
    by_label.sort_by_key(|&place| table.labels[train[place]]);
    let mut keyed = vec![(0.0, 0); train.len()];
    for (sorted_place, &place) in by_label.iter().enumerate() {
        keyed[place] = ((1.0 - skew) * place as f64 + skew * sorted_place as f64, place);
    }
    keyed.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    keyed.into_iter().map(|(_, place)| train[place]).collect()
}

/// Mean and standard deviation of each feature.
struct Scale(Vec<(f64, f64)>);

impl Scale {
    fn new(table: &Table, rows: &[usize]) -> Self {
        let count = rows.len() as f64;
        let column = |column: usize| {
            let values = || rows.iter().map(|&row| table.features[row * table.columns + column]);
            let mean = values().sum::<f64>() / count;
            let deviation = (values().map(|v| (v - mean) * (v - mean)).sum::<f64>() / count).sqrt();
            (mean, if deviation > 0.0 { deviation } else { 1.0 })
        };
        Self((0..table.columns).map(column).collect())
    }

    fn apply(&self, table: &Table, rows: &[usize]) -> Rows {
        let mut scaled = Rows::default();
        for &row in rows {
            let values = &table.features[row * table.columns..(row + 1) * table.columns];
            scaled.features.extend(values.iter().zip(&self.0).map(|(v, (mean, dev))| (v - mean) / dev));
            scaled.labels.push(table.labels[row]);
        }
        scaled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(skew: f64) -> Data {
        let table = super::super::csv::parse("digits.csv", super::super::csv::DIGITS).expect("parses");
        prepare(table, Split { ranks: 8, skew, seed: 0 })
    }

    #[test]
    fn every_row_lands_in_one_shard_or_in_the_test_set() {
        let data = digits(0.0);
        assert_eq!(data.test.labels.len(), 359);
        assert_eq!(data.train.labels.len(), 1438);
        let joined: Vec<f64> = data.shards.iter().flat_map(|shard| shard.features.clone()).collect();
        assert_eq!(joined, data.train.features);
    }

    #[test]
    fn features_have_mean_zero_and_deviation_one_or_are_constant() {
        let data = digits(0.3);
        for column in 0..data.columns {
            let values: Vec<f64> =
                data.train.features.iter().skip(column).step_by(data.columns).copied().collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let square = values.iter().map(|v| v * v).sum::<f64>() / values.len() as f64;
            assert!(mean.abs() < 1e-9, "column {column}: mean {mean}");
            assert!(square == 0.0 || (square - 1.0).abs() < 1e-9, "column {column}: {square}");
        }
    }

    #[test]
    fn skew_one_sorts_by_label_and_skew_zero_mixes() {
        let kinds = |data: &Data| {
            let distinct = |rows: &Rows| (0..10).filter(|class| rows.labels.contains(class)).count();
            data.shards.iter().map(distinct).max().unwrap_or(0)
        };
        assert_eq!(kinds(&digits(0.0)), 10);
        assert!(kinds(&digits(1.0)) <= 3);
    }
}
