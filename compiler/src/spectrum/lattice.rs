//! From elements of a finite abelian group to the subgroup that they generate: which ranks the hops of symmetric
//! phases can ever connect.
//!
//! A subgroup of `Z_{r_0} × … × Z_{r_d}` is a lattice of integer vectors that contains every `r_j e_j`; it is kept in
//! Hermite form (upper triangular), where its index in the group is the product of the diagonal.

use bfc_schedule::{Group, Rank};
use num_integer::Integer;

/// A subgroup of a finite abelian group.
pub(crate) struct Subgroup {
    group: Group,
    rows: Vec<Vec<i128>>,
}

impl Subgroup {
    /// The subgroup that `elements` generate.
    pub(crate) fn generated(group: &Group, elements: impl IntoIterator<Item = Rank>) -> Self {
        let radices = group.radices();
        let unit =
            |j: usize| (0..radices.len()).map(|k| if k == j { radices[j] as i128 } else { 0 }).collect();
        let mut subgroup = Self { group: group.clone(), rows: (0..radices.len()).map(unit).collect() };
        for element in elements {
            if subgroup.index() == 1 {
                break;
            }
            subgroup.insert(element);
        }
        subgroup
    }

    /// The number of cosets: 1 if the elements generate the whole group.
    pub(crate) fn index(&self) -> u64 {
        self.rows.iter().enumerate().map(|(j, row)| row[j] as u64).product()
    }

    /// Whether an element of the group lies in the subgroup.
    pub(crate) fn contains(&self, element: Rank) -> bool {
        let mut vector = self.vector(element);
        for (j, row) in self.rows.iter().enumerate() {
            if vector[j] % row[j] != 0 {
                return false;
            }
            let factor = vector[j] / row[j];
            vector.iter_mut().zip(row).skip(j).for_each(|(v, r)| *v -= factor * r);
        }
        true
    }

    fn vector(&self, element: Rank) -> Vec<i128> {
        self.group.digits(element).into_iter().map(i128::from).collect()
    }

    /// Euclid's algorithm down the columns; entries stay below their radix because `r_k e_k` is in the lattice.
    fn insert(&mut self, element: Rank) {
        let mut vector = self.vector(element);
        for (j, row) in self.rows.iter_mut().enumerate() {
            if vector[j] == 0 {
                continue;
            }
            let euclid = row[j].extended_gcd(&vector[j]);
            let (own, other) = (vector[j] / euclid.gcd, row[j] / euclid.gcd);
            for k in (j..vector.len()).rev() {
                let radix = self.group.radices()[k] as i128;
                let combined = euclid.x * row[k] + euclid.y * vector[k];
                vector[k] = (other * vector[k] - own * row[k]).rem_euclid(radix);
                row[k] = if k == j { combined } else { combined.rem_euclid(radix) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn closure(group: &Group, elements: &[u32]) -> Vec<bool> {
        let mut seen = vec![false; group.order() as usize];
        let mut todo = vec![Rank(0)];
        while let Some(at) = todo.pop() {
            if !std::mem::replace(&mut seen[at.index()], true) {
                todo.extend(elements.iter().map(|&e| group.add(at, Rank(e))));
            }
        }
        seen
    }

    proptest! {
        #[test]
        fn subgroup_is_the_closure(radices in prop::collection::vec(2u32..9, 1..4), seeds in prop::collection::vec(any::<u32>(), 0..4)) {
            let group = Group::new(radices).expect("small radices");
            let elements: Vec<u32> = seeds.iter().map(|s| s % group.order()).collect();
            let subgroup = Subgroup::generated(&group, elements.iter().map(|&e| Rank(e)));
            let seen = closure(&group, &elements);
            prop_assert_eq!(subgroup.index() as usize * seen.iter().filter(|s| **s).count(), group.order() as usize);
            for (element, inside) in (0..).zip(seen) {
                prop_assert_eq!(subgroup.contains(Rank(element)), inside);
            }
        }
    }
}
